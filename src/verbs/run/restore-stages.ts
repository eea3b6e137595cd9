import type { VerbRun } from "../events.ts";
import type { Measured } from "./conclude.ts";
import type { RunContext } from "./context.ts";
import { evaluateStage, loader } from "./evaluate-stage.ts";
import { adapterLoader, armStage, medicineStage, type Arm } from "./preference-stage.ts";
import { qatStage } from "./qat-stage.ts";
import { quantizedVariant, restoredVariant } from "./variants.ts";

/**
 * Mends the recipe's patients and measures each mended variant on the same problems.
 *
 * @yields Progress of each stage.
 */
export async function* restoreStages(context: RunContext): VerbRun<Measured[]> {
  return [...(yield* preferenceArms(context)), ...(yield* distilled(context))];
}

async function* preferenceArms(context: RunContext): VerbRun<Measured[]> {
  const { preference: settings, quantization } = context.recipe;
  if (settings === null) return [];
  const patient = quantizedVariant(quantization, { method: "gptq", bits: settings.bits });
  const medicine = yield* medicineStage(context, { patient, settings });
  const arms: readonly Arm[] = settings.controls ? ["dpo", "sft", "random"] : ["dpo"];
  const measured: Measured[] = [];
  for (const arm of arms) {
    const restored = restoredVariant(patient, arm);
    const adapter = yield* armStage(context, { arm, patient, restored, medicine, settings });
    const load = adapterLoader(context, { patient, adapter });
    measured.push({
      variant: restored,
      evaluation: yield* evaluateStage(context, { variant: restored, load }),
    });
  }
  return measured;
}

async function* distilled(context: RunContext): VerbRun<Measured[]> {
  const measured: Measured[] = [];
  for (const settings of context.recipe.qat) {
    const patient = quantizedVariant(context.recipe.quantization, { method: "gptq", bits: settings.bits });
    const restored = restoredVariant(patient, "qat");
    const directory = yield* qatStage(context, { patient, restored, settings });
    const load = loader(context, directory);
    measured.push({
      variant: restored,
      evaluation: yield* evaluateStage(context, { variant: restored, load }),
    });
  }
  return measured;
}
