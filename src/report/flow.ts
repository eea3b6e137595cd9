import type { ComparisonRecord } from "../runs/records.ts";
import type { Restoration } from "./variant-words.ts";

/** Counts of problems by who solved them; `right`/`wrong` in the order full precision, quantized, restored. */
export interface Flow {
  readonly rightRightRight: number;
  readonly rightRightWrong: number;
  readonly rightWrongRight: number;
  readonly rightWrongWrong: number;
  readonly wrongRightRight: number;
  readonly wrongRightWrong: number;
  readonly wrongWrongRight: number;
  readonly wrongWrongWrong: number;
}

/** Follows every problem from full precision over the quantized to the restored variant, from the lost and won lists alone. */
export function flowOf({ base, restored }: Restoration): Flow {
  const fullRight = base.bothCorrect + base.lost.length;
  const fullWrong = base.n - fullRight;
  const [lostInBoth, lostOnlyInBase, lostOnlyInRestored] = overlap(base.lost, restored.lost);
  const [wonInBoth, wonOnlyInBase, wonOnlyInRestored] = overlap(base.won, restored.won);
  return {
    rightRightRight: fullRight - lostInBoth - lostOnlyInBase - lostOnlyInRestored,
    rightRightWrong: lostOnlyInRestored,
    rightWrongRight: lostOnlyInBase,
    rightWrongWrong: lostInBoth,
    wrongRightRight: wonInBoth,
    wrongRightWrong: wonOnlyInBase,
    wrongWrongRight: wonOnlyInRestored,
    wrongWrongWrong: fullWrong - wonInBoth - wonOnlyInBase - wonOnlyInRestored,
  };
}

type ProblemIds = ComparisonRecord["lost"];

function overlap(left: ProblemIds, right: ProblemIds): [both: number, onlyLeft: number, onlyRight: number] {
  const inRight = new Set(right);
  const both = left.filter((id) => inRight.has(id)).length;
  return [both, left.length - both, right.length - both];
}
