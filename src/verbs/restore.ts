import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { openModel } from "../models/open-model.ts";
import type { Variant } from "../runs/records.ts";
import { loadTokenizer } from "../tokenizer/tokenizer.ts";
import { BitmendError } from "../util/errors.ts";
import { claimOutput } from "./claim-output.ts";
import { describeVariant, type Origin } from "./describe-variant.ts";
import { differences } from "./differences.ts";
import type { VerbRun } from "./events.ts";
import { withSettings } from "./load-recipe.ts";
import { reservedProblems } from "./reserved-problems.ts";
import {
  parsePreferenceSettings,
  parseQatSettings,
  parseRunRecipe,
  type RunRecipe,
  type RunRecipeInput,
} from "./run-recipe.ts";
import type { RunContext } from "./run/context.ts";
import { armStage, medicineStage } from "./run/preference-stage.ts";
import { prepare } from "./run/prepare.ts";
import { qatStage } from "./run/qat-stage.ts";
import { trainingProblems } from "./run/traces-stage.ts";
import { type Arm, restoredVariant, type StoredVariant } from "./run/variants.ts";

export interface RestoreOptions {
  /** The full-precision model: a directory, or the name of a model that ships with bitmend. */
  readonly model: string;
  /** Its low-bit copy, which is to get its ability back. */
  readonly quantized: string;
  /** `qat` trains the low-bit weights themselves; `dpo`, and its controls `sft` and `random`, an adapter beside them. */
  readonly by: NonNullable<Variant["restoredBy"]>;
  /** Where the restored model, or the adapter, goes. */
  readonly output: string;
  /** Changes of the settings of a recipe's `qat` or `preference`, like `steps=600`. */
  readonly settings?: readonly string[];
  /** Whose training problems are learned from. Default: pocket. */
  readonly task?: string | undefined;
  /** Chooses the training problems and their order. Default: 1. */
  readonly seed?: number | undefined;
  /** How the models write their solutions of training problems. */
  readonly generation?: RunRecipeInput["generation"];
  /** How `quantized` was made, if it does not say so itself. */
  readonly origin?: Origin;
  /** Default: all. */
  readonly threads?: number | undefined;
}

export interface RestoreResult {
  readonly directory: string;
  readonly variant: Variant;
  /** Model directory to evaluate, and the adapter beside it where there is one. */
  readonly evaluate: { readonly model: string; readonly adapter: string | null };
  /** Preference pairs; null where none were made. */
  readonly pairs: number | null;
}

/** Settings of one way to restore, defaults filled in. */
type Treatment =
  | { readonly by: "qat"; readonly settings: RunRecipe["qat"][number] }
  | { readonly by: Arm; readonly settings: NonNullable<RunRecipe["preference"]> };

/** What a QAT takes unless it is told otherwise; the shipped recipe takes the same at 3 bits. */
const usualQat = { steps: 300, learningRate: 1e-3 };

/**
 * Brings a low-bit model's ability back, by distillation into its weights or by an adapter beside them.
 *
 * Killed at any moment and called again with the same options it goes on where it was.
 *
 * @yields Progress in problems, then in optimizer steps.
 * @throws {BitmendError} those of `prepare()`, `describeVariant()` and `claimOutput()`, `verbs/not-quantized`, `verbs/other-model`,
 * `verbs/bad-recipe`, `tasks/exhausted` and `training/evaluation-leak`, before any work; `training/no-examples` where nothing fails.
 */
export async function* restore(
  options: RestoreOptions,
  { signal }: { readonly signal?: AbortSignal } = {},
): VerbRun<RestoreResult> {
  const { task: taskName = "pocket", seed, generation, threads = availableParallelism() } = options;
  const recipe = parseRunRecipe({
    name: "restore",
    model: options.model,
    task: taskName,
    seed,
    generation,
    quantization: { variants: [] },
  });
  const { model, task, checkpoint } = yield* prepare(recipe, { signal });
  const patient = openPatient(options, checkpoint);
  const treatment = chooseTreatment(options, patient.variant);
  const problems = reservedProblems(task);
  const unclaimed = { recipe, directory: options.output, model, task, problems, threads, signal };
  trainingProblems(
    unclaimed,
    treatment.by === "qat" ? treatment.settings.problems : treatment.settings.candidates,
  );
  const settings = {
    verb: "restore",
    ...treatment,
    quantized: patient.directory,
    taskVersion: task.version,
    recipe: { ...recipe, model },
  };
  using claimed = claimOutput(options.output, { settings, sources: [model, patient.directory] });
  const { directory } = claimed;
  if (claimed.resumed) yield { type: "remark", text: `Going on with ${directory}` };
  const context: RunContext = { ...unclaimed, directory: claimed.records };
  const restored = { variant: restoredVariant(patient.variant, treatment.by), directory };
  const pairs = yield* treat(context, { treatment, patient, restored });
  const evaluate =
    treatment.by === "qat"
      ? { model: directory, adapter: null }
      : { model: patient.directory, adapter: directory };
  return { directory, variant: restored.variant, evaluate, pairs };
}

async function* treat(
  context: RunContext,
  input: { readonly treatment: Treatment; readonly patient: StoredVariant; readonly restored: StoredVariant },
): VerbRun<number | null> {
  const { treatment, patient, restored } = input;
  if (treatment.by === "qat") {
    yield* qatStage(context, { patient, restored, settings: treatment.settings });
    return null;
  }
  const { by: arm, settings } = treatment;
  const medicine = yield* medicineStage(context, { patient, settings });
  yield* armStage(context, { arm, patient, restored, medicine, settings });
  return medicine.pairs.length;
}

function openPatient({ quantized, origin }: RestoreOptions, full: Checkpoint): StoredVariant {
  const directory = resolve(quantized);
  const checkpoint = openModel(directory);
  if (checkpoint.quantization === null || full.quantization !== null) {
    const [expected, got] =
      full.quantization === null
        ? ["a low-bit model as --quantized", directory]
        : ["a model in full precision", full.directory];
    throw new BitmendError("verbs/not-quantized", `restore(): expected ${expected}, got ${got}.`, {
      hint: "Name the full model first and its low-bit copy, as `bitmend quantize` wrote it, with --quantized.",
    });
  }
  const differing = differences(full.config, checkpoint.config, ["in the model", "in its low-bit copy"]);
  if (differing.length === 0 && !haveSameEmbedding(full, checkpoint))
    differing.push(
      checkpoint.quantization.has("model.embed_tokens")
        ? "its embedding table is low-bit too, which training does not take"
        : "the embedding is another",
    );
  if (differing.length > 0) {
    throw new BitmendError(
      "verbs/other-model",
      `restore(): expected ${directory} to be a low-bit copy of ${full.directory}, but ${differing.slice(0, 8).join("; ")}.`,
      {
        hint: "Name the model that it was quantized from, and a copy with the embedding table in full precision.",
      },
    );
  }
  loadTokenizer(directory);
  return { variant: describeVariant(checkpoint, origin === undefined ? {} : { origin }), directory };
}

function chooseTreatment({ by, settings = [] }: RestoreOptions, { bits }: Variant): Treatment {
  return by === "qat"
    ? { by, settings: parseQatSettings(withSettings({ ...usualQat, bits }, settings)) }
    : { by, settings: parsePreferenceSettings(withSettings({ bits }, settings)) };
}

/** No method changes the embedding, so it tells two models of one shape apart. */
function haveSameEmbedding(full: Checkpoint, quantized: Checkpoint): boolean {
  const [left, right] = [full, quantized].map((each) => each.readFloat32("model.embed_tokens.weight"));
  return left!.every((value, index) => value === right![index]);
}
