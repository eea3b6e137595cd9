import { availableParallelism } from "node:os";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { estimateQuantization, refuseUnfit, type CostEstimate } from "../quantization/estimate.ts";
import type { QuantizationSummary } from "../quantization/quantize-checkpoint.ts";
import type { TextSize } from "../quantization/quantization-work.ts";
import type { LinearError } from "../quantization/quantize-layers.ts";
import { quantizationRecipeSchema } from "../quantization/recipe.ts";
import type { CalibrationRecord } from "../runs/calibration.ts";
import type { Variant } from "../runs/records.ts";
import type { AllocationRecord } from "../runs/sensitivity.ts";
import { BitmendError } from "../util/errors.ts";
import { claimOutput } from "./claim-output.ts";
import type { VerbRun } from "./events.ts";
import { reservedProblems } from "./reserved-problems.ts";
import { parseRunRecipe, type RunRecipeInput } from "./run-recipe.ts";
import { calibrateStage, calibrationSize, checkCalibration } from "./run/calibrate-stage.ts";
import type { RunContext } from "./run/context.ts";
import { prepare } from "./run/prepare.ts";
import { quantizationRecipe } from "./run/quantize-stage.ts";
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
  /** Foreseen and real, of the quantization itself. */
  readonly cost: QuantizationSummary["cost"];
}

/** What a quantization would cost, and what that is told from. */
export interface QuantizePlan {
  readonly variant: Variant;
  readonly estimate: CostEstimate;
  /** Of the calibration text, at most; null where none is used. */
  readonly text: TextSize | null;
  /** What the estimate leaves out. */
  readonly besides: readonly string[];
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
  const { unclaimed, calibrates, variant } = yield* plan(options, signal);
  const { recipe, model, task } = unclaimed;
  const settings = { verb: "quantize", calibrates, taskVersion: task.version, recipe: { ...recipe, model } };
  using claimed = claimOutput(options.output, { settings, sources: [model] });
  const { directory } = claimed;
  if (claimed.resumed) yield { type: "remark", text: `Going on with ${directory}` };
  const context: RunContext = { ...unclaimed, directory: claimed.records };
  const set = calibrates ? yield* calibrateStage(context) : null;
  const stored = { variant, directory };
  const { modules, allocation, cost } = yield* variantStage(context, { stored, calibration: set });
  writeVariant(directory, variant);
  return { directory, variant, calibration: set?.record ?? null, allocation, modules, cost };
}

/**
 * Says what {@link quantize} with these options would cost, and refuses what would not fit; nothing is written.
 *
 * @yields Progress of fetching the model, where that is needed.
 * @throws {BitmendError} as {@link quantize} before any work, and `quantization/will-not-fit`.
 */
export async function* estimateQuantize(
  options: QuantizeOptions,
  { signal }: { readonly signal?: AbortSignal } = {},
): VerbRun<QuantizePlan> {
  const { unclaimed, calibrates, variant, checkpoint } = yield* plan(options, signal);
  const context: RunContext = { ...unclaimed, directory: options.output };
  const text = calibrates ? calibrationSize(context) : null;
  const recipe = quantizationRecipeSchema.parse(quantizationRecipe(context, variant));
  const { threads } = unclaimed;
  const estimate = await estimateQuantization(checkpoint, recipe, {
    text,
    threads,
    directory: options.output,
  });
  refuseUnfit(estimate, { directory: options.output });
  const besides = [
    ...(calibrates && recipe.method !== "rtn" && unclaimed.recipe.quantization.calibration === "traces"
      ? ["writing the calibration text"]
      : []),
    ...(variant.averageBits === undefined ? [] : ["measuring what each part of the model loses"]),
  ];
  return { variant, estimate, text, besides };
}

interface PlannedQuantization {
  readonly unclaimed: Omit<RunContext, "directory">;
  readonly calibrates: boolean;
  readonly variant: Variant;
  readonly checkpoint: Checkpoint;
}

/**
 * Opens and checks everything that is named.
 *
 * @yields Progress of fetching the model, where that is needed.
 */
async function* plan(
  options: QuantizeOptions,
  signal: AbortSignal | undefined,
): VerbRun<PlannedQuantization> {
  const { model: name, seed, generation, threads = availableParallelism() } = options;
  const { groupSize, symmetric, range, columnOrder, dampingFraction, headBits, embeddingBits } = options;
  const { calibration: source, calibrationSequences, packedLength } = options;
  const { overrides, mixed } = options;
  const grid = { groupSize, symmetric, range, columnOrder, dampingFraction, headBits, embeddingBits };
  const text = { calibration: source, calibrationSequences, packedLength };
  const named = namedVariant(options);
  const needsText = named.method !== "rtn" || "averageBits" in named || range === "output";
  const calibrates = needsText || options.task !== undefined || source !== undefined;
  const recipe = parseRunRecipe({
    name: "quantize",
    model: name,
    task: options.task ?? "pocket",
    seed,
    generation,
    quantization: { ...grid, ...text, overrides, mixed, variants: [named] },
  });
  const { model, task, checkpoint } = yield* prepare(recipe, { signal });
  refuseQuantized(checkpoint);
  const variant = quantizedVariants(recipe)[0]!;
  const problems = reservedProblems(task);
  const unclaimed = { recipe, model, task, problems, threads, signal };
  if (calibrates) checkCalibration(unclaimed);
  return { unclaimed, calibrates, variant, checkpoint };
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
