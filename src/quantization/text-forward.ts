import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { EngineSession, EngineWorker } from "../engine/index.ts";
import { BitmendError } from "../util/errors.ts";
import { buildLayerStages } from "./layer-stages.ts";
import {
  readLayerParameters,
  sharedFloats,
  type LayerParameters,
  type SharedFloats,
} from "./layer-parameters.ts";

/** A text as token ids, with what of it a model is measured on. */
export interface MeasuredSequence {
  readonly tokenIds: readonly number[];
  /** For each token whether the distribution of the token AFTER it counts: all of a plain text, the answer alone of a conversation. */
  readonly counted: readonly boolean[];
}

/** The residual stream [batch, sequence, hiddenSize] of each batch of the text. */
export type HiddenStream = SharedFloats[];

/** A checkpoint as far as its numbers go. */
export type WeightSource = Pick<Checkpoint, "config" | "readFloat32">;

/** Padded tokens run at once, as in calibration. */
const tokensPerBatch = 2048;

/** Moves text through a model layer by layer, so that no more than one layer of weights is in memory. */
export class TextForward {
  /** Sequences of similar length, longest first. */
  readonly batches: readonly (readonly MeasuredSequence[])[];
  readonly #halves: readonly EngineSession[];
  readonly #spares: HiddenStream;

  private constructor(
    source: WeightSource,
    batches: readonly (readonly MeasuredSequence[])[],
    halves: EngineSession[],
  ) {
    this.batches = batches;
    this.#halves = halves;
    this.#spares = batches.map((batch) => emptyHidden(source, batch));
  }

  /**
   * Loads the two halves of a layer into `worker`.
   *
   * @throws {BitmendError} `quantization/bad-calibration` when a sequence is empty or no token counts.
   */
  static async start(
    worker: EngineWorker,
    source: WeightSource,
    sequences: readonly MeasuredSequence[],
  ): Promise<TextForward> {
    refuseUncounted(sequences);
    const batches = intoBatches(sequences);
    const stages = buildLayerStages(source.config, batches[0]![0]!.tokenIds.length);
    const halves = await Promise.all(stages.halves.map((model) => worker.load(model)));
    return new TextForward(source, batches, halves);
  }

  /** Looks up the embeddings. */
  embed(source: WeightSource): HiddenStream {
    const { hiddenSize } = source.config;
    const table = source.readFloat32("model.embed_tokens.weight");
    return this.batches.map((batch) => {
      const hidden = emptyHidden(source, batch);
      const length = hidden.shape[1]!;
      for (const [row, { tokenIds }] of batch.entries()) {
        for (const [position, token] of tokenIds.entries()) {
          const vector = table.subarray(token * hiddenSize, (token + 1) * hiddenSize);
          hidden.data.set(vector, (row * length + position) * hiddenSize);
        }
      }
      return hidden;
    });
  }

  /** Moves `stream`, in place, through a layer with these parameters. */
  async advance(stream: HiddenStream, parameters: LayerParameters): Promise<void> {
    for (const session of this.#halves) {
      for (const [batch, hidden] of stream.entries()) {
        const feeds = Object.fromEntries(
          Object.keys(session.inputs).map((name) => [
            name,
            name === "hidden" ? hidden : parameters.get(name)!,
          ]),
        );
        // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time
        await session.run(feeds, { next: this.#spares[batch]! });
        stream[batch] = this.#spares[batch]!;
        this.#spares[batch] = hidden;
      }
    }
  }

  /** Moves `stream`, in place, through the layers from `first` to the last. */
  async finish(stream: HiddenStream, source: WeightSource, first = 0): Promise<void> {
    for (let layer = first; layer < source.config.layerCount; layer++) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- layers follow one another
      await this.advance(stream, readLayerParameters(source, layer));
    }
  }
}

/** A stream of its own with the same content. */
export function copyOf(stream: HiddenStream): HiddenStream {
  return stream.map(({ shape, data }) => sharedFloats(shape, data));
}

function refuseUncounted(sequences: readonly MeasuredSequence[]): void {
  const empty = sequences.filter(({ tokenIds }) => tokenIds.length === 0).length;
  if (empty === 0 && sequences.some(({ counted }) => counted.includes(true))) return;
  throw new BitmendError(
    "quantization/bad-calibration",
    `TextForward.start(): expected sequences with tokens that count, got ${sequences.length}, ${empty} of them empty.`,
    { hint: "Give longer texts, or more of them." },
  );
}

function intoBatches(sequences: readonly MeasuredSequence[]): MeasuredSequence[][] {
  const batches: MeasuredSequence[][] = [];
  const longestFirst = sequences.toSorted((left, right) => right.tokenIds.length - left.tokenIds.length);
  for (let first = 0; first < longestFirst.length; first += batches.at(-1)!.length) {
    const { length } = longestFirst[first]!.tokenIds;
    batches.push(longestFirst.slice(first, first + Math.max(1, Math.floor(tokensPerBatch / length))));
  }
  return batches;
}

function emptyHidden({ config }: WeightSource, batch: readonly MeasuredSequence[]): SharedFloats {
  return sharedFloats([batch.length, batch[0]!.tokenIds.length, config.hiddenSize]);
}
