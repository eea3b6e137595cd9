import { join } from "node:path";
import { openCheckpoint } from "../../checkpoint/checkpoint.ts";
import { quantizeCheckpoint, type QuantizationSummary } from "../../quantization/quantize-checkpoint.ts";
import type { QuantizationRecipe } from "../../quantization/recipe.ts";
import { layerErrorSchema, type Variant } from "../../runs/records.ts";
import { appendJsonLines, readJsonLines } from "../../util/json-lines.ts";
import type { VerbEvent, VerbRun } from "../events.ts";
import type { RunContext } from "./context.ts";
import { recordPath } from "./context.ts";

/** The directory of a variant's weights inside the run. */
export function variantDirectory(context: Pick<RunContext, "directory">, { name }: Variant): string {
  return join(context.directory, "models", name);
}

/**
 * Writes the low-bit checkpoint of one variant, going on where an earlier attempt was stopped, and records what each linear lost.
 *
 * @yields Progress in linears.
 */
export async function* quantizeStage(
  context: RunContext,
  input: { readonly variant: Variant; readonly calibration: readonly (readonly number[])[] },
): VerbRun<string> {
  const { variant, calibration } = input;
  const directory = variantDirectory(context, variant);
  const { threads, signal } = context;
  const { modules } = yield* drawQuantization(
    variant.name,
    quantizeCheckpoint(openCheckpoint(context.model), quantizationRecipe(context, variant), {
      calibration,
      directory,
      threads,
      signal,
    }),
  );
  const path = recordPath(context, "layer-errors.jsonl");
  const isRecorded = readJsonLines(path, layerErrorSchema).some((record) => record.variant === variant.name);
  const records = modules.map(({ layer, module, weightError, outputError }) => {
    return { variant: variant.name, layer, module, weightError, outputError };
  });
  if (!isRecorded) appendJsonLines(path, records);
  return directory;
}

/**
 * Shows a quantization as a verb's progress.
 *
 * @yields Progress in linears.
 */
export async function* drawQuantization(
  name: string,
  events: ReturnType<typeof quantizeCheckpoint>,
): VerbRun<QuantizationSummary> {
  for (;;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- events are sequential by nature
    const next = await events.next();
    if (next.done === true) {
      yield { type: "stage-done", result: "" };
      return next.value;
    }
    const event = next.value;
    if (event.type === "start") yield stageOf(name, event);
    if (event.type === "progress") yield { type: "progress", done: event.done };
  }
}

function stageOf(name: string, start: { readonly modules: number; readonly alreadyDone: number }): VerbEvent {
  const { modules: total, alreadyDone } = start;
  return { type: "stage", name: `Quantizing ${name}`, total, unit: "linears", alreadyDone };
}

function quantizationRecipe({ recipe }: RunContext, { method, bits }: Variant): QuantizationRecipe {
  const { groupSize, symmetric, range, columnOrder, dampingFraction } = recipe.quantization;
  const grid = { bits: bits!, groupSize, symmetric, range };
  return method === "gptq"
    ? { method, ...grid, columnOrder, dampingFraction, blockSize: 128 }
    : { method: "rtn", ...grid };
}
