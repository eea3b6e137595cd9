import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { EngineWorker, type EngineSession } from "../engine/index.ts";
import type { LinearKind } from "../models/linear-sites.ts";
import { ActivationStore } from "./activation-store.ts";
import {
  batchSequences,
  embedBatch,
  paddedTokens,
  someBatches,
  storedEmbedding,
  type CalibrationSequences,
  type EmbeddingRows,
  type TextBatch,
} from "./calibration-text.ts";
import { engineEnergies, type EngineEnergies } from "./engine-energies.ts";
import { engineProducts } from "./engine-products.ts";
import { gramSum } from "./gram-blocks.ts";
import { differenceOf } from "./layer-error.ts";
import { sharedFloats, type LayerParameters, type SharedFloats } from "./layer-parameters.ts";
import { buildLayerStages, lastKinds, type LayerHalf, type LayerStages } from "./layer-stages.ts";
import type { Matrix } from "./matrix.ts";
import type { SubtractProduct } from "./subtract-product.ts";

export type { CalibrationSequences } from "./calibration-text.ts";

/** What a linear reads, summed up over the tokens of the calibration text. */
export interface InputStatistics {
  /** XᵀX, [in, in]. */
  readonly gram: Matrix;
  /** [in], the mean of |x|. */
  readonly meanAbsolute: Float64Array;
  /** [in], the largest |x|. */
  readonly maxAbsolute: Float32Array;
  readonly tokens: number;
}

/** How a calibrator works. */
export interface CalibratorOptions {
  readonly threads: number;
  /** Rows of the embedding table. Default: the source's. */
  readonly embedding?: EmbeddingRows;
  /** Bytes of activations kept in memory; more go to a file. Default: 512 MiB. Changes no result. */
  readonly activationMemory?: number;
  /** Folder of that file, which has no name while it is used. Default: the system's for temporary files. */
  readonly spillFolder?: string;
}

export const defaultActivationMemory = 2 ** 29;

/** What the last linear of a half reads, from the pass that summed it up, and the parameters it was computed with. */
interface KeptReads {
  readonly kind: LinearKind;
  readonly parameters: ReadonlyMap<string, WeakRef<SharedFloats>>;
  readonly store: ActivationStore;
}

/**
 * The calibration text on its way through the layers, as the quantized model sees it.
 *
 * Padding counts in no sum, and causal attention keeps it from the tokens before it.
 */
export class Calibrator implements AsyncDisposable {
  readonly #batches: readonly TextBatch[];
  readonly #hidden: ActivationStore;
  readonly #worker: EngineWorker;
  readonly #stages: LayerStages;
  readonly #options: Required<Omit<CalibratorOptions, "embedding" | "threads">>;
  /** Those of the pass that runs: each holds on to the memory it has needed. */
  readonly #sessions = new Map<Uint8Array, EngineSession>();
  #reads: KeptReads | null = null;
  /** The most that was on disk at once. */
  spilledBytes = 0;
  readonly energies: EngineEnergies;
  /** Large float64 products for the numerics between the runs. */
  readonly subtract: SubtractProduct;

  private constructor(parts: CalibratorParts) {
    this.#batches = parts.batches;
    this.#hidden = parts.hidden;
    this.#worker = parts.worker;
    this.#stages = parts.stages;
    this.#options = parts.options;
    this.energies = parts.energies;
    this.subtract = parts.subtract;
  }

  /** Embeds the sequences. */
  static async start(
    source: Pick<Checkpoint, "config" | "readFloat32" | "tensors">,
    sequences: CalibrationSequences,
    { threads, embedding = storedEmbedding(source), ...rest }: CalibratorOptions,
  ): Promise<Calibrator> {
    const options = { activationMemory: defaultActivationMemory, spillFolder: tmpdir(), ...rest };
    const longest = sequences.reduce((most, { length }) => Math.max(most, length), 0);
    const batches = batchSequences(sequences);
    const worker = await EngineWorker.start({ threads, spinning: false });
    try {
      const energies = await engineEnergies(worker);
      const subtract = await engineProducts(worker);
      const hidden = newStore(batches, source.config.hiddenSize, options);
      for (const [index, batch] of batches.entries()) hidden.write(index, embedBatch(batch, embedding));
      const stages = buildLayerStages(source.config, longest);
      return new Calibrator({ batches, hidden, worker, stages, options, energies, subtract });
    } catch (error) {
      await worker[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * What the group of linears that begins with `kind` reads in the layer with these parameters, summed up; the text must be at the
   * beginning of the half of the layer that the group belongs to. `keepReads` keeps what the last linear of the half reads for {@link advance};
   * `mostTokens` looks at evenly spaced batches of about so many tokens only, and cannot go with it.
   */
  async statistics(
    kind: LinearKind,
    parameters: LayerParameters,
    {
      keepReads = false,
      mostTokens = Number.POSITIVE_INFINITY,
    }: { readonly keepReads?: boolean; readonly mostTokens?: number } = {},
  ): Promise<InputStatistics> {
    this.#forgetReads();
    const [session] = await this.#load([this.#stages.inputs.get(kind)!]);
    const size = Number(session!.outputs["read"]!.shape[1]);
    const gram = gramSum(kind, size);
    const sums = { absoluteSum: sharedFloats([size]), absoluteMaximum: sharedFloats([size]) };
    const absoluteSum = new Float64Array(size);
    const maxAbsolute = new Float32Array(size);
    const keeps = keepReads && (kind === lastKinds.attention || kind === lastKinds["feed-forward"]);
    const store = keeps ? this.#keepReads(kind, feedsOf(session!, parameters), size) : null;
    const read = store === null ? null : new Window(this.#batches, size);
    let tokens = 0;
    for (const index of someBatches(this.#batches, mostTokens)) {
      const { tokenWeights } = this.#batches[index]!;
      const feeds = {
        ...feedsOf(session!, parameters, { hidden: this.#hiddenOf(index), tokenWeights }),
        ...gram.feeds,
      };
      const target = read === null ? {} : { read: read.rowsOf(index) };
      // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time
      await session!.run(feeds, { ...sums, ...gram.fetches, ...target });
      if (target.read !== undefined) store?.write(index, target.read.data);
      for (let at = 0; at < size; at++) {
        absoluteSum[at] = absoluteSum[at]! + sums.absoluteSum.data[at]!;
        maxAbsolute[at] = Math.max(maxAbsolute[at]!, sums.absoluteMaximum.data[at]!);
      }
      tokens += tokenWeights.data.reduce((sum, weight) => sum + weight, 0);
    }
    await this.#load([]);
    return { gram: gram.matrix(), meanAbsolute: absoluteSum.map((sum) => sum / tokens), maxAbsolute, tokens };
  }

  /** `outputError()` of layer-error.ts, computed by the engine in float32; `gram` as {@link statistics} gave it. */
  async outputError(weight: Matrix, quantized: QuantizedMatrix, gram: Matrix): Promise<number> {
    const error = await this.energies.ofRows(differenceOf(weight, quantized), gram);
    return error === 0 ? 0 : error / (await this.energies.ofRows(weight, gram));
  }

  /** Moves the text through one half of the layer with these parameters. */
  async advance(half: LayerHalf, parameters: LayerParameters): Promise<void> {
    const { openings, closings } = this.#stages;
    const [opening, closing] = await this.#load([openings[half], closings[half]]);
    const kept = this.#keptReads(lastKinds[half], parameters, opening!);
    const hiddenSize = Number(closing!.inputs["hidden"]!.shape[2]);
    const read = new Window(this.#batches, Number(closing!.inputs["read"]!.shape[1]));
    const next = new Window(this.#batches, hiddenSize);
    for (const index of this.#batches.keys()) {
      const hidden = this.#hiddenOf(index);
      const target = kept === null ? read.rowsOf(index) : { ...read.rowsOf(index), data: kept.read(index) };
      // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time
      if (kept === null) await opening!.run(feedsOf(opening!, parameters, { hidden }), { read: target });
      const result = next.textOf(index);
      // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time
      await closing!.run(feedsOf(closing!, parameters, { hidden, read: target }), { next: result });
      this.#hidden.write(index, result.data);
    }
    this.#forgetReads();
    await this.#load([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forgetReads();
    this.#hidden[Symbol.dispose]();
    await this.#worker[Symbol.asyncDispose]();
  }

  #hiddenOf(index: number): SharedFloats {
    const data = this.#hidden.read(index);
    const [batch, sequence] = this.#batches[index]!.tokenWeights.shape;
    return { dataType: "f32", shape: [batch!, sequence!, data.length / batch! / sequence!], data };
  }

  /** Loads these models and releases all others. */
  async #load(models: readonly Uint8Array[]): Promise<EngineSession[]> {
    const loaded = await Promise.all(
      models.map(
        async (model) => this.#sessions.get(model) ?? this.#worker.load(model, { zeroCopyOutputs: true }),
      ),
    );
    const unused = [...this.#sessions].filter(([model]) => !models.includes(model));
    for (const [model] of unused) this.#sessions.delete(model);
    for (const [index, model] of models.entries()) this.#sessions.set(model, loaded[index]!);
    await Promise.all(unused.map(async ([, session]) => session.release()));
    return loaded;
  }

  #keepReads(kind: LinearKind, fed: Readonly<Record<string, SharedFloats>>, width: number): ActivationStore {
    const memoryBytes = this.#options.activationMemory - this.#hidden.memoryBytes;
    const store = newStore(this.#batches, width, { ...this.#options, activationMemory: memoryBytes });
    this.spilledBytes = Math.max(this.spilledBytes, this.#hidden.diskBytes + store.diskBytes);
    const parameters = new Map(Object.entries(fed).map(([name, tensor]) => [name, new WeakRef(tensor)]));
    this.#reads = { kind, parameters, store };
    return store;
  }

  /** Null where nothing is kept, or not with the parameters that `opening` would now take; those that were let go since are not asked for. */
  #keptReads(kind: LinearKind, parameters: LayerParameters, opening: EngineSession): ActivationStore | null {
    if (this.#reads?.kind !== kind) return null;
    const before = this.#reads.parameters;
    const needed = Object.keys(feedsOf(opening, parameters));
    const isCurrent = needed.every((name) => before.get(name)?.deref() === parameters.get(name));
    return isCurrent ? this.#reads.store : null;
  }

  #forgetReads(): void {
    this.#reads?.store[Symbol.dispose]();
    this.#reads = null;
  }
}

interface CalibratorParts {
  readonly batches: readonly TextBatch[];
  readonly hidden: ActivationStore;
  readonly worker: EngineWorker;
  readonly stages: LayerStages;
  readonly options: Required<Omit<CalibratorOptions, "embedding" | "threads">>;
  readonly energies: EngineEnergies;
  readonly subtract: SubtractProduct;
}

function newStore(
  batches: readonly TextBatch[],
  width: number,
  { activationMemory, spillFolder }: Pick<Required<CalibratorOptions>, "activationMemory" | "spillFolder">,
): ActivationStore {
  return new ActivationStore({
    sizes: batches.map((batch) => paddedTokens(batch) * width),
    memoryBytes: activationMemory,
    spillFile: join(spillFolder, `activations-${randomUUID()}.partial`),
  });
}

/** Memory that a stage writes one batch into after the other. */
class Window {
  readonly #batches: readonly TextBatch[];
  readonly #width: number;
  readonly #data: Float32Array;

  constructor(batches: readonly TextBatch[], width: number) {
    this.#batches = batches;
    this.#width = width;
    this.#data = sharedFloats([
      batches.reduce((most, batch) => Math.max(most, paddedTokens(batch)), 0) * width,
    ]).data;
  }

  /** [batch · sequence, width]. */
  rowsOf(index: number): SharedFloats {
    return this.#view(index, [paddedTokens(this.#batches[index]!), this.#width]);
  }

  /** [batch, sequence, width]. */
  textOf(index: number): SharedFloats {
    return this.#view(index, [...this.#batches[index]!.tokenWeights.shape, this.#width]);
  }

  #view(index: number, shape: readonly number[]): SharedFloats {
    const length = paddedTokens(this.#batches[index]!) * this.#width;
    return { dataType: "f32", shape, data: this.#data.subarray(0, length) };
  }
}

/** What the session's inputs are fed. */
function feedsOf(
  session: EngineSession,
  parameters: LayerParameters,
  text: Readonly<Record<string, SharedFloats>> = {},
): Record<string, SharedFloats> {
  const names = Object.keys(session.inputs).filter((name) => name in text || parameters.has(name));
  return Object.fromEntries(names.map((name) => [name, text[name] ?? parameters.get(name)!]));
}
