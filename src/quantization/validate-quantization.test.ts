import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openCheckpoint, type Checkpoint } from "../checkpoint/checkpoint.ts";
import { writeModelDirectory } from "../checkpoint/model-directory.ts";
import { readTensorBytes, type TensorToWrite } from "../checkpoint/safetensors.ts";
import { quantizationRecipeSchema } from "./recipe.ts";
import { validateQuantization } from "./validate-quantization.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-validate-"));
afterAll(() => rmSync(work, { recursive: true }));
const source = openCheckpoint(join(import.meta.dirname, "../../test/golden/tiny/qwen3"));
const gptq = quantizationRecipeSchema.parse({ method: "gptq", bits: 4, groupSize: 8 });
const text = [[1, 2, 3]];

/** The tiny model with one weight changed to NaN. */
function withNaN(name: string): Checkpoint {
  const tensors = [...source.tensors].map(([tensor, location]): TensorToWrite => {
    const data = readTensorBytes(location);
    if (tensor === name) data.set([0xc0, 0x7f], 10);
    return { name: tensor, dataType: location.dataType, shape: location.shape, data };
  });
  const directory = join(work, "nan");
  writeModelDirectory(directory, { config: source.rawConfig, tensors });
  return openCheckpoint(directory);
}

describe("validateQuantization", () => {
  test("accepts what can be quantized", () => {
    expect(() => validateQuantization(source, gptq, text)).not.toThrow();
    expect(() => validateQuantization(source, { ...gptq, method: "rtn", groupSize: -1 }, [])).not.toThrow();
  });

  test("lists every linear that the group size does not divide", () => {
    expect(() =>
      validateQuantization(source, { ...gptq, groupSize: 16 }, text),
    ).toThrowErrorMatchingInlineSnapshot(
      `[BitmendError: validateQuantization(): expected grids that fit the model, but 16 does not divide the 40 input features of model.layers.0.mlp.down_proj; 16 does not divide the 40 input features of model.layers.1.mlp.down_proj. Choose a common divisor as group size, or -1 for one group per output channel.]`,
    );
  });

  test("GPTQ without calibration text", () => {
    expect(() => validateQuantization(source, gptq, [])).toThrowErrorMatchingInlineSnapshot(
      `[BitmendError: validateQuantization(): expected calibration sequences that the model can read, but there are none. Give sequences of the model's own token ids, as many as 128 for a good result.]`,
    );
  });

  test("calibration text the model cannot read", () => {
    const bad = [[], [1, 48], [-1], [0.5], Array.from({ length: 65 }, () => 1)];
    expect(() => validateQuantization(source, gptq, bad)).toThrowErrorMatchingInlineSnapshot(
      `[BitmendError: validateQuantization(): expected calibration sequences that the model can read, but number 0 is empty; number 1 has the token 48 and the vocabulary 48; number 2 has the token -1 and the vocabulary 48; number 3 has the token 0.5 and the vocabulary 48; number 4 has 65 tokens and the model takes 64. Give sequences of the model's own token ids, as many as 128 for a good result.]`,
    );
  });

  test("NaN weights", () => {
    const broken = withNaN("model.layers.1.mlp.up_proj.weight");
    expect(() => validateQuantization(broken, gptq, text)).toThrow(
      expect.objectContaining({
        code: "checkpoint/not-finite",
        message: expect.stringContaining("model.layers.1.mlp.up_proj.weight (1)"),
      }),
    );
  });

  test("a recipe with an unknown key", () => {
    expect(() => quantizationRecipeSchema.parse({ method: "gptq", bits: 4, groupsize: 8 })).toThrow(
      /groupsize/u,
    );
    expect(() => quantizationRecipeSchema.parse({ method: "rtn", bits: 4, dampingFraction: 1 })).toThrow(
      /dampingFraction/u,
    );
  });
});
