/** @file What is measured: a model of Qwen3-0.6B's shape with random 4-bit weights, the same numbers for both programs. */
import { createCipheriv, createHash } from "node:crypto";
import { float16ToFloat32, float32ToFloat16 } from "../../src/checkpoint/half-floats.ts";
import { dequantize } from "../../src/checkpoint/dequantize.ts";
import type { ModelConfig } from "../../src/checkpoint/model-config.ts";
import type { QuantizedMatrix } from "../../src/checkpoint/quantized-matrix.ts";
import { headSite, linearSites } from "../../src/models/linear-sites.ts";
import { memorySource, type ModelSource } from "../../src/models/model-source.ts";
import { parameterSites } from "../../src/models/parameter-sites.ts";

/** Columns that share a scale: llama.cpp's Q4_0. */
export const GROUP_SIZE = 32;
export const PROMPT_TOKENS = 16;

/** Qwen3-0.6B, https://huggingface.co/Qwen/Qwen3-0.6B/blob/main/config.json; `layerCount` 28 there. */
export function subjectConfig(layerCount: number): ModelConfig {
  return {
    modelType: "qwen3",
    vocabularySize: 151_936,
    hiddenSize: 1024,
    intermediateSize: 3072,
    layerCount,
    headCount: 16,
    keyValueHeadCount: 8,
    headDimension: 128,
    rmsNormEpsilon: 1e-6,
    rope: { type: "default", theta: 1_000_000 },
    maxPositions: 40_960,
    tiedEmbeddings: true,
    attentionBias: { queryKeyValue: false, output: false },
    feedForwardBias: false,
    queryKeyNorm: true,
    bosTokenId: null,
    eosTokenIds: [],
  };
}

/** Every quantized module, the embedding table (which is the head) among them. */
export function subjectMatrices(config: ModelConfig): Map<string, () => QuantizedMatrix> {
  return new Map(
    [headSite(config), ...linearSites(config)].map(({ name, outFeatures, inFeatures }) => [
      name,
      () => randomMatrix(name, outFeatures, inFeatures),
    ]),
  );
}

/** The model in memory: low-bit linears and head, the embedding table dequantized for look-ups. */
export function subjectSource(config: ModelConfig): ModelSource {
  const matrices = subjectMatrices(config);
  const ones = parameterSites(config).filter(({ shape }) => shape.length === 1);
  const parameters = new Map<string, Float32Array>(
    ones.map(({ name, shape }) => [name, new Float32Array(shape[0]!).fill(1)]),
  );
  parameters.set("model.embed_tokens.weight", dequantize(matrices.get("model.embed_tokens")!()));
  const source = memorySource({ config, parameters });
  return { ...source, quantized: (module) => matrices.get(module)?.() ?? null };
}

/** Prompts of {@link PROMPT_TOKENS} tokens. */
export function subjectPrompts(count: number): number[][] {
  return Array.from({ length: count }, (_, prompt) =>
    Array.from({ length: PROMPT_TOKENS }, (__, token) => ((prompt + 1) * 7919 + token * 104_729) % 151_936),
  );
}

/** Codes 1 … 15, weights around 0, scales that keep activations near their size. */
function randomMatrix(name: string, rows: number, columns: number): QuantizedMatrix {
  const groups = (rows * columns) / GROUP_SIZE;
  const [scale] = float16ToFloat32(float32ToFloat16(Float32Array.of(0.2 / Math.sqrt(columns))));
  return {
    bits: 4,
    rows,
    columns,
    groupSize: GROUP_SIZE,
    symmetric: true,
    codes: randomBytes(name, rows * columns).map((byte) => 1 + (byte % 15)),
    scales: new Float32Array(groups).fill(scale!),
    zeroPoints: new Uint8Array(groups).fill(8),
  };
}

/** A key stream: fast, and the same in both programs. */
function randomBytes(name: string, length: number): Uint8Array {
  const key = createHash("sha256").update(name).digest();
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  return new Uint8Array(cipher.update(new Uint8Array(length)));
}
