import { describe, expect, test } from "vitest";
import { dequantize } from "../../src/checkpoint/dequantize.ts";
import type { Bits } from "../../src/checkpoint/quantized-matrix.ts";
import { memorySource } from "../../src/models/model-source.ts";
import { startModel } from "../../src/models/model.ts";
import { fullSequenceLogits } from "../full-sequence-logits.ts";
import { randomMatrices, randomParameters, smallConfig } from "../random-model.ts";

const tokenIds = Array.from(
  { length: 40 },
  (_, position) => (position * 37 + 11) % smallConfig.vocabularySize,
);
const parameters = randomParameters(smallConfig, 1);
const grids = ([2, 3, 4, 8] satisfies Bits[]).flatMap((bits) =>
  [32, 64, 128, null].flatMap((groupSize) =>
    [true, false].map((symmetric) => ({ bits, groupSize, symmetric })),
  ),
);

describe.each(grids)("$bits bits, group $groupSize, symmetric $symmetric", (grid) => {
  test("run as low-bit weights, logits are those of the dequantized weights within 1e-4", async () => {
    const quantized = randomMatrices(smallConfig, grid, 2);
    const restored = new Map(parameters);
    for (const [module, matrix] of quantized) restored.set(`${module}.weight`, dequantize(matrix));
    const expected = await fullSequenceLogits(
      memorySource({ config: smallConfig, parameters: restored }),
      tokenIds,
    );
    await using model = await startModel(memorySource({ config: smallConfig, parameters, quantized }), {
      threads: 1,
    });
    const [decoder] = model.openDecoders({ slots: 2, capacity: tokenIds.length, wantsLogits: true });
    expect(await decoder!.logits(tokenIds)).toBeAllClose(expected, { absolute: 1e-4, relative: 0 });
    // One token at a time takes the other kernels.
    const width = smallConfig.vocabularySize;
    await decoder!.prefill(0, tokenIds.slice(0, -1));
    const [last] = await decoder!.step([{ tokenId: tokenIds.at(-1)!, position: tokenIds.length - 1 }]);
    expect(last!.logits!).toBeAllClose(expected.subarray(-width), { absolute: 1e-4, relative: 0 });
  });
});

test("a matrix that does not fit its place is refused", async () => {
  const quantized = randomMatrices(smallConfig, { bits: 4, groupSize: 32, symmetric: true }, 3);
  quantized.set("model.layers.0.self_attn.q_proj", quantized.get("model.layers.0.mlp.down_proj")!);
  const started = startModel(memorySource({ config: smallConfig, parameters, quantized }), { threads: 1 });
  await expect(started).rejects.toThrowErrorMatchingInlineSnapshot(
    `[BitmendError: nBit(): model.layers.0.self_attn.q_proj: expected a matrix [128, 128], got [128, 256].]`,
  );
});
