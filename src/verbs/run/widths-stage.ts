/** @file Mixed precision in a run: the choice of widths, and what the choice was worth. */
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { linearSites, type LinearSite } from "../../models/linear-sites.ts";
import { openModel } from "../../models/open-model.ts";
import { chooseWidths } from "../../quantization/choose-widths.ts";
import type { GridOverride } from "../../quantization/grid-overrides.ts";
import { modelDivergence } from "../../quantization/model-divergence.ts";
import type { MeasuredSequence } from "../../quantization/text-forward.ts";
import { fixed, smallNumber } from "../../report/number-text.ts";
import { readAllocations } from "../../runs/read-allocations.ts";
import type { Variant } from "../../runs/records.ts";
import type { AllocationRecord } from "../../runs/sensitivity.ts";
import { writeFileAtomically } from "../../util/atomic-file.ts";
import type { CalibrationSet } from "../calibration-set.ts";
import type { VerbRun } from "../events.ts";
import { recordPath, type RunContext } from "./context.ts";
import { sensitivityStage } from "./sensitivity-stage.ts";

/** What a mixed variant is chosen with. */
interface MixedInput {
  readonly variant: Variant;
  readonly calibration: CalibrationSet;
}

/**
 * Chooses the width of every part of a model for `variant.averageBits` by measured sensitivity; returns it as overrides of single modules.
 *
 * @yields Progress in candidates, then the choice.
 */
export async function* widthsStage(context: RunContext, input: MixedInput): VerbRun<readonly GridOverride[]> {
  const { variant } = input;
  const source = openModel(context.model);
  const sequences = measuredText(context, input);
  const calibration = input.calibration.sequences.map(({ tokenIds }) => tokenIds);
  const records = yield* sensitivityStage(context, { variant, source, calibration, sequences });
  const sites = new Map(linearSites(source.config).map((site) => [site.name, site]));
  const chosen = chooseWidths(records, (module) => weightsIn(sites.get(module)!), variant.averageBits!);
  const { averageBits, uniform, frontier } = chosen;
  const units = chosen.allocation.choices.map(({ record }) => record);
  const known = readAllocations(context.directory).find((one) => one.variant === variant.name);
  const allocation: AllocationRecord = known ?? {
    variant: variant.name,
    budget: variant.averageBits!,
    averageBits,
    storedBits: storedBits(units, sites, context.recipe.quantization),
    tokens: sequences.reduce((sum, { counted }) => sum + counted.filter(Boolean).length, 0),
    units,
    predicted: chosen.predicted,
    measured: null,
    uniform: [...uniform],
    frontier: [...frontier],
  };
  if (known === undefined) writeAllocation(context, allocation);
  yield { type: "remark", text: describe(allocation) };
  return units.flatMap(({ modules, bits }) => modules.map((module) => ({ modules: module, bits })));
}

/**
 * Measures the divergence of the model that was made with the chosen widths, of which the sum over the single parts is a prediction.
 *
 * @yields The two numbers.
 */
export async function* divergenceStage(
  context: RunContext,
  input: MixedInput & { readonly directory: string },
): VerbRun<AllocationRecord> {
  const { variant, directory } = input;
  const allocation = readAllocations(context.directory).find((one) => one.variant === variant.name)!;
  if (allocation.measured !== null) return allocation;
  yield { type: "stage", name: `Measuring the divergence of ${variant.name}` };
  const models: [Checkpoint, Checkpoint] = [openModel(context.model), openModel(directory)];
  const options = { sequences: measuredText(context, input), threads: context.threads };
  const measured = await modelDivergence(...models, options);
  const finished = { ...allocation, measured };
  writeAllocation(context, finished);
  const result = `${smallNumber(measured)} (predicted ${smallNumber(allocation.predicted)})`;
  yield { type: "stage-done", result };
  return finished;
}

function writeAllocation(context: RunContext, allocation: AllocationRecord): void {
  const others = readAllocations(context.directory).filter(({ variant }) => variant !== allocation.variant);
  const text = JSON.stringify([...others, allocation], null, 1);
  writeFileAtomically(recordPath(context, "allocations.json"), `${text}\n`);
}

/** The first calibration sequences, up to as many tokens as the recipe says, and at least one. */
function measuredText(context: RunContext, { calibration }: MixedInput): readonly MeasuredSequence[] {
  const { tokens } = context.recipe.quantization.mixed;
  const { sequences } = calibration;
  let sum = 0;
  let count = 0;
  while (count < sequences.length && (sum += sequences[count]!.tokenIds.length) <= tokens) count++;
  return sequences.slice(0, Math.max(1, count));
}

function weightsIn({ inFeatures, outFeatures }: LinearSite): number {
  return inFeatures * outFeatures;
}

/** Mean bits a weight with its share of scale (16 bits) and zero point. */
function storedBits(
  units: AllocationRecord["units"],
  sites: ReadonlyMap<string, LinearSite>,
  { groupSize, symmetric }: RunContext["recipe"]["quantization"],
): number {
  let weights = 0;
  let stored = 0;
  for (const { modules, bits } of units) {
    for (const site of modules.map((module) => sites.get(module)!)) {
      const group = groupSize === -1 ? site.inFeatures : groupSize;
      weights += weightsIn(site);
      stored += weightsIn(site) * (bits + (16 + (symmetric ? 0 : bits)) / group);
    }
  }
  return stored / weights;
}

function describe({
  variant,
  averageBits,
  storedBits: stored,
  predicted,
  uniform,
  budget,
}: AllocationRecord): string {
  const equal = uniform.find((point) => point.averageBits === budget);
  const beside =
    equal === undefined ? "" : `; ${smallNumber(equal.divergence)} with ${equal.averageBits} bits everywhere`;
  return `Widths of ${variant}: ${fixed(averageBits, 2)} bits a weight (${fixed(stored, 2)} with scales), predicted divergence ${smallNumber(predicted)}${beside}`;
}
