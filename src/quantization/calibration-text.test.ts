import { describe, expect, test } from "vitest";
import { batchSequences, someBatches } from "./calibration-text.ts";

/** Sequences of `length` tokens, each a batch of its own. */
function batches(count: number, length = 2000): ReturnType<typeof batchSequences> {
  return batchSequences(Array.from({ length: count }, () => Array.from({ length }, () => 1)));
}

describe("someBatches", () => {
  test("evenly spaced ones of about so many tokens", () => {
    expect(someBatches(batches(8), 8192)).toEqual([0, 2, 4, 6]);
    expect(someBatches(batches(7), 6000)).toEqual([0, 2, 4]);
  });

  test("at least one, and all where there are no more", () => {
    expect(someBatches(batches(5), 10)).toEqual([0]);
    expect(someBatches(batches(3), 8192)).toEqual([0, 1, 2]);
    expect(someBatches(batches(3), Number.POSITIVE_INFINITY)).toEqual([0, 1, 2]);
  });
});
