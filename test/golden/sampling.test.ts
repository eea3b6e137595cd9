import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sampleToken, type SamplingOptions } from "../../src/generation/sampling.ts";
import { randomStream } from "../../src/util/random.ts";

interface Golden {
  readonly source: { readonly program: string };
  readonly cases: readonly {
    readonly options: SamplingOptions;
    readonly seen: readonly number[];
    readonly logits: readonly number[];
    readonly probabilities: readonly number[];
  }[];
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, "sampling.json"), "utf8")) as Golden;
const draws = 5000;
const stream = randomStream(0);

describe(`draws follow the distributions of ${golden.source.program}`, () => {
  test.each(golden.cases)("$options", ({ options, seen, logits, probabilities }) => {
    // Evenly spread draws hit every token as often as its probability says, to within one draw at either end of its interval.
    const counts = probabilities.map(() => 0);
    const values = Float32Array.from(logits);
    for (let draw = 0; draw < draws; draw++) {
      const random = { ...stream, next: () => (draw + 0.5) / draws };
      const tokenId = sampleToken(values, options, { seen: new Set(seen), random });
      counts[tokenId] = counts[tokenId]! + 1 / draws;
    }
    expect(counts).toBeAllClose(probabilities, { absolute: 2 / draws, relative: 0 });
    expect(counts.filter((count, tokenId) => count > 0 && probabilities[tokenId] === 0)).toEqual([]);
  });
});
