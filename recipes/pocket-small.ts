import type { PocketModelRecipe } from "../src/training/pocket-model.ts";
import { recipe as pocket } from "./pocket-model.ts";

/** The small pocket model, for tests: 0.1 M parameters, trained like the pocket model and for less long. */
export const recipe: PocketModelRecipe = {
  ...pocket,
  sizes: { ...pocket.sizes, layerCount: 2 },
  curriculum: { ...pocket.curriculum, extra: { families: ["equations"], problems: 5 } },
  optimization: {
    steps: 2500,
    schedule: { kind: "cosine", peak: 4e-3, warmupSteps: 200, finalFraction: 0.01 },
    adamW: { weightDecay: 0 },
  },
};
