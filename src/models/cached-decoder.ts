import type { ModelConfig } from "../checkpoint/model-config.ts";
import { sharedTensor, type EngineSession, type EngineTensor } from "../engine/index.ts";
import { SlotCache, type CacheSize } from "./slot-cache.ts";
import { floatData, intData, longData } from "./tensor-data.ts";
import type { NextToken, SlotDecoder, StepRow } from "./slot-decoder.ts";

/** The inference graph in a worker. Decoders that share it note whose tensors are bound. */
export interface InferenceSession {
  readonly session: EngineSession;
  readonly config: ModelConfig;
  /** The fewest rows of a step: float32 products of low-bit weights take another kernel for a single row, which rounds differently. */
  readonly minRows: 1 | 2;
  boundTo: unknown;
}

/** Settings of a decoder. */
export interface DecoderOptions extends CacheSize {
  /** Hand out logits, not only the likeliest token. */
  readonly wantsLogits: boolean;
}

/** Tensors of one batch shape, in shared memory: filled before each run, read after it. */
interface BatchTensors {
  readonly feeds: Record<string, EngineTensor>;
  readonly fetches: Record<string, EngineTensor>;
}

/** One batch: equally long rows in consecutive slots. */
interface Batch {
  /** [rows · sequence]. */
  readonly tokenIds: readonly number[];
  /** Index of the last token of each row's sequence. */
  readonly lastPositions: readonly number[];
  /** Which of the rows · sequence tokens yield logits. */
  readonly outputRows: readonly number[];
}

/** An idle slot runs a token that nobody reads, at the start of a sequence that nobody has. */
const idleRow: StepRow = { tokenId: 0, position: 0 };

/** Runs the inference graph over slots of a key/value cache, which the engine updates in place. */
export class CachedDecoder implements SlotDecoder {
  readonly slots: number;
  readonly #inference: InferenceSession;
  readonly #cache: SlotCache;
  readonly #wantsLogits: boolean;
  /** By number of rows. */
  readonly #stepTensors = new Map<number, BatchTensors>();

  constructor(inference: InferenceSession, { slots, capacity, wantsLogits }: DecoderOptions) {
    this.slots = nextPowerOfTwo(Math.max(slots, inference.minRows));
    this.#inference = inference;
    this.#cache = new SlotCache(inference.config, { slots: this.slots, capacity });
    this.#wantsLogits = wantsLogits;
  }

  async prefill(slot: number, tokenIds: readonly number[]): Promise<NextToken> {
    const last = tokenIds.length - 1;
    const tensors = this.#batchTensors({
      slot,
      rows: 1,
      sequence: tokenIds.length,
      outputs: 1,
      logits: this.#wantsLogits,
    });
    fill(tensors.feeds, { tokenIds, lastPositions: [last], outputRows: [last] });
    await this.#inference.session.run(tensors.feeds, tensors.fetches);
    return nextTokens(tensors.fetches, this.#inference.config.vocabularySize)[0]!;
  }

  async step(rows: readonly StepRow[]): Promise<NextToken[]> {
    const width = nextPowerOfTwo(Math.max(rows.length, this.#inference.minRows));
    const tensors = this.#bindStep(width);
    const padded = Array.from({ length: width }, (_, row) => rows[row] ?? idleRow);
    fill(tensors.feeds, {
      tokenIds: padded.map(({ tokenId }) => tokenId),
      lastPositions: padded.map(({ position }) => position),
      outputRows: [...padded.keys()],
    });
    await this.#inference.session.run({});
    return nextTokens(tensors.fetches, this.#inference.config.vocabularySize);
  }

  moveSlot(from: number, target: { readonly to: number; readonly positions: number }): void {
    this.#cache.move(from, target);
  }

  async logits(tokenIds: readonly number[], slot = 0): Promise<Float32Array> {
    const count = tokenIds.length;
    const tensors = this.#batchTensors({ slot, rows: 1, sequence: count, outputs: count, logits: true });
    fill(tensors.feeds, { tokenIds, lastPositions: [count - 1], outputRows: [...tokenIds.keys()] });
    await this.#inference.session.run(tensors.feeds, tensors.fetches);
    return floatData(tensors.fetches["logits"]);
  }

  /** Steps of one width use the same memory every time, and the engine is told of it once. */
  #bindStep(rows: number): BatchTensors {
    const known = this.#stepTensors.get(rows);
    const tensors =
      known ?? this.#batchTensors({ slot: 0, rows, sequence: 1, outputs: rows, logits: this.#wantsLogits });
    this.#stepTensors.set(rows, tensors);
    if (this.#inference.boundTo !== tensors) {
      this.#inference.session.bind(tensors.feeds, tensors.fetches);
      this.#inference.boundTo = tensors;
    }
    return tensors;
  }

  #batchTensors(shape: {
    slot: number;
    rows: number;
    sequence: number;
    outputs: number;
    logits: boolean;
  }): BatchTensors {
    const { slot, rows, sequence, outputs, logits } = shape;
    const { pasts, presents } = this.#cache.views(slot, rows);
    const { vocabularySize } = this.#inference.config;
    return {
      feeds: {
        tokenIds: sharedTensor("i64", [rows, sequence]),
        lastPosition: sharedTensor("i32", [rows]),
        longest: sharedTensor("i32", []),
        outputRows: sharedTensor("i64", [outputs]),
        ...pasts,
      },
      fetches: {
        best: sharedTensor("i64", [outputs]),
        ...(logits ? { logits: sharedTensor("f32", [outputs, vocabularySize]) } : {}),
        ...presents,
      },
    };
  }
}

function fill(feeds: BatchTensors["feeds"], { tokenIds, lastPositions, outputRows }: Batch): void {
  longData(feeds["tokenIds"]).set(tokenIds.map(BigInt));
  intData(feeds["lastPosition"]).set(lastPositions);
  intData(feeds["longest"])[0] = Math.max(...lastPositions) + 1;
  longData(feeds["outputRows"]).set(outputRows.map(BigInt));
}

function nextTokens(fetches: BatchTensors["fetches"], vocabularySize: number): NextToken[] {
  const logits = fetches["logits"] === undefined ? null : floatData(fetches["logits"]);
  return Array.from(longData(fetches["best"]), (tokenId, row) => ({
    best: Number(tokenId),
    logits: logits?.subarray(row * vocabularySize, (row + 1) * vocabularySize) ?? null,
  }));
}

function nextPowerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(count));
}
