import { existsSync } from "node:fs";
import { join } from "node:path";
import { shippedModels } from "../../src/verbs/resolve-model.ts";

/** Directory of the smallest shipped model there is, or of the one that BITMEND_TEST_MODEL names; null when there is none. */
export const testModel: string | null =
  [process.env["BITMEND_TEST_MODEL"], shippedModels["pocket-small"], shippedModels["pocket"]].find(
    (directory) => directory !== undefined && existsSync(join(directory, "model.safetensors")),
  ) ?? null;

/** Why tests that need a model are skipped. */
const noModel = "no shipped model (models/pocket-small or models/pocket) is in this checkout";

/** The same as the end of a title; empty when there is a model. */
export const skipped = testModel === null ? ` (skipped: ${noModel})` : "";
