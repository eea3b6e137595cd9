import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { EngineWorker, type EngineSession } from "../engine/index.ts";
import type { LinearKind } from "../models/linear-sites.ts";
import { sharedFloats, type LayerParameters, type SharedFloats } from "./layer-parameters.ts";
import { engineEnergies, type EngineEnergies } from "./engine-energies.ts";
import { engineProducts } from "./engine-products.ts";
import { weightDifference } from "./layer-error.ts";
import { buildLayerStages } from "./layer-stages.ts";
import type { Matrix } from "./matrix.ts";
import type { SubtractProduct } from "./subtract-product.ts";

/** Calibration text as token ids, each sequence at its own length. */
export type CalibrationSequences = readonly (readonly number[])[];

/** Padded tokens run at once: bounds memory, and is enough to keep matrix products busy. */
const tokensPerBatch = 2048;

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

/** Sequences of similar length, padded on the right to the longest. */
interface Batch {
  /** [batch, sequence], 1 for a token, 0 for padding. */
  readonly tokenWeights: SharedFloats;
  /** [batch, sequence, hiddenSize], the residual stream. */
  hidden: SharedFloats;
  /** Where the next half of a layer writes; the two change places. */
  spare: SharedFloats;
}

/**
 * The calibration text on its way through the layers, as the quantized model sees it.
 *
 * Padding counts in no Gram matrix, and causal attention keeps it from the tokens before it.
 */
export class Calibrator implements AsyncDisposable {
  readonly #batches: readonly Batch[];
  readonly #worker: EngineWorker;
  readonly #inputs: ReadonlyMap<LinearKind, EngineSession>;
  readonly #halves: readonly EngineSession[];
  /** Errors of outputs, for the numerics between the runs. */
  readonly energies: EngineEnergies;
  /** Large float64 products for the numerics between the runs. */
  readonly subtract: SubtractProduct;

  private constructor(batches: readonly Batch[], worker: EngineWorker, sessions: CalibrationSessions) {
    this.#batches = batches;
    this.#worker = worker;
    this.#inputs = sessions.inputs;
    this.#halves = sessions.halves;
    this.energies = sessions.energies;
    this.subtract = sessions.subtract;
  }

  /** Embeds the sequences and loads the stages of a layer. */
  static async start(
    source: Pick<Checkpoint, "config" | "readFloat32">,
    sequences: CalibrationSequences,
    { threads }: { readonly threads: number },
  ): Promise<Calibrator> {
    const longest = sequences.reduce((most, { length }) => Math.max(most, length), 0);
    const stages = buildLayerStages(source.config, longest);
    const worker = await EngineWorker.start({ threads, spinning: false });
    try {
      const halves = await Promise.all(stages.halves.map((model) => worker.load(model)));
      const inputs = await Promise.all(
        [...stages.inputs].map(async ([kind, model]) => [kind, await worker.load(model)] as const),
      );
      const energies = await engineEnergies(worker);
      const subtract = await engineProducts(worker);
      const sessions = { halves, inputs: new Map(inputs), energies, subtract };
      return new Calibrator(embed(source, sequences), worker, sessions);
    } catch (error) {
      await worker[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * What the group of linears that begins with `kind` reads in the layer with these parameters, summed up; the text must be at the
   * beginning of the half of the layer that the group belongs to.
   */
  async statistics(kind: LinearKind, parameters: LayerParameters): Promise<InputStatistics> {
    const session = this.#inputs.get(kind)!;
    const size = Number(session.outputs["gram"]!.shape[0]);
    const outputs = {
      gram: sharedFloats([size, size]),
      absoluteSum: sharedFloats([size]),
      absoluteMaximum: sharedFloats([size]),
    };
    const gramSum = new Float64Array(size * size);
    const absoluteSum = new Float64Array(size);
    const maxAbsolute = new Float32Array(size);
    let tokens = 0;
    for (const { hidden, tokenWeights } of this.#batches) {
      const feeds = feedsOf(session, parameters, { hidden, tokenWeights });
      // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time
      await session.run(feeds, outputs);
      addTo(gramSum, outputs.gram.data);
      addTo(absoluteSum, outputs.absoluteSum.data);
      for (let at = 0; at < size; at++)
        maxAbsolute[at] = Math.max(maxAbsolute[at]!, outputs.absoluteMaximum.data[at]!);
      tokens += tokenWeights.data.reduce((sum, weight) => sum + weight, 0);
    }
    outputs.gram.data.set(gramSum);
    return {
      gram: { rows: size, columns: size, values: outputs.gram.data },
      meanAbsolute: absoluteSum.map((sum) => sum / tokens),
      maxAbsolute,
      tokens,
    };
  }

  /** `outputError()` of layer-error.ts, computed by the engine in float32; `gram` as {@link statistics} gave it. */
  async outputError(weight: Matrix, quantized: QuantizedMatrix, gram: Matrix): Promise<number> {
    const { rows, columns } = weight;
    const values = weightDifference(weight, quantized);
    const error = await this.energies.ofRows({ rows, columns, values }, gram);
    return error === 0 ? 0 : error / (await this.energies.ofRows(weight, gram));
  }

  /** Moves the text through one half of the layer with these parameters. */
  async advance(half: "attention" | "feed-forward", parameters: LayerParameters): Promise<void> {
    const session = this.#halves[half === "attention" ? 0 : 1]!;
    for (const batch of this.#batches) {
      const feeds = feedsOf(session, parameters, { hidden: batch.hidden });
      // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time
      await session.run(feeds, { next: batch.spare });
      [batch.hidden, batch.spare] = [batch.spare, batch.hidden];
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker[Symbol.asyncDispose]();
  }
}

/** The stages of a layer, loaded. */
interface CalibrationSessions {
  readonly inputs: ReadonlyMap<LinearKind, EngineSession>;
  readonly halves: readonly EngineSession[];
  readonly energies: EngineEnergies;
  readonly subtract: SubtractProduct;
}

function addTo(sum: Float64Array, part: Float32Array): void {
  for (let index = 0; index < sum.length; index++) sum[index] = sum[index]! + part[index]!;
}

/** What the session's inputs are fed. */
function feedsOf(
  session: EngineSession,
  parameters: LayerParameters,
  text: Readonly<Record<string, SharedFloats>>,
): Record<string, SharedFloats> {
  return Object.fromEntries(
    Object.keys(session.inputs).map((name) => [name, text[name] ?? parameters.get(name)!]),
  );
}

/** Sorts by length, cuts into batches and looks up the embeddings. */
function embed(
  { config, readFloat32 }: Pick<Checkpoint, "config" | "readFloat32">,
  sequences: CalibrationSequences,
): Batch[] {
  const { hiddenSize } = config;
  const table = readFloat32("model.embed_tokens.weight");
  const batches: Batch[] = [];
  const longestFirst = sequences.toSorted((left, right) => right.length - left.length);
  for (let first = 0; first < longestFirst.length;) {
    const { length } = longestFirst[first]!;
    const members = longestFirst.slice(first, first + Math.max(1, Math.floor(tokensPerBatch / length)));
    const tokenWeights = sharedFloats([members.length, length]);
    const hidden = sharedFloats([members.length, length, hiddenSize]);
    for (const [row, tokenIds] of members.entries()) {
      tokenWeights.data.fill(1, row * length, row * length + tokenIds.length);
      for (const [position, token] of tokenIds.entries()) {
        const vector = table.subarray(token * hiddenSize, (token + 1) * hiddenSize);
        hidden.data.set(vector, (row * length + position) * hiddenSize);
      }
    }
    batches.push({ tokenWeights, hidden, spare: sharedFloats(hidden.shape) });
    first += members.length;
  }
  return batches;
}
