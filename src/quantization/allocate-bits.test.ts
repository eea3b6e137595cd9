import { array, assert, integer, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { allocateBits, bestAllocations, type UnitChoice } from "./allocate-bits.ts";

/** Choices of 2, 3 and 4 bits for a unit of so many weights. */
function unit(weights: number, losses: readonly [number, number, number]): UnitChoice[] {
  return losses.map((loss, index) => ({ bits: index + 2, cost: weights * (index + 2), loss }));
}

const bitsOf = (units: UnitChoice[][], budget: number): number[] =>
  allocateBits(units, budget).choices.map(({ bits }) => bits);

describe("allocateBits", () => {
  test("worked example: the unit that loses most gets the bits of the one that loses least", () => {
    const units = [unit(10, [8, 4, 1]), unit(10, [2, 1, 0.5]), unit(10, [3, 2, 1])];
    // 90 is 3 bits on average; 4 + 1 + 2 = 7 with 3 everywhere, 1 + 2 + 2 = 5 with 4, 2 and 3.
    expect(bitsOf(units, 90)).toEqual([4, 2, 3]);
    expect(bitsOf(units, 60)).toEqual([2, 2, 2]);
    expect(bitsOf(units, 1000)).toEqual([4, 4, 4]);
  });

  test("equal units of falling gains get equal bits where the budget allows it", () => {
    const units = Array.from({ length: 7 }, () => unit(5, [9, 3, 1]));
    expect(bitsOf(units, 7 * 5 * 3)).toEqual(Array.from({ length: 7 }, () => 3));
  });

  test("a budget below the cheapest is refused with what it takes", () => {
    const units = [unit(10, [1, 1, 1]), unit(5, [1, 1, 1])];
    expect(() => allocateBits(units, 29)).toThrowErrorMatchingInlineSnapshot(
      `[BitmendError: allocateBits(): expected a budget of at least 30, which the cheapest choices cost, got 29. Allow fewer bits for single modules, or more on average.]`,
    );
  });

  const anyUnits = array(
    array(
      record({
        bits: integer({ min: 2, max: 8 }),
        cost: integer({ min: 1, max: 9 }),
        loss: integer({ min: 0, max: 20 }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    { minLength: 1, maxLength: 6 },
  );

  test("property: no combination within the budget loses less, whatever costs and losses are", () => {
    assert(
      property(anyUnits, integer({ min: 6, max: 54 }), (units, budget) => {
        const within = combinations(units).filter(({ cost }) => cost <= budget);
        const least = Math.min(...within.map(({ loss }) => loss));
        if (within.length === 0) expect(() => allocateBits(units, budget)).toThrow("at least");
        else {
          const found = allocateBits(units, budget);
          expect(found.loss).toBe(least);
          expect(found.cost).toBe(
            Math.min(...within.filter(({ loss }) => loss === least).map(({ cost }) => cost)),
          );
          expect(found.choices.reduce((sum, { loss }) => sum + loss, 0)).toBe(least);
        }
      }),
    );
  });

  test("property: more budget never loses more", () => {
    assert(
      property(anyUnits, (units) => {
        const best = bestAllocations(units, 1000);
        for (const [index, { cost, loss }] of best.slice(1).entries()) {
          expect(cost).toBeGreaterThan(best[index]!.cost);
          expect(loss).toBeLessThan(best[index]!.loss);
        }
      }),
    );
  });
});

/** Every combination of choices, the slow and certain way. */
function combinations(units: readonly (readonly UnitChoice[])[]): { cost: number; loss: number }[] {
  return units.reduce<{ cost: number; loss: number }[]>(
    (sums, choices) =>
      sums.flatMap((sum) =>
        choices.map(({ cost, loss }) => ({ cost: sum.cost + cost, loss: sum.loss + loss })),
      ),
    [{ cost: 0, loss: 0 }],
  );
}
