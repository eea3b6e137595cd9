/**
 * @file GPTQ on two matrix shapes beside numpy, one thread each, interleaved.
 *
 *     PYTHON=venv/bin/python node bench/quantization.ts      (numpy in that Python)
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { EngineWorker } from "../src/engine/index.ts";
import { engineProducts } from "../src/quantization/engine-products.ts";
import { quantizeWithFactor } from "../src/quantization/gptq.ts";
import { gptqOptionsSchema } from "../src/quantization/gptq-options.ts";
import { factorHessian } from "../src/quantization/hessian-factor.ts";
import { outputError } from "../src/quantization/layer-error.ts";
import type { Matrix } from "../src/quantization/matrix.ts";
import { randomStream } from "../src/util/random.ts";

const timingSchema = z.strictObject({
  factorSeconds: z.number(),
  roundSeconds: z.number(),
  outputError: z.number(),
  version: z.string(),
});
type Timing = z.infer<typeof timingSchema>;

const python = process.env["PYTHON"] ?? "python3";
const rounds = 3;
const options = gptqOptionsSchema.parse({ bits: 3, groupSize: 128 });
const worker = await EngineWorker.start({ threads: 1, spinning: false });
const subtract = await engineProducts(worker);
const work = mkdtempSync(join(tmpdir(), "bitmend-bench-"));

/** Random weights, and a Gram matrix of 2 · columns tokens in which neighbouring features correlate. */
function problem(rows: number, columns: number): { weight: Matrix; gram: Matrix } {
  const random = randomStream(1, "bench", rows, columns);
  const values = Float32Array.from({ length: rows * columns }, () => random.normal() * 0.02);
  const gram = new Float32Array(columns * columns);
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j <= i; j++) {
      const noise = random.normal() / Math.sqrt(2 * columns);
      const value = 2 * columns * (0.9 ** (i - j) + (i === j ? 0.5 : 0.1 * noise));
      gram[i * columns + j] = value;
      gram[j * columns + i] = value;
    }
  }
  return { weight: { rows, columns, values }, gram: { rows: columns, columns, values: gram } };
}

async function ours({ weight, gram }: { weight: Matrix; gram: Matrix }): Promise<Timing> {
  const start = performance.now();
  const factor = await factorHessian(gram, options, subtract);
  const factored = performance.now();
  const quantized = await quantizeWithFactor(weight, factor, { ...options, subtract });
  const rounded = performance.now();
  return {
    factorSeconds: (factored - start) / 1000,
    roundSeconds: (rounded - factored) / 1000,
    outputError: outputError(weight, quantized, gram),
    version: "bitmend",
  };
}

function theirs(rows: number, columns: number): Timing {
  const script = join(import.meta.dirname, "peers/gptq_numpy.py");
  const threads = { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1", MKL_NUM_THREADS: "1" };
  const printed = execFileSync(python, [script, work, String(rows), String(columns)], {
    env: { ...process.env, ...threads },
    encoding: "utf8",
  });
  return timingSchema.parse(JSON.parse(printed));
}

const best = (values: readonly number[]): number => Math.min(...values);
const load = (): string =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(" ");

console.log(`commit ${execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim()}`);
console.log(`${cpus()[0]?.model}, ${cpus().length} logical cores, Node ${process.version}, load ${load()}`);
console.log(`best of ${rounds}, one thread, 3 bits, group 128, activation order; seconds`);
for (const [rows, columns] of [
  [1024, 1024],
  [1024, 3072],
] as const) {
  const made = problem(rows, columns);
  writeFileSync(join(work, "weight.f32"), new Uint8Array(made.weight.values.buffer));
  writeFileSync(join(work, "gram.f32"), new Uint8Array(made.gram.values.buffer));
  const pairs: { readonly our: Timing; readonly peer: Timing }[] = [];
  for (let round = 0; round < rounds; round++) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- timings must not overlap
    pairs.push({ our: await ours(made), peer: theirs(rows, columns) });
  }
  const { version } = pairs[0]!.peer;
  for (const part of ["factorSeconds", "roundSeconds"] as const) {
    const [our, peer] = [
      best(pairs.map((pair) => pair.our[part])),
      best(pairs.map((pair) => pair.peer[part])),
    ];
    console.log(
      `[${rows}, ${columns}] ${part.replace("Seconds", "").padEnd(6)} ours ${our.toFixed(2)}, ${version} ${peer.toFixed(2)}, ratio ${(peer / our).toFixed(2)}`,
    );
  }
  console.log(
    `  output error ours ${pairs[0]!.our.outputError.toPrecision(6)}, numpy ${pairs[0]!.peer.outputError.toPrecision(6)}`,
  );
}
console.log(`load at the end ${load()}`);
rmSync(work, { recursive: true });
await worker[Symbol.asyncDispose]();
