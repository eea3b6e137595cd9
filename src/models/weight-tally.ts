import { formOf, operatorParts } from "./linears/operator-layout.ts";
import type { ModelSource } from "./model-source.ts";

/** Counts the weights that a graph takes from a source, each once: low-bit matrices are read for the graph only. */
export class WeightTally {
  readonly source: ModelSource;
  readonly #bytes = new Map<string, number>();
  #hasFloatProducts = false;

  constructor(source: ModelSource) {
    for (const [module, scheme] of source.stored?.schemes ?? []) {
      const parts = operatorParts(scheme).map(({ dataType, shape }) =>
        shape.reduce((product, size) => product * size, dataType === "u8" ? 1 : 4),
      );
      this.#hasFloatProducts ||= formOf(scheme) !== "integers";
      this.#bytes.set(
        module,
        parts.reduce((sum, bytes) => sum + bytes, 0),
      );
    }
    this.source = {
      ...source,
      parameter: (graph, name, shape) => {
        this.#bytes.set(
          name,
          shape.reduce((product, size) => product * size, 4),
        );
        return source.parameter(graph, name, shape);
      },
      quantized: (module) => {
        const matrix = source.quantized(module);
        if (matrix === null) return null;
        this.#hasFloatProducts ||= formOf(matrix) !== "integers";
        const { bits, codes, scales, activations } = matrix;
        const bytesPerCode = bits > 4 || activations !== undefined ? 1 : 0.5;
        this.#bytes.set(module, bytesPerCode * codes.length + 4 * scales.length);
        return matrix;
      },
    };
  }

  /** As the engine computes with them: full weights in float32, low-bit codes in their containers with float32 scales. */
  get bytes(): number {
    return [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Whether low-bit weights meet activations in float32. */
  get hasFloatProducts(): boolean {
    return this.#hasFloatProducts;
  }
}
