import { join } from "node:path";
import { openModel } from "../../models/open-model.ts";
import { writeStressedModel } from "../../quantization/stress-model.ts";
import type { VerbRun } from "../events.ts";
import type { RunContext } from "./context.ts";

/**
 * The model that a run measures: its recipe's, or a copy with synthetic outlier channels where the recipe asks for them.
 *
 * @yields What was done to the model.
 */
export async function* stressStage(context: RunContext): VerbRun<string> {
  const { outliers } = context.recipe;
  if (outliers === null) return context.model;
  const directory = join(context.directory, "models", "synthetic-full");
  writeStressedModel(openModel(context.model), { directory, ...outliers });
  const most = 2 ** outliers.maxExponent;
  const text =
    `Synthetic: ${outliers.fraction * 100} % of the channels were made 2 to ${most} times as large; ` +
    "full precision answers as before, bit for bit.";
  yield { type: "remark", text };
  return directory;
}
