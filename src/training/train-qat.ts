import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { makeDirectory } from "../checkpoint/model-directory.ts";
import { layerOf, quantizedModelWriter } from "../checkpoint/quantized-model-writer.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { BitmendError } from "../util/errors.ts";
import { distillation } from "./distillation.ts";
import type { TrainingEvent, TrainingSummary } from "./events.ts";
import { languageModelling, type SequenceData } from "./language-modelling.ts";
import type { LatentStart } from "./latent-weights.ts";
import { train, type OptimizationOptions, type TrainingSetup } from "./loop.ts";
import { segmentOf } from "./parameters.ts";
import { fakeQuantizedModel, isFullPrecision, keepScalesPositive, settleQuantization } from "./qat.ts";
import { readModelParameters } from "./read-model-parameters.ts";
import type { TrainableModel } from "./trainable-model.ts";

/** Quantization-aware training from one quantized directory to another. */
export interface QatSetup extends SequenceData {
  /** The full-precision model: the teacher. */
  readonly full: Checkpoint;
  /** What it starts from, e.g. a GPTQ result of `full`; norms and biases are its own. */
  readonly start: Checkpoint;
  /** Where the trained low-bit model goes. */
  readonly directory: string;
  /** Names data and settings; a directory begun under another identity is refused. */
  readonly identity: string;
  readonly optimization: OptimizationOptions;
  /** "distillation": the teacher's next-token distribution; "likelihood": the texts themselves. Default: "distillation". */
  readonly objective?: "distillation" | "likelihood";
  /** See {@link distillation}. Default: the whole vocabulary. */
  readonly topK?: number;
  /** See {@link fakeQuantizedModel}. */
  readonly latent?: LatentStart;
  readonly scaleRate?: number;
  readonly zeroPointRate?: number;
  readonly embeddingRate?: number;
  /** Optimizer steps between durable states. Default: 50. */
  readonly checkpointSteps?: number;
  readonly validation?: (model: TrainableModel) => TrainingSetup["validation"];
}

/**
 * Trains a low-bit model and writes it as codes, fp16 scales and zero points (compressed-tensors).
 *
 * Killed and called again it continues, bit for bit; called on a finished directory it does nothing.
 * After an abort the state is kept and nothing is written.
 *
 * @yields optimizer steps, checkpoints and validations
 * @throws {BitmendError} `training/not-quantized`, and those of the writer.
 */
export async function* trainQat(
  setup: QatSetup,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<TrainingEvent, TrainingSummary, void> {
  const { full, start, directory, identity, optimization, checkpointSteps = 50 } = setup;
  const statePath = join(directory, "training.safetensors");
  if (existsSync(join(directory, "config.json"))) {
    // Killed between the model's last file and this.
    rmSync(statePath, { force: true });
    return { steps: optimization.steps, finalLoss: null, tokens: 0, aborted: false };
  }
  const quantized = readQuantizedMatrices(start);
  const teacher = readModelParameters(full);
  const model = fakeQuantizedModel({ ...setup, config: full.config, full: teacher, quantized });
  beginFullPrecisionAt(start, model, quantized);
  const objective =
    setup.objective === "likelihood"
      ? languageModelling(model, setup)
      : distillation(model, { ...setup, teacher });
  makeDirectory(directory);
  const validation = setup.validation?.(model);
  const summary = yield* train(
    {
      objective,
      model,
      optimization,
      project: keepScalesPositive,
      checkpoint: { path: statePath, everySteps: checkpointSteps, fingerprint: identity },
      ...(validation === undefined ? {} : { validation }),
    },
    { signal },
  );
  if (summary.aborted) return summary;
  writeQatModel(setup, model, settleQuantization(model, quantized));
  rmSync(statePath, { force: true });
  return summary;
}

/** Norms and biases may carry scales that belong to the matrices of `start` (AWQ, SmoothQuant), so they are taken from there too. */
function beginFullPrecisionAt(
  start: Checkpoint,
  { parameters: { segments, values } }: TrainableModel,
  quantized: ReadonlyMap<string, QuantizedMatrix>,
): void {
  for (const segment of segments) {
    if (isFullPrecision(segment.name, quantized))
      segmentOf(values, segment).set(start.readFloat32(segment.name));
  }
}

/**
 * Every quantized matrix of a checkpoint, by module name.
 *
 * @throws {BitmendError} `training/not-quantized` for a checkpoint in full precision.
 */
function readQuantizedMatrices(checkpoint: Checkpoint): Map<string, QuantizedMatrix> {
  if (checkpoint.quantization === null) {
    throw new BitmendError(
      "training/not-quantized",
      `readQuantizedMatrices(): expected a quantized model, got one in full precision in ${checkpoint.directory}.`,
      { hint: "Quantize it first: `bitmend quantize`." },
    );
  }
  return new Map(
    [...checkpoint.quantization.keys()].map((module) => [module, checkpoint.readQuantized(module)]),
  );
}

function writeQatModel(
  { full, directory, identity }: QatSetup,
  model: TrainableModel,
  matrices: ReadonlyMap<string, QuantizedMatrix>,
): void {
  const { segments, values } = model.parameters;
  const replacements = new Map(
    segments
      .filter(({ name }) => isFullPrecision(name, matrices))
      .map((segment) => [segment.name, segmentOf(values, segment)]),
  );
  const schemes = new Map(
    [...matrices].map(([module, { bits, columns, groupSize, symmetric, activations }]) => [
      module,
      {
        bits,
        symmetric,
        groupSize: groupSize === columns ? null : groupSize,
        ...(activations === undefined ? {} : { activations }),
      },
    ]),
  );
  const writer = quantizedModelWriter({ source: full, directory, schemes, identity });
  const layers = [...Array(full.config.layerCount).keys(), null];
  for (const layer of layers) {
    writer.writeShard(layer, {
      matrices: ofLayer(matrices, layer),
      replacements: ofLayer(replacements, layer),
    });
  }
  writer.finish();
}

function ofLayer<Value>(all: ReadonlyMap<string, Value>, layer: number | null): Map<string, Value> {
  return new Map([...all].filter(([name]) => layerOf(name) === layer));
}
