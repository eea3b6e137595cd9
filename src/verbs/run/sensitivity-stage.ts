import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { openModel } from "../../models/open-model.ts";
import type { GridOptions } from "../../quantization/grid-options.ts";
import type { GridOverride } from "../../quantization/grid-overrides.ts";
import { matchesPattern } from "../../quantization/module-pattern.ts";
import { quantizeCheckpoint } from "../../quantization/quantize-checkpoint.ts";
import { quantizationRecipeSchema } from "../../quantization/recipe.ts";
import { roundToNearest } from "../../quantization/round-to-nearest.ts";
import { measureSensitivity, type RoundedWeight } from "../../quantization/sensitivity.ts";
import { sensitivityUnits } from "../../quantization/sensitivity-units.ts";
import type { MeasuredSequence } from "../../quantization/text-forward.ts";
import type { Variant } from "../../runs/records.ts";
import { sensitivitySchema, type SensitivityRecord } from "../../runs/sensitivity.ts";
import { appendJsonLines, readJsonLines } from "../../util/json-lines.ts";
import type { VerbRun } from "../events.ts";
import { recordPath, type RunContext } from "./context.ts";
import { drawQuantization, quantizationRecipe } from "./quantize-stage.ts";

/** What sensitivities are measured of and on. */
export interface SensitivityInput {
  /** Whose grid is taken, but for its width. */
  readonly variant: Variant;
  readonly source: Checkpoint;
  /** Calibration text of methods that need it. */
  readonly calibration: readonly (readonly number[])[];
  /** What divergences are measured on. */
  readonly sequences: readonly MeasuredSequence[];
}

/**
 * Measures what each part of the model loses at each width, as far as sensitivity.jsonl does not say so yet; returns it in execution order.
 *
 * @yields Progress in candidates.
 */
export async function* sensitivityStage(
  context: RunContext,
  input: SensitivityInput,
): VerbRun<readonly SensitivityRecord[]> {
  const { threads, signal } = context;
  const { mixed, overrides } = context.recipe.quantization;
  const { widths, granularity, roundedBy } = mixed;
  const units = sensitivityUnits(input.source.config, granularity, {
    isFixed: (module) => isFixed(module, overrides),
  });
  const path = recordPath(context, "sensitivity.jsonl");
  const known = readJsonLines(path, sensitivitySchema);
  const total = units.length * widths.length;
  if (known.length < total) {
    const rounded = yield* roundedWeights(context, input);
    const stage = { name: "Measuring sensitivity", unit: "candidates", alreadyDone: known.length };
    yield { type: "stage", total, ...stage };
    const options = { units, widths, rounded, roundedBy, known, threads, signal };
    for await (const records of measureSensitivity(input.source, input.sequences, options)) {
      appendJsonLines(path, records);
      known.push(...records);
      yield { type: "progress", done: known.length };
    }
    yield { type: "stage-done", result: "" };
    rmSync(roundedDirectory(context), { recursive: true, force: true });
  }
  const order = new Map(units.map(({ modules }, index) => [modules.join(" "), index]));
  const place = ({ modules }: SensitivityRecord): number => order.get(modules.join(" "))!;
  return known.toSorted((left, right) => place(left) - place(right) || left.bits - right.bits);
}

/** Whether somebody said how many bits a module has. */
function isFixed(module: string, overrides: readonly GridOverride[]): boolean {
  return overrides.some(
    (override) =>
      matchesPattern(module, override.modules) && ("keep" in override || override.bits !== undefined),
  );
}

function roundedDirectory({ directory }: Pick<RunContext, "directory">): string {
  return join(directory, "rounded");
}

/**
 * The weights that candidates get: rounded to nearest, or GPTQ's, for which the whole model is quantized once a width and kept meanwhile.
 *
 * @yields Progress in linears.
 */
async function* roundedWeights(context: RunContext, input: SensitivityInput): VerbRun<RoundedWeight> {
  const { variant, source, calibration } = input;
  const { roundedBy, widths } = context.recipe.quantization.mixed;
  if (roundedBy === "rtn") {
    const plain = quantizationRecipe(context, { ...variant, method: "rtn", bits: widths[0]! });
    const grid: GridOptions = quantizationRecipeSchema.parse(plain);
    return roundToNearest(source, { ...grid, range: grid.range === "output" ? "minmax" : grid.range });
  }
  const models = new Map<number, Checkpoint>();
  for (const bits of widths) {
    const directory = join(roundedDirectory(context), `w${bits}`);
    const recipe = quantizationRecipe(context, { ...variant, method: roundedBy, bits });
    const { threads, signal } = context;
    const events = quantizeCheckpoint(source, recipe, { calibration, directory, threads, signal });
    yield* drawQuantization(`all to ${bits} bits, to measure`, events);
    models.set(bits, openModel(directory));
  }
  return (module, bits) => models.get(bits)!.readFloat32(`${module}.weight`);
}
