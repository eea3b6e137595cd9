/**
 * @file A whole GPTQ run beside llm-compressor and GPTQModel: the same model, tokens, processors and threads, one after the other, each a
 * program of its own from its start to the last byte.
 *
 *     node bench/shapes.ts qwen3-0.6b MODEL
 *     node bench/gptq-run.ts PYTHON MODEL [--sequences 32] [--length 512] [--threads 2] [--rounds 1] [--priority] [--programs bitmend,gptqmodel]
 *
 * Tokens are random. Each program is held to the same processors (taskset) and told the number of threads. With `--priority` (for root, on a machine
 * that others use too) it goes before other programs. Needs GNU time. Writes results/gptq-run.json.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { openCheckpoint } from "../src/checkpoint/checkpoint.ts";
import { randomStream } from "../src/util/random.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sequences: { type: "string", default: "32" },
    length: { type: "string", default: "512" },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "1" },
    priority: { type: "boolean", default: false },
    programs: { type: "string", default: "bitmend,llm-compressor,llm-compressor-float32,gptqmodel" },
  },
});
const [python, model] = positionals;
if (python === undefined || model === undefined) throw new Error("expected PYTHON and MODEL");
const source = resolve(model);
const threads = Number(values.threads);
const work = mkdtempSync(join(dirname(source), "gptq-run-"));
const calibration = join(work, "calibration.jsonl");
const random = randomStream(1, "bench calibration");
const { vocabularySize, layerCount } = openCheckpoint(source).config;
const sequences = Array.from({ length: Number(values.sequences) }, () =>
  Array.from({ length: Number(values.length) }, () => random.integer(vocabularySize)),
);
writeFileSync(calibration, sequences.map((ids) => `${JSON.stringify({ input_ids: ids })}\n`).join(""));

/** What one program took. */
interface Measured {
  readonly program: string;
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly peakBytes: number;
  readonly load: readonly number[];
  /** What it says of itself; seconds of loading, quantizing and saving. */
  readonly answer: unknown;
}

const weights = { num_bits: 4, type: "int", symmetric: false, strategy: "group", group_size: 128 };
const scheme = { ignore: ["lm_head"], config_groups: { all: { targets: ["Linear"], weights } } };
const peers: Readonly<Record<string, { program: string; dtype: string; settings: unknown }>> = {
  "llm-compressor": {
    program: "llm-compressor",
    dtype: "bfloat16",
    settings: { modifiers: [["gptq", scheme]] },
  },
  "llm-compressor-float32": {
    program: "llm-compressor",
    dtype: "float32",
    settings: { modifiers: [["gptq", scheme]] },
  },
  gptqmodel: {
    program: "gptqmodel",
    dtype: "bfloat16",
    settings: { method: "gptq", bits: 4, group_size: 128, sym: false, desc_act: false, format: "gptq_v2" },
  },
};

function command(program: string, directory: string): string[] {
  const peer = peers[program];
  if (peer === undefined) {
    const main = join(import.meta.dirname, "../src/cli/main.ts");
    const grid = ["--method", "gptq", "--bits", "4", "--group-size", "128"];
    const text = ["--calibration", calibration, "--calibration-sequences", String(sequences.length)];
    const rest = ["--threads", String(threads), "--json", "--output", directory];
    return [process.execPath, main, "quantize", source, ...grid, ...text, ...rest];
  }
  const request = join(work, "request.json");
  writeFileSync(request, JSON.stringify({ ...peer, source, directory, calibration, threads }));
  return [python!, join(import.meta.dirname, "peers/quantize.py"), request];
}

function measure(program: string): Measured {
  const directory = join(work, program);
  const times = join(work, "time.txt");
  const processors = ["taskset", "--cpu-list", `0-${threads - 1}`];
  const timed = ["/usr/bin/time", "--format", "%e %U %S %M", "--output", times, ...processors];
  const line = [...timed, ...command(program, directory)];
  const first = 'echo -15 > /proc/self/autogroup; exec nice -n -10 "$@"';
  const [file = "", ...args] = values.priority
    ? ["setsid", "--wait", "bash", "-c", first, "bash", ...line]
    : line;
  const printed = execFileSync(file, args, {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "pipe"],
    cwd: work,
  });
  const [seconds, user, system, kibibytes] = readFileSync(times, "utf8")
    .trim()
    .split("\n")
    .at(-1)!
    .split(" ")
    .map(Number);
  rmSync(directory, { recursive: true, force: true });
  return {
    program,
    seconds: seconds!,
    processorSeconds: user! + system!,
    peakBytes: kibibytes! * 1024,
    load: loadavg(),
    answer: program in peers ? (JSON.parse(printed) as unknown) : null,
  };
}

const runs: Measured[] = [];
try {
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const program of values.programs.split(",")) {
      const run = measure(program);
      const figures = [
        run.seconds.toFixed(0),
        run.processorSeconds.toFixed(0),
        (run.peakBytes / 1e9).toFixed(2),
      ];
      console.log(
        `${program.padEnd(24)} ${figures[0]} s, ${figures[1]} processor s, ${figures[2]} GB, load ${run.load[0]!.toFixed(1)}`,
      );
      runs.push(run);
    }
  }
} finally {
  rmSync(work, { recursive: true });
}
const result = {
  commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
  machine: `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`,
  settings: { ...values, layers: layerCount },
  runs,
};
writeFileSync(join(import.meta.dirname, "results/gptq-run.json"), `${JSON.stringify(result, null, 2)}\n`);
