/** @file The main job: quantize, measure, diagnose, restore, report, in one resumable run. */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { describeDegenerate } from "../grading/degenerate.ts";
import { renderReport } from "../report/render-report.ts";
import { readRun } from "../report/run-records.ts";
import type { ComparisonRecord, DiagnosisRecord } from "../runs/records.ts";
import { openRunDirectory } from "../runs/run-directory.ts";
import { summarize, type Summary } from "../runs/summary.ts";
import { writeFileAtomically } from "../util/atomic-file.ts";
import type { VerbRun } from "./events.ts";
import { parseRunRecipe, type RunRecipeInput } from "./run-recipe.ts";
import { checkWork } from "./run/check-work.ts";
import { calibrateStage } from "./run/calibrate-stage.ts";
import { concludeAgreement, concludeComparisons, type Measured } from "./run/conclude.ts";
import { recordPath, type RunContext } from "./run/context.ts";
import { recordCosts, runCosts } from "./run/costs.ts";
import { diagnoseStage } from "./run/diagnose-stage.ts";
import { evaluateStage, loader } from "./run/evaluate-stage.ts";
import { modelIdentity } from "./run/model-identity.ts";
import { prepare } from "./run/prepare.ts";
import { storedInRun } from "./run/quantize-stage.ts";
import { writeHeader } from "./run/header.ts";
import { referenceStage } from "./run/reference-stage.ts";
import { restoreStages } from "./run/restore-stages.ts";
import { stressStage } from "./run/stress-stage.ts";
import { variantStage } from "./run/variant-stage.ts";
import { fullVariant, quantizedVariants } from "./run/variants.ts";

export interface RunOptions {
  readonly recipe: RunRecipeInput;
  /** Directory of all runs. Default: `runs` below the current directory. */
  readonly runs?: string | undefined;
  /** Start a new run even if an unfinished one of the same recipe exists. Default: false. */
  readonly fresh?: boolean | undefined;
  /** Default: all. */
  readonly threads?: number | undefined;
}

export interface RunResult {
  readonly directory: string;
  readonly summary: Summary;
}

/**
 * Does what a recipe says and leaves every record, the summary and the report in a run directory.
 *
 * Killed at any moment and called again with the same recipe it goes on where it was and ends with the same result.
 *
 * @yields Progress of each stage, and the table of quantized variants as soon as it is known.
 * @throws {BitmendError} `verbs/bad-recipe` and every other refusal before any work; those of the stages.
 */
export async function* run(
  options: RunOptions,
  { signal }: { readonly signal?: AbortSignal } = {},
): VerbRun<RunResult> {
  const recipe = parseRunRecipe(options.recipe);
  const { model, task, checkpoint } = yield* prepare(recipe, { signal });
  const problems = task.problems({ split: recipe.split, seed: recipe.seed, count: recipe.problems });
  const { threads = availableParallelism() } = options;
  checkWork({ recipe, task, model, problems, threads }, checkpoint);
  using runDirectory = openRunDirectory({
    root: resolve(options.runs ?? "runs"),
    name: recipe.name,
    identity: { recipe, task: task.version, model: modelIdentity(checkpoint) },
    fresh: options.fresh ?? false,
  });
  const { path: directory, resumed } = runDirectory;
  const context: RunContext = { recipe, directory, model, task, problems, threads, signal };
  if (resumed) yield { type: "remark", text: `Going on with ${directory}` };
  writeHeader(context);
  const outcome = yield* recordCosts(context, stages(context));
  return { directory, summary: writeSummary(context, outcome) };
}

interface Outcome {
  readonly measured: readonly Measured[];
  readonly comparisons: readonly ComparisonRecord[];
  readonly diagnoses: readonly DiagnosisRecord[];
}

async function* stages(begun: RunContext): VerbRun<Outcome> {
  const context = { ...begun, model: yield* stressStage(begun) };
  const load = loader(context, context.model);
  const full = yield* evaluateStage(context, { variant: fullVariant, load });
  const measured: Measured[] = [{ variant: fullVariant, evaluation: full }];
  const calibration = yield* calibrateStage(context);
  for (const variant of quantizedVariants(context.recipe)) {
    const stored = storedInRun(context, variant);
    yield* variantStage(context, { stored, calibration });
    const evaluation = yield* evaluateStage(context, { variant, load: loader(context, stored.directory) });
    measured.push({ variant, evaluation });
  }
  yield { type: "comparisons", comparisons: concludeComparisons(context, measured) };
  const references = yield* referenceStage(context);
  yield* diagnoseStage(context, { variants: measured.map(({ variant }) => variant), references });
  measured.push(...(yield* restoreStages(context)));
  const comparisons = concludeComparisons(context, measured);
  const variants = measured.map(({ variant }) => variant);
  const diagnoses = yield* diagnoseStage(context, { variants, references });
  return { measured, comparisons, diagnoses };
}

/** The report comes first: a run counts as finished by its summary. */
function writeSummary(context: RunContext, outcome: Outcome): Summary {
  const { recipe, task, problems } = context;
  const agreement = concludeAgreement(context, outcome);
  const { stepAgreement, typeAgreement } = agreement ?? { stepAgreement: null, typeAgreement: null };
  const summary = summarize({
    recipe: recipe.name,
    seed: recipe.seed,
    ...runCosts(context),
    problems: { task: task.name, split: recipe.split, n: problems.length },
    comparisons: outcome.comparisons,
    diagnoses: outcome.diagnoses,
    agreement:
      stepAgreement === null || typeAgreement === null ? null : { step: stepAgreement, type: typeAgreement },
  });
  writeFileAtomically(
    recordPath(context, "report.html"),
    renderReport({ ...readRun(context.directory), summary }, { degenerate: describeDegenerate() }),
  );
  writeFileAtomically(recordPath(context, "summary.json"), `${JSON.stringify(summary, null, 1)}\n`);
  return summary;
}
