/**
 * @file Seeded random streams: one stream per seed and purpose, so that no stage's draws depend on another's.
 *
 * sfc32 (Chris Doty-Humphrey, PractRand) seeded by SHA-256 of the seed and the purpose. Bitwise operators are this file's business.
 */
/* oxlint-disable eslint/no-bitwise -- 32-bit arithmetic is what the generator is made of */
import { createHash } from "node:crypto";

/** A reproducible stream of random numbers. */
export interface RandomStream {
  /** Uniform in [0, 1), 32 bits. */
  readonly next: () => number;
  /** Uniform integer in [0, `limit`). */
  readonly integer: (limit: number) => number;
  /** Standard normal (Box-Muller). */
  readonly normal: () => number;
  /** One element, uniformly. */
  readonly pick: <Element>(elements: readonly Element[]) => Element;
  /** A shuffled copy (Fisher-Yates). */
  readonly shuffle: <Element>(elements: readonly Element[]) => Element[];
}

/** Opens the stream of `seed` for `purpose`; equal arguments give equal streams on every machine. */
export function randomStream(seed: number | string, ...purpose: readonly (number | string)[]): RandomStream {
  const digest = createHash("sha256")
    .update(JSON.stringify([seed, ...purpose]))
    .digest();
  const next = sfc32([digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8)]);
  const integer = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    pick: (elements) => {
      const element = elements[integer(elements.length)];
      if (element === undefined)
        throw new RangeError("randomStream().pick(): expected at least one element.");
      return element;
    },
    shuffle: (elements) => {
      const shuffled = [...elements];
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = integer(last + 1);
        [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
      }
      return shuffled;
    },
  };
}

function sfc32(state: readonly [number, number, number]): () => number {
  let [a, b, c] = state;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) next();
  return next;
}
