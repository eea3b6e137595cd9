import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ComparisonRecord } from "../runs/records.ts";
import { flowOf } from "./flow.ts";

/** A comparison record from who solved what; only the fields a flow reads are real. */
function compared(full: readonly boolean[], other: readonly boolean[]): ComparisonRecord {
  const ids = full.map((_, index) => `p${index}`);
  const pick = (keep: (index: number) => boolean): string[] => ids.filter((_, index) => keep(index));
  return {
    variant: { name: "v", method: "rtn", bits: 3, groupSize: 64, symmetric: false, restoredBy: null },
    n: full.length,
    accuracy: 0,
    interval: [0, 1],
    lost: pick((index) => full[index] === true && other[index] === false),
    won: pick((index) => full[index] === false && other[index] === true),
    bothCorrect: pick((index) => full[index] === true && other[index] === true).length,
    bothWrong: 0,
    degenerate: 0,
    drop: 0,
    relativeDrop: 0,
    dropInterval: [0, 0],
    mcnemarP: 1,
    bySubject: [],
    byLevel: [],
  };
}

function word(right: boolean): string {
  return right ? "Right" : "Wrong";
}

test("property: the flow counts every problem where three lists of solved problems put it", () => {
  const triple = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
  fc.assert(
    fc.property(fc.array(triple, { maxLength: 40 }), (problems) => {
      const full = problems.map(([one]) => one);
      const base = compared(
        full,
        problems.map(([, one]) => one),
      );
      const restored = compared(
        full,
        problems.map(([, , one]) => one),
      );
      const expected: Record<string, number> = {};
      for (const name of Object.keys(flowOf({ base, restored }))) expected[name] = 0;
      for (const [one, two, three] of problems)
        expected[`${word(one).toLowerCase()}${word(two)}${word(three)}`]! += 1;
      expect(flowOf({ base, restored })).toEqual(expected);
    }),
  );
});
