import { expect, it } from "vitest";
import { expectedTensors } from "../../expected-tensors.ts";
import { parseModelConfig } from "../../model-config.ts";
import { ggufName, reorderRows } from "./tensor-names.ts";

it("worked example: the halves of a head of four rows become pairs, and pairs halves", () => {
  const halves = Uint8Array.of(0, 1, 2, 3, 10, 11, 12, 13);
  const layout = { headDimension: 4, rowBytes: 1 } as const;
  const pairs = reorderRows(halves, { ...layout, to: "pairs" });
  expect([...pairs]).toEqual([0, 2, 1, 3, 10, 12, 11, 13]);
  expect(reorderRows(pairs, { ...layout, to: "halves" })).toEqual(halves);
});

it("every parameter of every model type has a name of its own", () => {
  for (const model_type of ["llama", "qwen2", "qwen3"]) {
    const raw = { model_type, num_hidden_layers: 2, attention_bias: true, mlp_bias: true };
    const names = [...expectedTensors(parseModelConfig(raw, "config.json")).keys()].map(ggufName);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.includes("undefined"))).toEqual([]);
  }
  expect(ggufName("model.layers.3.self_attn.q_proj.weight")).toBe("blk.3.attn_q.weight");
});
