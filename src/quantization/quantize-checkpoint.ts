import { existsSync, readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { quantizedModelWriter, type QuantizedModelWriter } from "../checkpoint/quantized-model-writer.ts";
import { Calibrator, defaultActivationMemory, type CalibrationSequences } from "./calibrator.ts";
import { estimateQuantization, refuseUnfit, type CostEstimate, type QuantizationCost } from "./estimate.ts";
import { quantizationIdentity } from "./identity.ts";
import { claimDirectory, readRecord, writeRecord } from "./output-directory.ts";
import type { TextSize } from "./quantization-work.ts";
import { quantizeLayers, type LinearError, type QuantizedLayer } from "./quantize-layers.ts";
import { quantizedEmbedding, quantizeOutside } from "./quantize-outside.ts";
import { recipeGrids, schemeOf } from "./recipe-grids.ts";
import { quantizationRecipeSchema, type QuantizationRecipe, type QuantizationRecipeInput } from "./recipe.ts";
import { RoundingPool } from "./rounding-pool.ts";
import { validateQuantization } from "./validate-quantization.ts";

/** Settings besides the recipe. */
export interface QuantizeCheckpointOptions {
  /** Where the quantized model goes; one that an equal, killed call began is continued. */
  readonly directory: string;
  /** Text the model should keep its behaviour on; GPTQ needs it, with RTN it is only measured on. Default: none. */
  readonly calibration?: CalibrationSequences;
  /** Threads of the engine; changes the speed only. Default: all. */
  readonly threads?: number;
  /** Bytes of activations kept in memory; more go to a file in the directory, which changes the speed only. Default: 512 MiB. */
  readonly activationMemory?: number;
  readonly signal?: AbortSignal | undefined;
}

/** What {@link quantizeCheckpoint} reports. */
export type QuantizationEvent =
  | { readonly type: "estimate"; readonly estimate: CostEstimate }
  | { readonly type: "start"; readonly modules: number; readonly alreadyDone: number }
  | ({ readonly type: "module" } & LinearError)
  | { readonly type: "warning"; readonly text: string }
  | { readonly type: "layer-done"; readonly layer: number; readonly layers: number }
  | {
      readonly type: "progress";
      /** Modules. */
      readonly done: number;
      readonly modules: number;
      readonly modulesPerSecond: number;
      readonly secondsLeft: number;
    };

/** What {@link quantizeCheckpoint} made. */
export interface QuantizationSummary {
  readonly directory: string;
  /** Every linear in execution order, those of an earlier, killed run among them. */
  readonly modules: readonly LinearError[];
  readonly cost: {
    readonly estimated: CostEstimate;
    /** Of this call alone, were others killed before it; memory is the most that this process ever held. */
    readonly actual: QuantizationCost;
  };
}

/**
 * Quantizes a checkpoint into a compressed-tensors directory, one durable shard a decoder layer.
 *
 * Killed and called again with the same arguments it goes on after the last finished layer and ends with the same bytes; called on
 * a finished directory it does nothing. Memory is bounded by one layer, its Gram matrices and a batch of the text; it says beforehand what
 * it will cost, and refuses what does not fit.
 *
 * @yields what is done, and how fast
 * @throws {BitmendError} those of `validateQuantization()`, `refuseUnfit()` and `claimDirectory()`, before any work; `files/...` when the
 * disk is full all the same.
 */
export async function* quantizeCheckpoint(
  source: Checkpoint,
  recipe: QuantizationRecipeInput,
  options: QuantizeCheckpointOptions,
): AsyncGenerator<QuantizationEvent, QuantizationSummary, void> {
  const { directory, calibration = [], threads = availableParallelism() } = options;
  const { activationMemory = defaultActivationMemory } = options;
  const startedMs = performance.now();
  const checkedRecipe = quantizationRecipeSchema.parse(recipe);
  validateQuantization(source, checkedRecipe, calibration);
  const estimated = await estimateQuantization(source, checkedRecipe, {
    text: textSize(calibration),
    activationMemory,
    threads,
    directory,
    finishedLayers: new Set(readRecord(directory)?.modules.map(({ layer }) => layer)).size,
  });
  refuseUnfit(estimated, { directory });
  yield { type: "estimate", estimate: estimated };
  const bytesBefore = directoryBytes(directory);
  const identity = quantizationIdentity(source, checkedRecipe, calibration);
  const recorded = claimDirectory(directory, { source: source.directory, identity, recipe: checkedRecipe });
  const schemes = new Map(
    [...recipeGrids(source.config, checkedRecipe)].map(([module, grid]) => [module, schemeOf(grid)]),
  );
  const writer = quantizedModelWriter({ source, directory, schemes, identity });
  const modules = recorded.filter(({ layer }) => writer.isWritten(layer));
  const linears = [...schemes.keys()].filter((module) => module.startsWith("model.layers."));
  const pace = new Pace(linears.length, modules.length);
  yield { type: "start", modules: pace.total, alreadyDone: modules.length };
  if (!writer.isWritten(null)) writer.writeShard(null, quantizeOutside(source, checkedRecipe));
  const run: LayersRun = {
    recipe: checkedRecipe,
    calibration,
    threads,
    activationMemory,
    directory,
    identity,
    writer,
    modules,
    pace,
  };
  const spilledBytes = yield* quantizeUnfinished(source, run, options.signal);
  writer.finish();
  const actual = {
    seconds: (performance.now() - startedMs) / 1000,
    memoryBytes: process.resourceUsage().maxRSS * 1024,
    diskBytes: directoryBytes(directory) - bytesBefore + spilledBytes,
  };
  return { directory, modules, cost: { estimated, actual } };
}

interface LayersRun {
  readonly recipe: QuantizationRecipe;
  readonly calibration: CalibrationSequences;
  readonly threads: number;
  readonly activationMemory: number;
  readonly directory: string;
  readonly identity: string;
  readonly writer: QuantizedModelWriter;
  /** Grows by what is done. */
  readonly modules: LinearError[];
  readonly pace: Pace;
}

/**
 * Quantizes the layers that are not on disk yet; returns how many bytes of activations were on disk at once.
 *
 * @yields what is done, and how fast
 */
async function* quantizeUnfinished(
  source: Checkpoint,
  { recipe, calibration, threads, activationMemory, directory, identity, writer, modules, pace }: LayersRun,
  signal: AbortSignal | undefined,
): AsyncGenerator<QuantizationEvent, number, void> {
  const layers = source.config.layerCount;
  const isWritten = Array.from({ length: layers }, (_, layer) => writer.isWritten(layer));
  if (isWritten.every(Boolean)) return 0;
  await using pool = new RoundingPool(threads);
  const options = {
    threads,
    activationMemory,
    embedding: quantizedEmbedding(source, recipe),
    spillFolder: directory,
  };
  await using calibrator =
    calibration.length === 0 ? null : await Calibrator.start(source, calibration, options);
  const finishedLayer = (layer: number): QuantizedLayer | null =>
    isWritten[layer] === true ? writer.readShard(layer) : null;
  for await (const event of quantizeLayers(source, recipe, { calibrator, pool, finishedLayer, signal })) {
    if (event.type === "linear") {
      const { type: _, ...error } = event;
      modules.push(error);
      yield { type: "module", ...error };
      yield pace.afterModule();
    } else if (event.type === "layer") {
      // The record comes first: a layer counts as finished by its shard, and then its errors are known.
      writeRecord(directory, { identity, recipe, modules });
      writer.writeShard(event.layer, event);
      yield { type: "layer-done", layer: event.layer, layers };
    } else yield { type: "warning", text: event.text };
  }
  return calibrator?.spilledBytes ?? 0;
}

function textSize(sequences: CalibrationSequences): TextSize | null {
  if (sequences.length === 0) return null;
  const lengths = sequences.map(({ length }) => length);
  return {
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    longest: lengths.reduce((most, length) => Math.max(most, length), 0),
  };
}

function directoryBytes(directory: string): number {
  if (!existsSync(directory)) return 0;
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}

/** Counts modules and tells how long the rest takes at the mean pace of this run. */
class Pace {
  readonly total: number;
  readonly #before: number;
  readonly #startedMs = performance.now();
  #done: number;

  constructor(total: number, alreadyDone: number) {
    this.total = total;
    this.#before = alreadyDone;
    this.#done = alreadyDone;
  }

  afterModule(): QuantizationEvent {
    this.#done++;
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const modulesPerSecond = (this.#done - this.#before) / seconds;
    const secondsLeft = (this.total - this.#done) / modulesPerSecond;
    return { type: "progress", done: this.#done, modules: this.total, modulesPerSecond, secondsLeft };
  }
}
