import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { dequantizeBlocks } from "../../src/checkpoint/formats/gguf/dequantize-blocks.ts";
import { weightOfBlocks } from "../../src/checkpoint/formats/gguf/matrix-of-blocks.ts";
import { openGguf } from "../../src/checkpoint/formats/gguf/open-gguf.ts";
import { tensorType, type TensorTypeName } from "../../src/checkpoint/formats/gguf/tensor-types.ts";
import { denseValues } from "../../src/checkpoint/stored-weight.ts";
import { loadTokenizer } from "../../src/tokenizer/tokenizer.ts";

const directory = join(import.meta.dirname, "gguf");
const names = [
  "Q4_0",
  "Q4_1",
  "Q5_0",
  "Q5_1",
  "Q8_0",
  "IQ4_NL",
  "TQ2_0",
  "Q2_K",
  "Q3_K",
  "Q4_K",
  "Q5_K",
  "Q6_K",
] as const satisfies readonly TensorTypeName[];
const golden = z
  .object({
    cases: z.array(z.object({ type: z.literal(names), blocks: z.base64(), values: z.base64() })),
    parameters: z.record(z.string(), z.base64()),
  })
  .parse(JSON.parse(readFileSync(join(directory, "gguf.json"), "utf8")));

function floats(encoded: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(encoded, "base64")).buffer);
}

it.each(golden.cases)(
  "blocks of $type mean the numbers that gguf-py gives them",
  ({ type: name, blocks, values }) => {
    const type = tensorType(name);
    const bytes = Uint8Array.from(Buffer.from(blocks, "base64"));
    const expected = floats(values);
    // Bits, but for the sign of zero.
    expect(dequantizeBlocks(type, bytes).map((value) => value + 0)).toEqual(
      expected.map((value) => value + 0),
    );
    const shape = { rows: 1, columns: expected.length };
    const stored = denseValues(weightOfBlocks(type, bytes, shape));
    expect(stored.map((value) => value + 0)).toEqual(expected.map((value) => value + 0));
  },
);

describe("a llama written by gguf-py, with the row order of llama.cpp's converter", () => {
  const path = join(directory, "written-by-gguf-py.gguf");
  const checkpoint = openGguf(path);

  it("has the configuration that its metadata say", () => {
    expect(checkpoint.config).toMatchObject({
      modelType: "llama",
      vocabularySize: 48,
      hiddenSize: 32,
      intermediateSize: 64,
      layerCount: 1,
      headCount: 4,
      keyValueHeadCount: 2,
      headDimension: 8,
      rmsNormEpsilon: 1e-5,
      rope: { type: "default", theta: 10_000 },
      maxPositions: 64,
      tiedEmbeddings: false,
      bosTokenId: 46,
      eosTokenIds: [47],
    });
    expect(checkpoint.unexpectedTensors).toEqual([]);
  });

  it.each(Object.keys(golden.parameters))("holds %s", (name) => {
    expect(checkpoint.readFloat32(name).map((value) => value + 0)).toEqual(
      floats(golden.parameters[name]!).map((value) => value + 0),
    );
  });

  it("has its tokenizer and chat template inside", () => {
    const tokenizer = loadTokenizer(path);
    expect(tokenizer.encode("<s>ABBA</s>")).toEqual([46, 45, 1, 0, 47]);
    expect(tokenizer.decode([45, 1, 0, 47])).toBe("ABBA");
    expect(tokenizer.eosTokenIds).toEqual([47]);
    expect(tokenizer.applyChatTemplate([{ role: "user", content: "B" }], { addGenerationPrompt: true })).toBe(
      "B",
    );
  });
});
