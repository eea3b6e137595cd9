/** Primes tried; what is left above is taken for a prime, which is then an atom like any other. */
const LARGEST_TRIAL = 2000n;

/** Prime powers of a positive whole number, as far as trial division finds them. */
export function primeFactors(value: bigint): (readonly [prime: bigint, power: number])[] {
  const factors: (readonly [bigint, number])[] = [];
  let rest = value;
  for (let divisor = 2n; divisor <= LARGEST_TRIAL && divisor * divisor <= rest; divisor++) {
    let power = 0;
    for (; rest % divisor === 0n; power++) rest /= divisor;
    if (power > 0) factors.push([divisor, power]);
  }
  if (rest > 1n) factors.push(...perfectPower(rest));
  return factors;
}

/** 1000003² is no prime, though no small prime divides it. */
function perfectPower(value: bigint): (readonly [bigint, number])[] {
  for (const power of [2, 3]) {
    const root = BigInt(Math.round(Number(value) ** (1 / power)));
    if (Number.isSafeInteger(Number(root)) && root ** BigInt(power) === value) return [[root, power]];
  }
  return [[value, 1]];
}
