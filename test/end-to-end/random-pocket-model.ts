import { parseModelConfig } from "../../src/checkpoint/model-config.ts";
import { writeModelDirectory } from "../../src/checkpoint/model-directory.ts";
import { parameterSites } from "../../src/models/parameter-sites.ts";
import { writePocketTokenizer } from "../../src/tasks/pocket/write-pocket-tokenizer.ts";
import { randomParameters } from "../random-model.ts";

const config = {
  architectures: ["Qwen3ForCausalLM"],
  model_type: "qwen3",
  vocab_size: 704,
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 32,
  hidden_act: "silu",
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  max_position_embeddings: 256,
  tie_word_embeddings: true,
  attention_bias: false,
  eos_token_id: 696,
};

/** Writes a model with random weights that reads and writes the pocket task's tokens: everything works on it, and nothing is solved. */
export function writeRandomPocketModel(directory: string): void {
  const parsed = parseModelConfig(config, "config.json");
  const values = randomParameters(parsed, 1);
  const tensors = parameterSites(parsed).map(({ name, shape }) => {
    const data = new Uint8Array(values.get(name)!.buffer);
    return { name, dataType: "F32" as const, shape, data };
  });
  writeModelDirectory(directory, { config, tensors });
  writePocketTokenizer(directory);
}
