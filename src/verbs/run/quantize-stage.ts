import { join } from "node:path";
import { openModel } from "../../models/open-model.ts";
import { quantizeCheckpoint, type QuantizationSummary } from "../../quantization/quantize-checkpoint.ts";
import type { QuantizationCost } from "../../quantization/estimate.ts";
import type { GridOptions } from "../../quantization/grid-options.ts";
import type { GridOverride } from "../../quantization/grid-overrides.ts";
import type { QuantizationRecipeInput } from "../../quantization/recipe.ts";
import { layerErrorSchema, type Variant } from "../../runs/records.ts";
import { appendJsonLines, readJsonLines } from "../../util/json-lines.ts";
import { BitmendError } from "../../util/errors.ts";
import { describeCost } from "../describe-cost.ts";
import type { VerbEvent, VerbRun } from "../events.ts";
import { recordPath, type RunContext } from "./context.ts";
import type { StoredVariant } from "./variants.ts";

/** A variant with its place inside the run. */
export function storedInRun({ directory }: Pick<RunContext, "directory">, variant: Variant): StoredVariant {
  return { variant, directory: join(directory, "models", variant.name) };
}

/**
 * Writes the low-bit checkpoint of one variant, going on where an earlier attempt was stopped, and records what each linear lost.
 *
 * @yields Progress in linears.
 */
export async function* quantizeStage(
  context: RunContext,
  input: {
    readonly stored: StoredVariant;
    readonly calibration: readonly (readonly number[])[];
    /** Grids of single modules, besides the recipe's. Default: none. */
    readonly overrides?: readonly GridOverride[];
  },
): VerbRun<QuantizationSummary> {
  const { calibration, overrides = [] } = input;
  const { variant, directory } = input.stored;
  const { threads, signal } = context;
  const summary = yield* drawQuantization(
    variant.name,
    quantizeCheckpoint(openModel(context.model), quantizationRecipe(context, variant, overrides), {
      calibration,
      directory,
      threads,
      signal,
    }),
  );
  const path = recordPath(context, "layer-errors.jsonl");
  const recorded = readJsonLines(path, layerErrorSchema).filter((record) => record.variant === variant.name);
  const known = new Set(recorded.map(({ module }) => module));
  const records = summary.modules
    .filter(({ module }) => !known.has(module))
    .map(({ layer, module, weightError, outputError }) => {
      return { variant: variant.name, layer, module, weightError, outputError };
    });
  appendJsonLines(path, records);
  return summary;
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
      const { estimated, actual } = next.value.cost;
      if (estimated.measured) yield costRemark("It took", actual);
      return next.value;
    }
    const event = next.value;
    if (event.type === "warning") yield { type: "remark", text: event.text };
    if (event.type === "estimate" && event.estimate.measured) yield costRemark("Estimate", event.estimate);
    if (event.type === "start") yield stageOf(name, event);
    if (event.type === "progress") yield { type: "progress", done: event.done };
  }
}

function costRemark(what: string, cost: QuantizationCost): VerbEvent {
  return { type: "remark", text: `${what}: ${describeCost(cost)}` };
}

function stageOf(name: string, start: { readonly modules: number; readonly alreadyDone: number }): VerbEvent {
  const { modules: total, alreadyDone } = start;
  return { type: "stage", name: `Quantizing ${name}`, total, unit: "linears", alreadyDone };
}

/** How a variant is quantized; `overrides` come after the recipe's. */
export function quantizationRecipe(
  { recipe }: RunContext,
  variant: Variant,
  overrides: readonly GridOverride[] = [],
): QuantizationRecipeInput {
  const { range, columnOrder, dampingFraction, refinementSweeps, embeddingBits, headBits } =
    recipe.quantization;
  const { method, bits, groupSize, symmetric, activations = null } = variant;
  const outside = (wanted: GridOptions["bits"] | null) =>
    wanted === null ? null : { bits: wanted, groupSize: groupSize!, symmetric: symmetric! };
  const grid = {
    embedding: outside(embeddingBits),
    head: outside(headBits),
    // Every linear of a mixed variant has an override.
    bits: bits ?? recipe.quantization.mixed.widths[0]!,
    groupSize: groupSize!,
    symmetric: symmetric!,
    activations,
    ...(range === null ? {} : { range }),
    overrides: [...recipe.quantization.overrides, ...overrides],
  };
  switch (method) {
    case "gptq":
      return { method, ...grid, columnOrder, dampingFraction, refinementSweeps };
    case "rtn":
    case "awq":
    case "smoothquant":
      return { method, ...grid };
    case null:
      throw new BitmendError("verbs/bad-options", "quantizationRecipe(): expected a low-bit variant.");
    default:
      return method satisfies never;
  }
}
