import { availableParallelism } from "node:os";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { quantizedModelWriter } from "../checkpoint/quantized-model-writer.ts";
import { Calibrator, type CalibrationSequences } from "./calibrator.ts";
import { quantizationIdentity } from "./identity.ts";
import { claimDirectory, writeRecord } from "./output-directory.ts";
import { quantizeLayers, type LinearError, type QuantizedLayer } from "./quantize-layers.ts";
import { quantizedEmbedding, quantizeOutside } from "./quantize-outside.ts";
import { recipeGrids, schemeOf } from "./recipe-grids.ts";
import { quantizationRecipeSchema, type QuantizationRecipeInput } from "./recipe.ts";
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
  readonly signal?: AbortSignal | undefined;
}

/** What {@link quantizeCheckpoint} reports. */
export type QuantizationEvent =
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
}

/**
 * Quantizes a checkpoint into a compressed-tensors directory, one durable shard a decoder layer.
 *
 * Killed and called again with the same arguments it goes on after the last finished layer and ends with the same bytes; called on
 * a finished directory it does nothing. Memory is bounded by one layer and the calibration text.
 *
 * @yields what is done, and how fast
 * @throws {BitmendError} those of `validateQuantization()` and `claimDirectory()`, before any work; `files/...` when the disk is full.
 */
export async function* quantizeCheckpoint(
  source: Checkpoint,
  recipe: QuantizationRecipeInput,
  options: QuantizeCheckpointOptions,
): AsyncGenerator<QuantizationEvent, QuantizationSummary, void> {
  const { directory, calibration = [], threads = availableParallelism(), signal } = options;
  const checkedRecipe = quantizationRecipeSchema.parse(recipe);
  validateQuantization(source, checkedRecipe, calibration);
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
  const layers = Array.from({ length: source.config.layerCount }, (_, layer) => layer);
  if (layers.some((layer) => !writer.isWritten(layer))) {
    await using pool = new RoundingPool(threads);
    const embedding = quantizedEmbedding(source, checkedRecipe);
    await using calibrator =
      calibration.length === 0 ? null : await Calibrator.start(source, calibration, { threads, embedding });
    const finishedLayer = (layer: number): QuantizedLayer | null =>
      writer.isWritten(layer) ? writer.readShard(layer) : null;
    for await (const event of quantizeLayers(source, checkedRecipe, {
      calibrator,
      pool,
      finishedLayer,
      signal,
    })) {
      if (event.type === "linear") {
        const { type: _, ...error } = event;
        modules.push(error);
        yield { type: "module", ...error };
        yield pace.afterModule();
      } else if (event.type === "layer") {
        // The record comes first: a layer counts as finished by its shard, and then its errors are known.
        writeRecord(directory, { identity, recipe: checkedRecipe, modules });
        writer.writeShard(event.layer, event);
        yield { type: "layer-done", layer: event.layer, layers: layers.length };
      } else yield { type: "warning", text: event.text };
    }
  }
  writer.finish();
  return { directory, modules };
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
