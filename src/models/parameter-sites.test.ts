import { describe, expect, test } from "vitest";
import { expectedTensors } from "../checkpoint/expected-tensors.ts";
import { parseModelConfig } from "../checkpoint/model-config.ts";
import { headSite, linearGroups, linearSites } from "./linear-sites.ts";
import { parameterSites } from "./parameter-sites.ts";
import { validateAgainstFamily } from "./validate-against-family.ts";

const sizes = {
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
};
const files = [
  { model_type: "llama", ...sizes },
  { model_type: "llama", ...sizes, attention_bias: true, mlp_bias: true, tie_word_embeddings: true },
  { model_type: "qwen2", ...sizes },
  { model_type: "qwen3", ...sizes, head_dim: 16, tie_word_embeddings: true },
];

describe.each(files)("$model_type", (file) => {
  const config = parseModelConfig(file, "test");

  test("the decoder's parameters are the tensors that a checkpoint must have", () => {
    const ours = parameterSites(config).map(({ name, shape }): [string, readonly number[]] => [name, shape]);
    expect(new Map(ours)).toEqual(expectedTensors(config));
    expect(new Set(ours.map(([name]) => name)).size).toBe(ours.length);
  });

  test("every linear and the head is a parameter of its shape, in execution order", () => {
    const shapes = new Map(parameterSites(config).map(({ name, shape }) => [name, shape]));
    for (const { name, inFeatures, outFeatures, hasBias } of [...linearSites(config), headSite(config)]) {
      expect(shapes.get(`${name}.weight`)).toEqual([outFeatures, inFeatures]);
      expect(shapes.has(`${name}.bias`)).toBe(hasBias);
    }
    const kinds = linearSites(config).map(({ kind }) => kind);
    expect(kinds).toEqual([...linearGroups.flat(), ...linearGroups.flat()]);
  });
});

test("a configuration that its family cannot have is refused, every contradiction named", () => {
  const config = parseModelConfig(files[0], "test");
  const odd = { ...config, modelType: "qwen3", feedForwardBias: true } as const;
  expect(() => validateAgainstFamily(odd)).toThrowErrorMatchingInlineSnapshot(
    `[BitmendError: decoder(): expected a qwen3 configuration, got feedForwardBias=true (never true in this family), queryKeyNorm=false (always true in this family). Set model_type to the architecture that the weights belong to.]`,
  );
});
