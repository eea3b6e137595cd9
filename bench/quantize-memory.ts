/**
 * @file What quantizing a model of a real shape costs, beside what was foreseen: a program of its own for each measurement, so that its peak memory is its own.
 *
 *     node bench/shapes.ts qwen3-0.6b MODEL
 *     node bench/quantize-memory.ts MODEL --method gptq --tokens 65536 [--length 2048] [--layers 2] [--threads 3] [--name qwen3-0.6b-gptq]
 *
 * Calibration tokens are random; time and memory do not depend on what they say. With `--layers` it stops after so many layers, and states
 * the time of all by their mean. Writes results/NAME.json where a name is given.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { openCheckpoint } from "../src/checkpoint/checkpoint.ts";
import type { CostEstimate } from "../src/quantization/estimate.ts";
import { quantizeCheckpoint } from "../src/quantization/quantize-checkpoint.ts";
import { quantizationRecipeSchema } from "../src/quantization/recipe.ts";
import { randomStream } from "../src/util/random.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    method: { type: "string", default: "gptq" },
    bits: { type: "string", default: "4" },
    tokens: { type: "string", default: "65536" },
    length: { type: "string", default: "2048" },
    layers: { type: "string" },
    threads: { type: "string", default: "3" },
    name: { type: "string" },
  },
});
const model = resolve(positionals[0]!);
const source = openCheckpoint(model);
const [tokens, length, threads] = [values.tokens, values.length, values.threads].map(Number);
const grid =
  values.method === "smoothquant"
    ? { bits: 8, groupSize: -1 }
    : { bits: Number(values.bits), groupSize: 128 };
const recipe = quantizationRecipeSchema.parse({ method: values.method, ...grid });
const random = randomStream(1, "bench calibration");
const calibration = Array.from({ length: values.method === "rtn" ? 0 : tokens! / length! }, () =>
  Array.from({ length: length! }, () => random.integer(source.config.vocabularySize)),
);
const layers = Number(values.layers ?? source.config.layerCount);
const loadBefore = loadavg();
const directory = mkdtempSync(join(dirname(model), "quantized-"));
const start = performance.now();
const seconds = (): number => (performance.now() - start) / 1000;
const layerSeconds: number[] = [];
let began = 0;
let estimate: CostEstimate | null = null;
let cost: unknown = null;
const run = quantizeCheckpoint(source, recipe, { directory, calibration, threads: threads! });
try {
  for (;;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- events are sequential by nature
    const next = await run.next();
    if (next.done === true) {
      cost = next.value.cost;
      break;
    }
    const event = next.value;
    if (event.type === "estimate") ({ estimate } = event);
    if (event.type === "start") began = seconds();
    if (event.type === "layer-done") {
      layerSeconds.push(seconds() - began - layerSeconds.reduce((sum, time) => sum + time, 0));
      if (layerSeconds.length === layers && layers < source.config.layerCount) break;
    }
  }
} finally {
  rmSync(directory, { recursive: true });
}
const mean = layerSeconds.reduce((sum, time) => sum + time, 0) / layerSeconds.length;
const result = {
  commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
  machine: `${cpus()[0]?.model}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}`,
  load: { before: loadBefore, after: loadavg() },
  settings: { ...values, model: values.name },
  layers: { measured: layerSeconds.length, inModel: source.config.layerCount },
  seconds: seconds(),
  secondsBeforeLayers: began,
  secondsPerLayer: layerSeconds,
  secondsOfAllLayersByMean: began + mean * source.config.layerCount,
  peakResidentBytes: process.resourceUsage().maxRSS * 1024,
  processorSeconds: (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
  estimate,
  cost,
};
console.log(JSON.stringify(result, null, 1));
if (values.name !== undefined) {
  writeFileSync(
    join(import.meta.dirname, "results", `${values.name}.json`),
    `${JSON.stringify(result, null, 2)}\n`,
  );
}
process.exit(0);
