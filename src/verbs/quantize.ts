import { availableParallelism } from "node:os";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { LinearError } from "../quantization/quantize-layers.ts";
import type { CalibrationRecord } from "../runs/calibration.ts";
import type { Variant } from "../runs/records.ts";
import { BitmendError } from "../util/errors.ts";
import { claimOutput } from "./claim-output.ts";
import type { VerbRun } from "./events.ts";
import { reservedProblems } from "./reserved-problems.ts";
import { parseRunRecipe, type RunRecipe, type RunRecipeInput } from "./run-recipe.ts";
import { calibrateStage, checkCalibration } from "./run/calibrate-stage.ts";
import type { RunContext } from "./run/context.ts";
import { prepare } from "./run/prepare.ts";
import { quantizeStage } from "./run/quantize-stage.ts";
import { quantizedVariant } from "./run/variants.ts";

type QuantizationInput = Omit<NonNullable<RunRecipeInput["quantization"]>, "variants">;

export interface QuantizeOptions extends QuantizationInput {
  /** A model directory, or the name of a model that ships with bitmend. */
  readonly model: string;
  /** Where the low-bit model goes. */
  readonly output: string;
  readonly method: NonNullable<Variant["method"]>;
  readonly bits: RunRecipe["quantization"]["variants"][number]["bits"];
  /** Whose training problems the model is calibrated on. Default: pocket for GPTQ; none for RTN, whose output error is then not measured. */
  readonly task?: string | undefined;
  /** Chooses the training problems. Default: 1. */
  readonly seed?: number | undefined;
  /** How the model writes the texts it is calibrated on. */
  readonly generation?: RunRecipeInput["generation"];
  /** Default: all. */
  readonly threads?: number | undefined;
}

export interface QuantizeResult {
  readonly directory: string;
  readonly variant: Variant;
  /** Null where no text was used. */
  readonly calibration: CalibrationRecord | null;
  /** What each linear lost, in execution order. */
  readonly modules: readonly LinearError[];
}

/**
 * Writes a low-bit copy of a model as a compressed-tensors directory.
 *
 * Killed at any moment and called again with the same options it goes on where it was and ends with the same bytes.
 *
 * @yields Progress in problems, then in linears.
 * @throws {BitmendError} those of `prepare()` and `claimOutput()`, `tasks/exhausted` and `training/evaluation-leak`, before any work.
 */
export async function* quantize(
  options: QuantizeOptions,
  { signal }: { readonly signal?: AbortSignal } = {},
): VerbRun<QuantizeResult> {
  const { model: name, output, method, bits, seed, generation, threads = availableParallelism() } = options;
  const { groupSize, symmetric, range, columnOrder, dampingFraction } = options;
  const { calibration: source, calibrationSequences, packedLength } = options;
  const grid = { groupSize, symmetric, range, columnOrder, dampingFraction };
  const text = { calibration: source, calibrationSequences, packedLength };
  const calibrates = method !== "rtn" || options.task !== undefined || source !== undefined;
  const recipe = parseRunRecipe({
    name: "quantize",
    model: name,
    task: options.task ?? "pocket",
    seed,
    generation,
    quantization: { ...grid, ...text, variants: [{ method, bits }] },
  });
  const { model, task, checkpoint } = yield* prepare(recipe, { signal });
  refuseQuantized(checkpoint);
  const variant = quantizedVariant(recipe, { method, bits });
  const problems = reservedProblems(task);
  const unclaimed = { recipe, directory: output, model, task, problems, threads, signal };
  if (calibrates) checkCalibration(unclaimed);
  const settings = { verb: "quantize", calibrates, taskVersion: task.version, recipe: { ...recipe, model } };
  using claimed = claimOutput(output, { settings, sources: [model] });
  const { directory } = claimed;
  if (claimed.resumed) yield { type: "remark", text: `Going on with ${directory}` };
  const context: RunContext = { ...unclaimed, directory: claimed.records };
  const set = calibrates ? yield* calibrateStage(context) : null;
  const calibration = set === null ? [] : set.sequences.map(({ tokenIds }) => tokenIds);
  const { modules } = yield* quantizeStage(context, { stored: { variant, directory }, calibration });
  return { directory, variant, calibration: set?.record ?? null, modules };
}

/** Found out by quantization itself, but only after the model has written its calibration text. */
function refuseQuantized({ directory, quantization }: Checkpoint): void {
  if (quantization === null) return;
  throw new BitmendError(
    "quantization/already-quantized",
    `quantize(): expected full-precision weights in ${directory}, got a quantized checkpoint.`,
    { hint: "Quantize the model it was made from." },
  );
}
