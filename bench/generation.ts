/**
 * @file Decode speed beside llama.cpp (node-llama-cpp), the same random 4-bit weights on the shape of Qwen3-0.6B, same machine, one run.
 *
 *     node bench/generation.ts [--rounds 2] [--steps 24] [--layers 28] [--threads 1,4]
 *
 * Installs node-llama-cpp (prebuilt) and writes its model file in a scratch folder. Each program runs in a process of its own, the programs
 * alternating over the rounds; the best of the rounds counts. Writes bench/results/generation.json.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeFileAtomically } from "../src/util/atomic-file.ts";
import type { Rate } from "./generation/rate.ts";
import { GROUP_SIZE, PROMPT_TOKENS, subjectConfig } from "./generation/subject.ts";
import { writeSubject } from "./generation/write-gguf.ts";

/** What a child process prints. */
interface Measurement {
  /** By batch size. */
  readonly rates: Readonly<Record<string, Rate>>;
  readonly firstTokens: readonly number[];
  readonly peakMegabytes: number;
}

const peerVersion = "3.22.1";
const batches = ["1", "8", "32"];
/** bitmend with activations rounded to 8 bits, as llama.cpp rounds them, and with activations as they are. */
const programs = ["int8", "f32", "llama.cpp"] as const;
type Program = (typeof programs)[number];
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "2" },
    steps: { type: "string", default: "24" },
    layers: { type: "string", default: "28" },
    threads: { type: "string", default: `1,${availableParallelism()}` },
  },
});
const scratch = join(tmpdir(), "bitmend-bench-peer");
const modelFile = join(scratch, `subject-${values.layers}.gguf`);

prepare();
const rows = values.threads.split(",").flatMap((threads) => compare(threads));
const record = {
  subject: `Qwen3-0.6B shape, ${values.layers} layers, random 4-bit symmetric weights and head, group ${GROUP_SIZE}`,
  promptTokens: PROMPT_TOKENS,
  steps: Number(values.steps),
  rounds: Number(values.rounds),
  peer: `node-llama-cpp ${peerVersion} (Q4_0, prebuilt)`,
  machine: `${cpus()[0]?.model ?? "unknown"}, ${availableParallelism()} threads`,
  loadAverage: loadavg().map((load) => Number(load.toFixed(2))),
  node: process.version,
  commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  }).trim(),
  date: new Date().toISOString(),
  rows,
};
mkdirSync(join(import.meta.dirname, "results"), { recursive: true });
writeFileAtomically(
  join(import.meta.dirname, "results/generation.json"),
  `${JSON.stringify(record, null, 2)}\n`,
);
console.table(rows);
console.log(
  `${record.machine}; load ${record.loadAverage.join(" ")}; commit ${record.commit}; ${record.peer}`,
);

function prepare(): void {
  mkdirSync(scratch, { recursive: true });
  if (!existsSync(join(scratch, "node_modules/node-llama-cpp"))) {
    const install = ["install", "--prefix", scratch, "--no-audit", "--no-fund", "--ignore-scripts"];
    execFileSync("npm", [...install, `node-llama-cpp@${peerVersion}`], { stdio: "inherit" });
  }
  if (!existsSync(modelFile)) writeSubject(modelFile, subjectConfig(Number(values.layers)));
}

/** Alternates the programs; one row for each batch size. */
function compare(threads: string): object[] {
  const rounds = Array.from({ length: Number(values.rounds) }, () => ({
    int8: bitmend(threads, "4"),
    f32: bitmend(threads, "0"),
    "llama.cpp": llamaCpp(threads),
  }));
  return batches.map((batch) => {
    const rate = (program: Program, statistic: keyof Rate): number =>
      Math.max(...rounds.map((round) => round[program].rates[batch]![statistic]));
    const ratio = (program: Program, statistic: keyof Rate): number =>
      rounded(rate(program, statistic) / rate("llama.cpp", statistic));
    const rates = programs.flatMap((program) => [
      [`${program} tok/s`, rounded(rate(program, "fastest"))],
      [`${program} tok/s, median step`, rounded(rate(program, "median"))],
    ]);
    return {
      threads: Number(threads),
      batch: Number(batch),
      ...Object.fromEntries(rates),
      "ratio int8": ratio("int8", "fastest"),
      "ratio int8, median step": ratio("int8", "median"),
      "ratio f32": ratio("f32", "fastest"),
      "same first token": agreement(rounds[0]!.int8, rounds[0]!["llama.cpp"]),
      "bitmend peak MB": rounds[0]!.int8.peakMegabytes,
      "llama.cpp peak MB": rounds[0]!["llama.cpp"].peakMegabytes,
    };
  });
}

function bitmend(threads: string, accuracyLevel: string): Measurement {
  return child("measure-bitmend.ts", [values.layers, threads, accuracyLevel, values.steps, ...batches]);
}

function llamaCpp(threads: string): Measurement {
  return child("measure-llama-cpp.ts", [scratch, modelFile, threads, values.steps, ...batches]);
}

function child(script: string, parameters: readonly string[]): Measurement {
  const path = join(import.meta.dirname, "generation", script);
  const printed = execFileSync(process.execPath, [path, ...parameters], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const measurement: Measurement = JSON.parse(printed.trim().split("\n").at(-1)!);
  return measurement;
}

/** A check that both computed the same model; rounding of activations differs. */
function agreement(ours: Measurement, theirs: Measurement): string {
  const same = ours.firstTokens.filter((token, prompt) => token === theirs.firstTokens[prompt]).length;
  return `${same} of ${ours.firstTokens.length}`;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
