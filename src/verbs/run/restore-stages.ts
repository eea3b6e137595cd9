import type { VerbRun } from "../events.ts";
import type { Measured } from "./conclude.ts";
import type { RunContext } from "./context.ts";
import { evaluateStage, loader } from "./evaluate-stage.ts";
import { adapterLoader, armStage, medicineStage } from "./preference-stage.ts";
import { qatStage } from "./qat-stage.ts";
import { storedInRun } from "./quantize-stage.ts";
import { preferenceArms, quantizedVariant, restoredVariant } from "./variants.ts";

/**
 * Mends the recipe's patients and measures each mended variant on the same problems.
 *
 * @yields Progress of each stage.
 */
export async function* restoreStages(context: RunContext): VerbRun<Measured[]> {
  return [...(yield* preferred(context)), ...(yield* distilled(context))];
}

async function* preferred(context: RunContext): VerbRun<Measured[]> {
  const { preference: settings } = context.recipe;
  if (settings === null) return [];
  const patient = storedInRun(
    context,
    quantizedVariant(context.recipe, { method: "gptq", bits: settings.bits }),
  );
  const medicine = yield* medicineStage(context, { patient, settings });
  const measured: Measured[] = [];
  for (const arm of preferenceArms(settings)) {
    const restored = storedInRun(context, restoredVariant(patient.variant, arm));
    yield* armStage(context, { arm, patient, restored, medicine, settings });
    const load = adapterLoader(context, { base: patient.directory, adapter: restored.directory });
    const { variant } = restored;
    measured.push({ variant, evaluation: yield* evaluateStage(context, { variant, load }) });
  }
  return measured;
}

async function* distilled(context: RunContext): VerbRun<Measured[]> {
  const measured: Measured[] = [];
  for (const settings of context.recipe.qat) {
    const patient = quantizedVariant(context.recipe, { method: "gptq", bits: settings.bits });
    const restored = storedInRun(context, restoredVariant(patient, "qat"));
    yield* qatStage(context, { patient: storedInRun(context, patient), restored, settings });
    const { variant, directory } = restored;
    const load = loader(context, directory);
    measured.push({ variant, evaluation: yield* evaluateStage(context, { variant, load }) });
  }
  return measured;
}
