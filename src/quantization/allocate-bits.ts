/**
 * @file Mixed precision under a budget: one width for each unit of a model, so that the sum of what the units lose is least.
 *
 * A multiple-choice knapsack, solved exactly by dynamic programming over the undominated sums of the first units: no rounding of costs,
 * and no assumption that more bits lose less. Sums of losses stand for the loss of the whole; whether they do is measured, not assumed
 * (model-divergence.ts).
 */
import { BitmendError } from "../util/errors.ts";

/** One way to store one unit. */
export interface UnitChoice {
  /** Bits a weight. */
  readonly bits: number;
  /** Whole number, in whatever unit the budget has. */
  readonly cost: number;
  /** What is lost. */
  readonly loss: number;
}

/** One choice for each unit, in the order of the units. */
export interface Allocation<Choice extends UnitChoice = UnitChoice> {
  readonly choices: readonly Choice[];
  readonly cost: number;
  readonly loss: number;
}

/** The choices for the first so many units, as a chain. */
interface PartialSum<Choice> {
  readonly cost: number;
  readonly loss: number;
  readonly choice: Choice | null;
  readonly before: PartialSum<Choice> | null;
}

/**
 * The allocation of least loss that costs at most `budget`; of equal losses the cheapest.
 *
 * @throws {BitmendError} `quantization/budget-too-small` when not even the cheapest choices fit.
 */
export function allocateBits<Choice extends UnitChoice>(
  units: readonly (readonly Choice[])[],
  budget: number,
): Allocation<Choice> {
  const best = bestAllocations(units, budget).at(-1);
  if (best !== undefined) return best;
  const least = units.reduce((sum, choices) => sum + Math.min(...choices.map(({ cost }) => cost)), 0);
  throw new BitmendError(
    "quantization/budget-too-small",
    `allocateBits(): expected a budget of at least ${least}, which the cheapest choices cost, got ${budget}.`,
    { hint: "Allow fewer bits for single modules, or more on average." },
  );
}

/** Every allocation of at most `budget` that none beats in both cost and loss, by rising cost; empty when none fits. */
export function bestAllocations<Choice extends UnitChoice>(
  units: readonly (readonly Choice[])[],
  budget: number,
): Allocation<Choice>[] {
  const leastRest = cheapestRests(units);
  let sums: PartialSum<Choice>[] = [{ cost: 0, loss: 0, choice: null, before: null }];
  for (const [index, choices] of units.entries()) {
    const room = budget - leastRest[index + 1]!;
    const extended = sums.flatMap((before) =>
      choices.map((choice) => ({
        cost: before.cost + choice.cost,
        loss: before.loss + choice.loss,
        choice,
        before,
      })),
    );
    sums = undominated(extended.filter(({ cost }) => cost <= room));
  }
  return sums.map((sum) => ({ choices: chain(sum), cost: sum.cost, loss: sum.loss }));
}

/** What the cheapest choices of the units from an index on cost. */
function cheapestRests(units: readonly (readonly UnitChoice[])[]): number[] {
  const rests = [0];
  for (const choices of units.toReversed())
    rests.push(rests.at(-1)! + Math.min(...choices.map(({ cost }) => cost)));
  return rests.toReversed();
}

function undominated<Choice>(sums: readonly PartialSum<Choice>[]): PartialSum<Choice>[] {
  const kept: PartialSum<Choice>[] = [];
  for (const sum of sums.toSorted((left, right) => left.cost - right.cost || left.loss - right.loss)) {
    if (kept.length === 0 || sum.loss < kept.at(-1)!.loss) kept.push(sum);
  }
  return kept;
}

function chain<Choice>(last: PartialSum<Choice>): Choice[] {
  const choices: Choice[] = [];
  for (let sum: PartialSum<Choice> | null = last; sum !== null; sum = sum.before) {
    if (sum.choice !== null) choices.push(sum.choice);
  }
  return choices.toReversed();
}
