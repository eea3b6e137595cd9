import { availableParallelism } from "node:os";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { LinearError } from "../quantization/quantize-layers.ts";
import type { CalibrationRecord } from "../runs/calibration.ts";
import type { Variant } from "../runs/records.ts";
import type { AllocationRecord } from "../runs/sensitivity.ts";
import { BitmendError } from "../util/errors.ts";
import { claimOutput } from "./claim-output.ts";
import type { VerbRun } from "./events.ts";
import { reservedProblems } from "./reserved-problems.ts";
import { parseRunRecipe, type RunRecipeInput } from "./run-recipe.ts";
import { calibrateStage, checkCalibration } from "./run/calibrate-stage.ts";
import type { RunContext } from "./run/context.ts";
import { prepare } from "./run/prepare.ts";
import { variantStage } from "./run/variant-stage.ts";
import { quantizedVariants } from "./run/variants.ts";
import { writeVariant } from "./variant-file.ts";

/** A low-bit variant before the recipe has checked it. */
type NamedVariant = Pick<QuantizeOptions, "method"> &
  ({ readonly bits: NonNullable<Variant["bits"]> } | { readonly averageBits: number });

type QuantizationInput = Omit<NonNullable<RunRecipeInput["quantization"]>, "variants">;

export interface QuantizeOptions extends QuantizationInput {
  /** A model directory, or the name of a model that ships with bitmend. */
  readonly model: string;
  /** Where the low-bit model goes. */
  readonly output: string;
  readonly method: NonNullable<Variant["method"]>;
  /** Of every linear; or {@link averageBits}. */
  readonly bits?: NonNullable<Variant["bits"]> | undefined;
  /** Mean bits a weight: each part of the model gets its own width, by measured sensitivity. */
  readonly averageBits?: number | undefined;
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
  /** Which widths were chosen; null where all linears have one. */
  readonly allocation: AllocationRecord | null;
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
  const { model: name, output, seed, generation, threads = availableParallelism() } = options;
  const { groupSize, symmetric, range, columnOrder, dampingFraction } = options;
  const { calibration: source, calibrationSequences, packedLength } = options;
  const { overrides, mixed } = options;
  const grid = { groupSize, symmetric, range, columnOrder, dampingFraction, overrides, mixed };
  const text = { calibration: source, calibrationSequences, packedLength };
  const named = namedVariant(options);
  const needsText = named.method !== "rtn" || "averageBits" in named;
  const calibrates = needsText || options.task !== undefined || source !== undefined;
  const recipe = parseRunRecipe({
    name: "quantize",
    model: name,
    task: options.task ?? "pocket",
    seed,
    generation,
    quantization: { ...grid, ...text, variants: [named] },
  });
  const { model, task, checkpoint } = yield* prepare(recipe, { signal });
  refuseQuantized(checkpoint);
  const variant = quantizedVariants(recipe)[0]!;
  const problems = reservedProblems(task);
  const unclaimed = { recipe, directory: output, model, task, problems, threads, signal };
  if (calibrates) checkCalibration(unclaimed);
  const settings = { verb: "quantize", calibrates, taskVersion: task.version, recipe: { ...recipe, model } };
  using claimed = claimOutput(output, { settings, sources: [model] });
  const { directory } = claimed;
  if (claimed.resumed) yield { type: "remark", text: `Going on with ${directory}` };
  const context: RunContext = { ...unclaimed, directory: claimed.records };
  const set = calibrates ? yield* calibrateStage(context) : null;
  const stored = { variant, directory };
  const { modules, allocation } = yield* variantStage(context, { stored, calibration: set });
  // The grids of its linears do not say what a mixed variant is.
  if (allocation !== null) writeVariant(directory, variant);
  return { directory, variant, calibration: set?.record ?? null, allocation, modules };
}

/** The one variant of the recipe, as the options have it; the recipe checks the combination. */
function namedVariant({ method, bits, averageBits }: QuantizeOptions): NamedVariant {
  if ((bits === undefined) === (averageBits === undefined)) {
    throw new BitmendError(
      "verbs/bad-options",
      `quantize(): expected either bits or averageBits, got ${bits === undefined ? "none" : "both"}.`,
    );
  }
  return averageBits === undefined ? { method, bits: bits! } : { method, averageBits };
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
