import { expect, test } from "vitest";
import { openCheckpoint } from "../../checkpoint/checkpoint.ts";
import { shippedModels } from "../resolve-model.ts";
import { parseRunRecipe } from "../run-recipe.ts";
import { validateRecipe } from "./validate-recipe.ts";

const { config } = openCheckpoint(shippedModels["pocket"]!);
const recipe = (groupSize: number) =>
  parseRunRecipe({ name: "x", model: "pocket", task: "pocket", quantization: { groupSize } });

test.each([16, 32, 64, -1])("group size %i fits the shipped model", (groupSize) => {
  expect(() => validateRecipe(recipe(groupSize), config)).not.toThrow();
});

test.each([8, 48, 128])("group size %i is refused before any work", (groupSize) => {
  expect(() => validateRecipe(recipe(groupSize), config)).toThrow(
    expect.objectContaining({
      code: "verbs/bad-recipe",
      message: expect.stringContaining(`groupSize ${groupSize}`),
    }),
  );
});
