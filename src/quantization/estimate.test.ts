import { join } from "node:path";
import { tmpdir } from "node:os";
import { assert, asyncProperty, nat } from "fast-check";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../checkpoint/checkpoint.ts";
import { estimateQuantization, refuseUnfit, type CostEstimate } from "./estimate.ts";
import { quantizationWork } from "./quantization-work.ts";
import { quantizationRecipeSchema } from "./recipe.ts";

const source = openCheckpoint(join(import.meta.dirname, "../../test/golden/tiny/llama"));
const { hiddenSize, intermediateSize, headCount, keyValueHeadCount, headDimension } = source.config;
const gptq = quantizationRecipeSchema.parse({ method: "gptq", bits: 4, groupSize: 8 });
const rtn = quantizationRecipeSchema.parse({ method: "rtn", bits: 4, groupSize: 8 });

/** Of GPTQ on so many tokens, with so many layers done. */
async function estimate(tokens: number, finishedLayers: number): Promise<CostEstimate> {
  const text = { tokens, longest: Math.min(tokens, 64) };
  return estimateQuantization(source, gptq, { text, threads: 2, directory: tmpdir(), finishedLayers });
}

describe("quantizationWork", () => {
  test("worked example: rounding to nearest reads every weight once and packs 4 of its 16 or 32 bits", () => {
    const work = quantizationWork(source, rtn, { text: null });
    const attention = (2 * headCount + 2 * keyValueHeadCount) * headDimension * hiddenSize;
    const weights = source.config.layerCount * (attention + 3 * hiddenSize * intermediateSize);
    expect(work).toMatchObject({ weights, nearestWeights: weights, gptqWeights: 0, productOperations: 0 });
    const linearBytes = [...source.tensors]
      .filter(([name]) => name.endsWith("_proj.weight"))
      .reduce((sum, [, { byteLength }]) => sum + byteLength, 0);
    const allBytes = [...source.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    // Groups of 8: half a byte a weight, and 2 bytes of scale and half a byte of zero point for eight.
    expect(work.writtenBytes).toBe(allBytes - linearBytes + weights / 2 + (weights / 8) * 2.5);
  });

  test("worked example: one token goes once through every linear, and each group's Gram matrix grows by it", () => {
    const one = quantizationWork(source, gptq, { text: { tokens: 1, longest: 1 } });
    const two = quantizationWork(source, gptq, { text: { tokens: 2, longest: 1 } });
    const { layerCount } = source.config;
    const inputs = [hiddenSize, headCount * headDimension, hiddenSize, intermediateSize];
    const squares = inputs.reduce((sum, width) => sum + width ** 2, 0);
    expect(two.gramOperations - one.gramOperations).toBe(2 * layerCount * squares);
    expect(two.productOperations - one.productOperations).toBe(
      2 * one.weights + layerCount * 4 * headCount * headDimension,
    );
    expect(one.factorSquares).toBe(layerCount * squares);
  });

  test("property: more text never takes less time, and finished layers never cost more", async () => {
    await assert(
      asyncProperty(nat(1e6), nat(1e6), nat(source.config.layerCount), async (some, more, finishedLayers) => {
        const [little, much, rest] = [
          await estimate(some + 1, 0),
          await estimate(some + 1 + more, 0),
          await estimate(some + 1, finishedLayers),
        ];
        expect(much.seconds).toBeGreaterThanOrEqual(little.seconds);
        expect(rest.seconds).toBeLessThanOrEqual(little.seconds);
        expect(rest.diskBytes).toBeLessThanOrEqual(little.diskBytes);
      }),
      { numRuns: 50 },
    );
  });
});

test("what does not fit is refused with both numbers", () => {
  const cost = { seconds: 1, memoryBytes: 6 * 2 ** 30, diskBytes: 2 ** 29 };
  const room = { directory: tmpdir(), memory: 7 * 2 ** 30, disk: 2 ** 30 };
  expect(() => refuseUnfit(cost, room)).not.toThrow();
  expect(() => refuseUnfit(cost, { ...room, memory: 2 ** 32, disk: 2 ** 28 })).toThrow(
    /6\.0 GiB of memory, of which 4\.0 GiB are free and 0\.50 GiB on the disk of .*, of which 0\.25 GiB are free\. Use fewer threads/u,
  );
});
