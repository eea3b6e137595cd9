import { expect, test } from "vitest";
import type { SensitivityRecord } from "../runs/sensitivity.ts";
import { chooseWidths } from "./choose-widths.ts";

/** Two units, "a" of 100 weights and "b" of 300, at 2, 3 and 4 bits. */
function records(
  a: readonly [number, number, number],
  b: readonly [number, number, number],
  surroundingBits: number | null,
): SensitivityRecord[] {
  return [a, b].flatMap((divergences, layer) =>
    divergences.map((divergence, index) => {
      const bits = ([2, 3, 4] as const)[index]!;
      const unit = { layer, part: "all", modules: [layer === 0 ? "a" : "b"] };
      return { ...unit, bits, roundedBy: "rtn" as const, surroundingBits, divergence };
    }),
  );
}
const weightsOf = (module: string): number => (module === "a" ? 100 : 300);

test("worked example: around full precision, losses are the divergences themselves", () => {
  const chosen = chooseWidths(records([0.8, 0.2, 0.1], [0.6, 0.3, 0.2], null), weightsOf, 3);
  // 1,200 bits: 3 and 3 lose 0.5; 4 and 2 (1,000 bits) lose 0.7; 2 and 3 (1,100 bits) lose 1.1.
  expect(chosen.allocation.choices.map(({ bits }) => bits)).toEqual([3, 3]);
  expect(chosen).toMatchObject({ averageBits: 3, predicted: 0.5 });
  expect(chosen.uniform.map(({ averageBits }) => averageBits)).toEqual([2, 3, 4]);
  expect(chosen.uniform.map(({ divergence }) => divergence)).toBeAllClose([1.4, 0.5, 0.3]);
});

test("worked example: around 3 bits, a width counts by what it adds or takes away", () => {
  const chosen = chooseWidths(records([0.9, 0.5, 0.1], [0.55, 0.5, 0.48], 3), weightsOf, 3);
  // From 0.5: a at 4 bits takes 0.4 away, b at 2 adds 0.05; together 0.15 at 2.5 bits a weight.
  expect(chosen.allocation.choices.map(({ bits }) => bits)).toEqual([4, 2]);
  expect(chosen.averageBits).toBe(2.5);
  expect(chosen.predicted).toBeCloseTo(0.15, 12);
  expect(chosen.uniform[1]).toEqual({ averageBits: 3, divergence: 0.5 });
  expect(chosen.frontier.at(-1)!.divergence).toBeCloseTo(0.08, 12);
});
