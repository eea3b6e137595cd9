import type { Checkpoint } from "../src/checkpoint/checkpoint.ts";
import { denseValues } from "../src/checkpoint/stored-weight.ts";
import { parseModelConfig } from "../src/checkpoint/model-config.ts";
import type { QuantizedMatrix } from "../src/checkpoint/quantized-matrix.ts";
import { readMatrix, type QuantizedModule } from "../src/checkpoint/quantized-module.ts";

/** config.json of a small Qwen3 with grouped heads, QK norm and tied embeddings. */
export const smallRawConfig = {
  model_type: "qwen3",
  vocab_size: 96,
  hidden_size: 128,
  intermediate_size: 256,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  max_position_embeddings: 128,
  tie_word_embeddings: true,
};

/** Weights of a checkpoint that lies nowhere. */
export interface MemoryCheckpoint {
  readonly rawConfig: Readonly<Record<string, unknown>>;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** By module. */
  readonly matrices: ReadonlyMap<string, QuantizedMatrix>;
}

/** A checkpoint for writers and converters, without files. */
export function memoryCheckpoint({ rawConfig, parameters, matrices }: MemoryCheckpoint): Checkpoint {
  const quantization = new Map<string, QuantizedModule>(
    [...matrices].map(([name, matrix]) => [name, memoryModule(name, matrix)]),
  );
  return {
    directory: "/nowhere",
    config: parseModelConfig(rawConfig, "memory"),
    rawConfig,
    tensors: new Map(),
    quantization,
    unexpectedTensors: [],
    readFloat32: (name) => {
      const module = quantization.get(name.replace(/\.weight$/u, ""));
      return module === undefined ? parameters.get(name)! : denseValues(module.read());
    },
    readQuantized: (module) => readMatrix(quantization.get(module)!),
  };
}

function memoryModule(name: string, matrix: QuantizedMatrix): QuantizedModule {
  const { bits, groupSize, columns, symmetric, activations } = matrix;
  return {
    name,
    scheme: {
      bits,
      symmetric,
      groupSize: groupSize === columns ? null : groupSize,
      ...(activations === undefined ? {} : { activations }),
    },
    rows: matrix.rows,
    columns,
    format: "memory",
    bytes: matrix.codes.length,
    read: () => ({ kind: "quantized", matrix }),
  };
}
