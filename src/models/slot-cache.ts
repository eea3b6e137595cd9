import type { ModelConfig } from "../checkpoint/model-config.ts";
import { sharedTensor, type EngineTensor } from "../engine/index.ts";
import { floatData } from "./tensor-data.ts";
import { cacheNames } from "./attention/cached.ts";

/** Room for sequences. */
export interface CacheSize {
  readonly slots: number;
  /** Longest sequence, prompt and completion together. */
  readonly capacity: number;
}

/** Keys and values of all layers and slots, in memory that the engine shares. */
export class SlotCache {
  readonly #capacity: number;
  readonly #heads: number;
  readonly #width: number;
  /** Two a layer, each [slots, heads, capacity, width]. */
  readonly #entries: readonly {
    readonly past: string;
    readonly present: string;
    readonly data: Float32Array;
  }[];

  constructor({ layerCount, keyValueHeadCount, headDimension }: ModelConfig, { slots, capacity }: CacheSize) {
    this.#capacity = capacity;
    this.#heads = keyValueHeadCount;
    this.#width = headDimension;
    this.#entries = Array.from({ length: layerCount }, (_, layer) => {
      const { past, present } = cacheNames(layer);
      return [0, 1].map((which) => ({
        past: past[which]!,
        present: present[which]!,
        data: floatData(sharedTensor("f32", [slots, keyValueHeadCount, capacity, headDimension])),
      }));
    }).flat();
  }

  /** The caches of consecutive slots, as the graph's inputs and, in the same memory, its outputs. */
  views(
    first: number,
    slots: number,
  ): { pasts: Record<string, EngineTensor>; presents: Record<string, EngineTensor> } {
    const shape = [slots, this.#heads, this.#capacity, this.#width];
    const views = this.#entries.map(({ past, present, data }) => {
      const tensor: EngineTensor = {
        dataType: "f32",
        shape,
        data: data.subarray(first * this.#slotSize, (first + slots) * this.#slotSize),
      };
      return { past, present, tensor };
    });
    return {
      pasts: Object.fromEntries(views.map(({ past, tensor }) => [past, tensor])),
      presents: Object.fromEntries(views.map(({ present, tensor }) => [present, tensor])),
    };
  }

  /** Copies the first `positions` positions of a slot over another slot. */
  move(from: number, { to, positions }: { readonly to: number; readonly positions: number }): void {
    const headSize = this.#capacity * this.#width;
    for (const { data } of this.#entries) {
      for (let head = 0; head < this.#heads; head++) {
        const source = from * this.#slotSize + head * headSize;
        data.copyWithin(to * this.#slotSize + head * headSize, source, source + positions * this.#width);
      }
    }
  }

  get #slotSize(): number {
    return this.#heads * this.#capacity * this.#width;
  }
}
