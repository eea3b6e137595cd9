import * as fc from "fast-check";
import { expect, test } from "vitest";
import { epochsOver } from "./epochs.ts";

test("property: every pass sees every item once, in an order of its own", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 9 }), (count, batchSize) => {
      const items = Array.from({ length: count }, (_, index) => index);
      const { steps, itemsAt } = epochsOver(items, { epochs: 2, batchSize, seed: 7 });
      const seen = Array.from({ length: steps }, (_, index) => itemsAt(index + 1));
      const passes = [seen.slice(0, steps / 2).flat(), seen.slice(steps / 2).flat()];
      for (const pass of passes) expect(pass.toSorted((left, right) => left - right)).toEqual(items);
    }),
    { numRuns: 25 },
  );
});
