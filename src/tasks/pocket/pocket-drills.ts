import { randomStream } from "../../util/random.ts";
import type { RandomStream } from "../../util/random.ts";

/** Lines of bare arithmetic, for training only. */
export interface PocketDrill {
  /** One fact a line, as in `37+25=62`, each line ended. Every character is one token, so positions in the text are positions in its ids. */
  readonly text: string;
  /** For each character: 1 where it is of a result or ends its line (what the loss counts), else 0. */
  readonly lossWeights: readonly (0 | 1)[];
}

const factsPerDrill = 7;

/** Draws `count` drills: the four operations over the generator's ranges, with extra subtraction and extra long division. */
export function pocketDrills({ seed, count }: { seed: number | string; count: number }): PocketDrill[] {
  const random = randomStream(seed, "pocket", "drills");
  return Array.from({ length: count }, () => drill(random));
}

function drill(random: RandomStream): PocketDrill {
  let text = "";
  const lossWeights: (0 | 1)[] = [];
  for (let fact = 0; fact < factsPerDrill; fact++) {
    const [equation, result] = drawFact(random);
    text += `${equation}=${result}\n`;
    for (let index = 0; index <= equation.length; index++) lossWeights.push(0);
    for (let index = 0; index <= String(result).length; index++) lossWeights.push(1);
  }
  return { text, lossWeights };
}

function drawFact(random: RandomStream): readonly [equation: string, result: number] {
  const limit = random.next() < 0.8 ? 199 : 480;
  const other = 2 + random.integer(random.next() < 0.5 ? 19 : 74);
  const kind = random.next();
  if (kind < 0.25) {
    const first = 2 + random.integer(limit - other - 1);
    return [random.next() < 0.8 ? `${first}+${other}` : `${other}+${first}`, first + other];
  }
  if (kind < 0.62) {
    const result = 2 + random.integer(limit - other - 1);
    return [`${result + other}-${other}`, result];
  }
  const digit = 2 + random.integer(8);
  if (kind < 0.8) {
    const factor = 2 + random.integer(Math.min(99, Math.floor(limit / digit)) - 1);
    return [random.next() < 0.5 ? `${digit}*${factor}` : `${factor}*${digit}`, digit * factor];
  }
  const divisor = 2 + random.integer(9);
  const quotient = 2 + random.integer(Math.floor((random.next() < 0.5 ? 480 : limit) / divisor) - 1);
  return [`${divisor * quotient}/${divisor}`, quotient];
}
