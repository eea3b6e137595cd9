import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { packSequences, totalWeight, type TrainingSequence } from "./batches.ts";

const sequence = (length: number, first = 1): TrainingSequence => ({
  tokenIds: Array.from({ length }, (_, index) => first + index),
  weights: Array.from({ length }, (_, index) => (index < length / 2 ? 0 : 1)),
});

describe("packSequences", () => {
  test("worked example: two rows of four, inputs and targets one token apart", () => {
    const [batch, ...others] = packSequences([sequence(3), sequence(5)], {
      tokensPerBatch: 8,
      lengthMultiple: 4,
      weightFactor: 0.5,
    });
    expect(others).toEqual([]);
    expect(batch?.shape).toEqual({ sequences: 2, length: 4 });
    expect(batch?.rows).toEqual([1, 0]);
    expect([...(batch?.tokenIds.data ?? [])].map(Number)).toEqual([1, 2, 3, 4, 1, 2, 0, 0]);
    expect([...(batch?.targets.data ?? [])].map(Number)).toEqual([2, 3, 4, 5, 2, 3, 0, 0]);
    expect([...(batch?.weights.data ?? [])].map(Number)).toEqual([0, 0, 0.5, 0.5, 0, 0.5, 0, 0]);
    expect(batch?.tokens).toBe(6);
  });

  test("property: every sequence is in exactly one batch, and no weight is lost", () => {
    const lengths = fc.array(fc.integer({ min: 2, max: 60 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(lengths, (all) => {
        const sequences = all.map((length) => sequence(length));
        const batches = packSequences(sequences, { tokensPerBatch: 128 });
        const rows = batches.flatMap(({ rows: own }) => own).toSorted((left, right) => left - right);
        const weight = batches
          .flatMap(({ weights }) => [...weights.data].map(Number))
          .reduce((sum, value) => sum + value, 0);
        expect(rows).toEqual(sequences.map((_, index) => index));
        expect(weight).toBe(totalWeight(sequences));
      }),
      { numRuns: 25 },
    );
  });

  test("a sequence of one token is refused by its index", () => {
    const malformed = [sequence(4), { tokenIds: [1], weights: [1] }, { tokenIds: [1, 2], weights: [1] }];
    expect(() => packSequences(malformed)).toThrowErrorMatchingInlineSnapshot(
      `[BitmendError: packSequences(): expected at least two tokens and one weight for each, got: sequence 1 has 1 tokens and 1 weights; sequence 2 has 2 tokens and 1 weights.]`,
    );
  });
});
