import type { ModelConfig } from "../src/checkpoint/model-config.ts";
import type { Bits, QuantizedMatrix } from "../src/checkpoint/quantized-matrix.ts";
import { linearSites, type LinearSite } from "../src/models/linear-sites.ts";
import { parameterSites } from "../src/models/parameter-sites.ts";
import { randomStream } from "../src/util/random.ts";

/** A small Qwen3 with grouped heads, QK norm and tied embeddings. */
export const smallConfig: ModelConfig = {
  modelType: "qwen3",
  vocabularySize: 96,
  hiddenSize: 128,
  intermediateSize: 256,
  layerCount: 2,
  headCount: 4,
  keyValueHeadCount: 2,
  headDimension: 32,
  rmsNormEpsilon: 1e-6,
  rope: { type: "default", theta: 10_000 },
  maxPositions: 128,
  tiedEmbeddings: true,
  attentionBias: { queryKeyValue: false, output: false },
  feedForwardBias: false,
  queryKeyNorm: true,
  bosTokenId: null,
  eosTokenIds: [],
};

/** Random weights of ordinary size, by tensor name. */
export function randomParameters(config: ModelConfig, seed: number): Map<string, Float32Array> {
  return new Map(
    parameterSites(config).map(({ name, shape }) => {
      const random = randomStream(seed, name);
      const length = shape.reduce((product, size) => product * size, 1);
      const draw = (): number =>
        shape.length === 1 ? 1 + 0.1 * random.normal() : random.normal() / Math.sqrt(shape[1]!);
      return [name, Float32Array.from({ length }, draw)];
    }),
  );
}

/** How random low-bit weights look. */
export interface RandomGrid {
  readonly bits: Bits;
  /** Null for one group per row. */
  readonly groupSize: number | null;
  readonly symmetric: boolean;
  readonly activations?: "int8-per-token";
}

/** Random codes, scales and zero points for every linear of the layers, by module name. */
export function randomMatrices(
  config: ModelConfig,
  grid: RandomGrid,
  seed: number,
): Map<string, QuantizedMatrix> {
  return new Map(linearSites(config).map((site) => [site.name, randomMatrix(site, grid, seed)]));
}

/** Random codes, scales and zero points for one weight. */
export function randomMatrix(
  site: Pick<LinearSite, "name" | "outFeatures" | "inFeatures">,
  { bits, groupSize, symmetric, ...rest }: RandomGrid,
  seed: number,
): QuantizedMatrix {
  const random = randomStream(seed, site.name);
  const { outFeatures: rows, inFeatures: columns } = site;
  const size = groupSize ?? columns;
  const groups = (rows * columns) / size;
  const levels = 2 ** bits;
  return {
    ...rest,
    bits,
    rows,
    columns,
    groupSize: size,
    symmetric,
    codes: Uint8Array.from({ length: rows * columns }, () => random.integer(levels)),
    // Powers of two times a small integer, exact in fp16; weights come out near 1 / sqrt(columns) in size.
    scales: Float32Array.from(
      { length: groups },
      () => ((5 + random.integer(6)) / 16) * 2 ** (2 - bits) * 2 ** -Math.round(Math.log2(columns) / 2),
    ),
    zeroPoints: Uint8Array.from({ length: groups }, () => (symmetric ? levels / 2 : random.integer(levels))),
  };
}
