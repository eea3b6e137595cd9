import type { PocketModelRecipe } from "../src/training/pocket-model.ts";
import { recipe as pocket } from "./pocket-model.ts";

/** The small pocket model, for tests: 0.1 M parameters, trained like the pocket model and for less long. */
export const recipe: PocketModelRecipe = {
  ...pocket,
  sizes: { ...pocket.sizes, layerCount: 2 },
  optimization: { ...pocket.optimization, steps: 2500 },
};
