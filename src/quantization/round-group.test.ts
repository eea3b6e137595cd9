import { describe, expect, test } from "vitest";
import { groupEnergies, rowEnergy } from "../../test/float64-energies.ts";
import type { InputStatistics } from "./calibrator.ts";
import type { Matrix } from "./matrix.ts";
import { quantizationRecipeSchema, type QuantizationRecipeInput } from "./recipe.ts";
import { groupRounding } from "./round-group.ts";
import { RoundingPool } from "./rounding-pool.ts";
import { quantizeRtn } from "./rtn.ts";
import { subtractProduct } from "./subtract-product.ts";

const weight: Matrix = {
  rows: 2,
  columns: 4,
  values: Float32Array.of(0.9, -0.4, 0.3, 0.2, -0.7, 0.6, 0.1, -0.2),
};

/** Inputs whose channels go together, so that GPTQ finds something to make up for. */
function inputsOf(tokens: number): InputStatistics {
  const values = Float32Array.from({ length: 16 }, (_, index) => (index % 5 === 0 ? 10 : 8));
  return {
    gram: { rows: 4, columns: 4, values },
    meanAbsolute: new Float64Array(4).fill(1),
    maxAbsolute: new Float32Array(4).fill(2),
    tokens,
  };
}

async function roundedBy(
  recipe: QuantizationRecipeInput,
  tokens: number,
): Promise<{ warnings: readonly string[]; codes: Uint8Array; dampingFraction: number | null }> {
  await using pool = new RoundingPool(1);
  const parsed = quantizationRecipeSchema.parse(recipe);
  const calibrator = { subtract: subtractProduct, energies: { ofRows: rowEnergy, ofGroups: groupEnergies } };
  const { round, warnings } = await groupRounding(parsed, { inputs: inputsOf(tokens), calibrator }, pool);
  const { matrix, dampingFraction } = await round(weight, parsed);
  return { warnings, codes: matrix.codes, dampingFraction };
}

describe("groupRounding", () => {
  const recipe = { method: "gptq", bits: 2, groupSize: 4 } as const;
  const grid = quantizationRecipeSchema.parse({ ...recipe, method: "rtn" });
  const nearest = quantizeRtn(weight, grid).codes;

  test("GPTQ with a token for each input feature", async () => {
    const { warnings, codes, dampingFraction } = await roundedBy(recipe, 4);
    expect(warnings).toEqual([]);
    expect(dampingFraction).toBe(0.01);
    expect(codes).not.toEqual(nearest);
  });

  test.each([recipe, { method: "awq", bits: 2, groupSize: 4, range: "minmax", rounding: "gptq" }] as const)(
    "$method with fewer rounds to nearest and says so",
    async (settings) => {
      const { warnings, codes, dampingFraction } = await roundedBy(settings, 3);
      expect(warnings).toMatchInlineSnapshot(`
        [
          "GPTQ needs a calibration token for each of the 4 input features and has 3; rounded to nearest.",
        ]
      `);
      expect(dampingFraction).toBeNull();
      expect(codes).toEqual(nearest);
    },
  );

  test("rounding to nearest needs no text", async () => {
    const { warnings, codes } = await roundedBy({ ...recipe, method: "rtn" }, 1);
    expect(warnings).toEqual([]);
    expect(codes).toEqual(nearest);
  });
});
