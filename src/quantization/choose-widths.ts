import type { SensitivityRecord, TradePoint } from "../runs/sensitivity.ts";
import { allocateBits, bestAllocations, type Allocation, type UnitChoice } from "./allocate-bits.ts";

/** One measured width of one unit, with what it costs. */
interface WidthChoice extends UnitChoice {
  readonly record: SensitivityRecord;
}

/** The widths of a model's units under an average, and how they compare. */
export interface ChosenWidths {
  readonly allocation: Allocation<WidthChoice>;
  /** Divergence of the whole, if single differences add up. */
  readonly predicted: number;
  /** Mean bits a weight, codes alone. */
  readonly averageBits: number;
  /** Predicted loss of every width that all units have been measured at. */
  readonly uniform: readonly TradePoint[];
  /** Predicted loss of the best choices, from the fewest bits to the most. */
  readonly frontier: readonly TradePoint[];
}

/** Points of the frontier that are kept for a plot. */
const frontierPoints = 60;

/**
 * Chooses a width for each unit so that the mean over all their weights is at most `averageBits` and the sum of what they add to the divergence least.
 *
 * Codes alone count: scales and zero points cost the same at every width but for the zero points' own bits.
 *
 * @throws {BitmendError} `quantization/budget-too-small`.
 */
export function chooseWidths(
  records: readonly SensitivityRecord[],
  weightsOf: (module: string) => number,
  averageBits: number,
): ChosenWidths {
  // A unit at the width of its surroundings is no change: every such record is of the same model.
  const surrounding = records.find(({ bits, surroundingBits }) => bits === surroundingBits)?.divergence ?? 0;
  const units = [...Map.groupBy(records, ({ modules }) => modules.join(" ")).values()].map((widths) => {
    const weights = widths[0]!.modules.reduce((sum, module) => sum + weightsOf(module), 0);
    return widths.map((record): WidthChoice => {
      const { bits, divergence } = record;
      return { bits, cost: bits * weights, loss: divergence - surrounding, record };
    });
  });
  const weights = units.reduce((sum, [choice]) => sum + choice!.cost / choice!.bits, 0);
  const allocation = allocateBits(units, averageBits * weights);
  const widths = [...new Set(records.map(({ bits }) => bits))].toSorted((left, right) => left - right);
  const best = bestAllocations(units, Number.POSITIVE_INFINITY);
  return {
    allocation,
    predicted: surrounding + allocation.loss,
    averageBits: allocation.cost / weights,
    uniform: widths.flatMap((bits) => {
      const choices = units.flatMap((unit) => unit.filter((choice) => choice.bits === bits));
      const divergence = choices.reduce((sum, { loss }) => sum + loss, surrounding);
      return choices.length === units.length ? [{ averageBits: bits, divergence }] : [];
    }),
    frontier: thinned(best).map(({ cost, loss }) => ({
      averageBits: cost / weights,
      divergence: surrounding + loss,
    })),
  };
}

/** At most {@link frontierPoints}, evenly over the list, its ends among them. */
function thinned<Item>(items: readonly Item[]): Item[] {
  if (items.length <= frontierPoints) return [...items];
  const step = (items.length - 1) / (frontierPoints - 1);
  return Array.from({ length: frontierPoints }, (_, index) => items[Math.round(index * step)]!);
}
