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
import { sensitivityUnits, type SensitivityUnit } from "../../quantization/sensitivity-units.ts";
import type { MeasuredSequence, WeightSource } from "../../quantization/text-forward.ts";
import { count } from "../../report/number-text.ts";
import type { Variant } from "../../runs/records.ts";
import { sensitivitySchema, type SensitivityRecord } from "../../runs/sensitivity.ts";
import { appendJsonLines, readJsonLines } from "../../util/json-lines.ts";
import type { VerbRun } from "../events.ts";
import { recordPath, type RunContext } from "./context.ts";
import { drawQuantization, quantizationRecipe } from "./quantize-stage.ts";

type Bits = NonNullable<Variant["bits"]>;

/** What sensitivities are measured of and on. */
export interface SensitivityInput {
  /** The mixed variant that widths are sought for. */
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
  const { variant, source, sequences } = input;
  const { mixed, overrides } = context.recipe.quantization;
  const { widths, granularity } = mixed;
  const roundedBy = mixed.roundedBy ?? (variant.method === "gptq" ? "gptq" : "rtn");
  const surroundingBits = mixed.around === "full" ? null : nearest(widths, variant.averageBits!);
  const units = sensitivityUnits(source.config, granularity, {
    isFixed: (module) => isFixed(module, overrides),
  });
  const path = recordPath(context, "sensitivity.jsonl");
  const known = readJsonLines(path, sensitivitySchema).filter(
    (record) => record.roundedBy === roundedBy && record.surroundingBits === surroundingBits,
  );
  const total = units.length * widths.length;
  if (known.length < total) {
    const rounded = yield* roundedWeights(context, { ...input, roundedBy });
    const stage = { name: `Measuring sensitivity (${roundedBy})`, unit: "candidates" };
    yield { type: "stage", total, alreadyDone: known.length, ...stage };
    yield { type: "remark", text: describeCost(context, input) };
    const around =
      surroundingBits === null
        ? {}
        : {
            surroundings: {
              bits: surroundingBits,
              model: allRounded(source, { units, rounded, bits: surroundingBits }),
            },
          };
    const options = { units, widths, rounded, roundedBy, known, threads, signal, ...around };
    for await (const records of measureSensitivity(source, sequences, options)) {
      appendJsonLines(path, records);
      known.push(...records);
      yield { type: "progress", done: known.length };
    }
    yield { type: "stage-done", result: "" };
  }
  rmSync(roundedDirectory(context), { recursive: true, force: true });
  const order = new Map(units.map(({ modules }, index) => [modules.join(" "), index]));
  const place = ({ modules }: SensitivityRecord): number => order.get(modules.join(" "))!;
  return known.toSorted((left, right) => place(left) - place(right) || left.bits - right.bits);
}

/** What the measurement costs, in passes of its text through the whole model: a candidate runs from its own layer on. */
function describeCost({ recipe }: RunContext, { source, sequences }: SensitivityInput): string {
  const { widths, granularity, around } = recipe.quantization.mixed;
  const { layerCount } = source.config;
  const perLayer = sensitivityUnits(source.config, granularity).length / layerCount;
  const measured = around === "full" ? widths.length : widths.length - 1;
  const passes = (perLayer * measured * (layerCount + 1)) / 2 + 2;
  const tokens = sequences.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  return `Measuring sensitivity costs about ${count(passes)} passes of ${count(tokens)} tokens through the model`;
}

function nearest(widths: readonly Bits[], average: number): Bits {
  return widths.reduce((best, bits) => (Math.abs(bits - average) < Math.abs(best - average) ? bits : best));
}

/** The model with every unit at one width. */
function allRounded(
  { config, readFloat32 }: WeightSource,
  { units, rounded, bits }: { units: readonly SensitivityUnit[]; rounded: RoundedWeight; bits: Bits },
): WeightSource {
  const modules = new Set(units.flatMap((unit) => unit.modules));
  return {
    config,
    readFloat32: (name) => {
      const module = name.replace(/\.weight$/u, "");
      return modules.has(module) ? rounded(module, bits) : readFloat32(name);
    },
  };
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
async function* roundedWeights(
  context: RunContext,
  input: SensitivityInput & Pick<SensitivityRecord, "roundedBy">,
): VerbRun<RoundedWeight> {
  const { variant, source, calibration, roundedBy: method } = input;
  const { widths } = context.recipe.quantization.mixed;
  if (method === "rtn") {
    const plain = quantizationRecipe(context, { ...variant, method, bits: widths[0]! });
    const grid: GridOptions = quantizationRecipeSchema.parse(plain);
    return roundToNearest(source, { ...grid, range: grid.range === "output" ? "minmax" : grid.range });
  }
  const models = new Map<number, Checkpoint>();
  for (const bits of widths) {
    const directory = join(roundedDirectory(context), `w${bits}`);
    const recipe = quantizationRecipe(context, { ...variant, method, bits });
    const { threads, signal } = context;
    const events = quantizeCheckpoint(source, recipe, { calibration, directory, threads, signal });
    yield* drawQuantization(`all to ${bits} bits, to measure`, events);
    models.set(bits, openModel(directory));
  }
  return (module, bits) => models.get(bits)!.readFloat32(`${module}.weight`);
}
