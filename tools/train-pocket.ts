/**
 * @file Trains a pocket model from a recipe file, or continues an interrupted training.
 *
 * node tools/train-pocket.ts recipes/pocket-model.ts models/pocket --workers 4 [--steps N]
 *
 * Beside the model it leaves curve.jsonl: one line per validation, and one per 50 steps.
 */
import { existsSync, truncateSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { PocketModelRecipe } from "../src/training/pocket-model.ts";
import { trainPocketModel } from "../src/training/pocket-model.ts";
import { appendJsonLines } from "../src/util/json-lines.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { workers: { type: "string", default: "4" }, steps: { type: "string" } },
});
const [recipePath, directory] = positionals;
if (recipePath === undefined || directory === undefined) {
  throw new Error("usage: train-pocket.ts RECIPE DIRECTORY [--workers N] [--steps N]");
}
const imported: { recipe: PocketModelRecipe } = await import(pathToFileURL(resolve(recipePath)).href);
const { recipe: base } = imported;
const steps = values.steps === undefined ? base.optimization.steps : Number(values.steps);
const recipe = { ...base, optimization: { ...base.optimization, steps } };

const controller = new AbortController();
process.on("SIGINT", () => controller.abort());
process.on("SIGTERM", () => controller.abort());

const curve = join(directory, "curve.jsonl");
if (!existsSync(join(directory, "training.safetensors")) && existsSync(curve)) truncateSync(curve);
let tokens = 0;
const options = { directory, workers: Number(values.workers), signal: controller.signal };
for await (const event of trainPocketModel(recipe, options)) {
  if (event.type === "validation") {
    appendJsonLines(curve, [event]);
    console.log(`step ${event.step} validation ${JSON.stringify(event.metrics)}`);
  }
  if (event.type !== "step") continue;
  tokens += event.tokens;
  if (event.step % 50 === 0 || event.step === 1) {
    const { step, loss, learningRate, gradientNorm } = event;
    appendJsonLines(curve, [{ type: "step", step, loss, learningRate, gradientNorm }]);
    console.log(
      `step ${step}/${steps} loss ${loss.toFixed(4)} lr ${learningRate.toExponential(2)} norm ${gradientNorm.toFixed(2)} ` +
        `${Math.round(event.tokensPerSecond)} tok/s ${(tokens / 1e6).toFixed(1)} Mtok, ${Math.round(event.secondsLeft)} s left`,
    );
  }
}
