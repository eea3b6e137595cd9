import { availableParallelism } from "node:os";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { QuantizationScheme } from "../checkpoint/formats/quantization-config.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { quantizedModelWriter, type QuantizedModelWriter } from "../checkpoint/quantized-model-writer.ts";
import { linearSites } from "../models/linear-sites.ts";
import { Calibrator, type CalibrationSequences } from "./calibrator.ts";
import { readFinishedLayer } from "./finished-layers.ts";
import { quantizationIdentity } from "./identity.ts";
import { claimDirectory, writeRecord } from "./output-directory.ts";
import { quantizeLayers, type LinearError } from "./quantize-layers.ts";
import { quantizationRecipeSchema, type QuantizationRecipe } from "./recipe.ts";
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
  recipe: QuantizationRecipe,
  options: QuantizeCheckpointOptions,
): AsyncGenerator<QuantizationEvent, QuantizationSummary, void> {
  const { directory, calibration = [], threads = availableParallelism(), signal } = options;
  const checkedRecipe = quantizationRecipeSchema.parse(recipe);
  validateQuantization(source, checkedRecipe, calibration);
  const identity = quantizationIdentity(source, checkedRecipe, calibration);
  const recorded = claimDirectory(directory, { source: source.directory, identity, recipe: checkedRecipe });
  const { writer, scheme } = openWriter(source, checkedRecipe, { directory, identity });
  const modules = recorded.filter(({ layer }) => writer.isWritten(layer));
  const finishedLayers = new Set(modules.map(({ layer }) => layer));
  const pace = new Pace(linearSites(source.config).length, modules.length);
  yield { type: "start", modules: pace.total, alreadyDone: modules.length };
  if (!writer.isWritten(null)) writer.writeShard(null, new Map());
  if (modules.length < pace.total) {
    await using calibrator =
      calibration.length === 0 ? null : await Calibrator.start(source, calibration, { threads });
    const finishedLayer = (layer: number): ReadonlyMap<string, QuantizedMatrix> | null =>
      finishedLayers.has(layer) ? readFinishedLayer(directory, source, { layer, scheme }) : null;
    const linears = quantizeLayers(source, checkedRecipe, { calibrator, finishedLayer, signal });
    const matrices = new Map<string, QuantizedMatrix>();
    for await (const { matrix, ...error } of linears) {
      matrices.set(error.module, matrix);
      modules.push(error);
      yield { type: "module", ...error };
      yield pace.afterModule();
      if (matrices.size < linearsPerLayer) continue;
      // The record comes first: a layer counts as finished by its shard, and then its errors are known.
      writeRecord(directory, { identity, recipe: checkedRecipe, modules });
      writer.writeShard(error.layer, matrices);
      matrices.clear();
      yield { type: "layer-done", layer: error.layer, layers: source.config.layerCount };
    }
  }
  writer.finish();
  return { directory, modules };
}

const linearsPerLayer = 7;

/** The writer of the output, with the one scheme that all linears have. */
function openWriter(
  source: Checkpoint,
  { bits, groupSize, symmetric }: QuantizationRecipe,
  { directory, identity }: { directory: string; identity: string },
): { writer: QuantizedModelWriter; scheme: QuantizationScheme } {
  const scheme = { bits, symmetric, groupSize: groupSize === -1 ? null : groupSize };
  const schemes = new Map(linearSites(source.config).map(({ name }) => [name, scheme]));
  return { writer: quantizedModelWriter({ source, directory, schemes, identity }), scheme };
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
