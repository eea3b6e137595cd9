/**
 * @file Quality beside peers: the same weights and calibration tokens, everybody's result measured by one program (peers/evaluate.py).
 *
 *     node bench/quality.ts PYTHON [SUBJECT ...]
 *
 * PYTHON has what tools/peers/environment.ts installs. Subjects: pocket, stories (llama2.c's 260K model, ../shared/data), qwen3 (one layer of the
 * shape of Qwen3-0.6B, random weights). Writes results/quality-SUBJECT.json and prints a table.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { openCheckpoint } from "../src/checkpoint/checkpoint.ts";
import { quantizeCheckpoint } from "../src/quantization/quantize-checkpoint.ts";
import { openTask } from "../src/tasks/open-task.ts";
import { loadTokenizer } from "../src/tokenizer/tokenizer.ts";
import { consume } from "../src/util/consume.ts";
import { encodeConversation } from "../src/verbs/calibration-texts.ts";
import { convertLlama2c } from "../tools/convert-llama2c.ts";
import { qualityJobs, type QualityJob } from "./quality/jobs.ts";

const [python, ...wanted] = process.argv.slice(2);
if (python === undefined) throw new Error("expected the Python interpreter that has the peers");
const programs = join(import.meta.dirname, "peers");
const shared = join(import.meta.dirname, "../../shared/data");
const work = mkdtempSync(join(tmpdir(), "bitmend-quality-"));

interface Subject {
  readonly source: string;
  readonly texts: { readonly calibration: string; readonly heldOut: string };
  readonly groupSize: number;
  /** Its predictions mean nothing, only the outputs of its layers are compared. */
  readonly isRandom?: true;
}

/** What evaluate.py answers, by model, text and figure. */
const figuresSchema = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.number().nullable())));
type Figures = z.infer<typeof figuresSchema>;

const solved = z.object({ solution: z.string() });
const tokenized = z.object({ input_ids: z.array(z.number()) });
const quantized = z.object({ versions: z.record(z.string(), z.string()) });

const subjects: Readonly<Record<string, () => Subject>> = {
  pocket: () => {
    const source = join(import.meta.dirname, "../models/pocket");
    const [calibration, heldOut] = (["train", "validation"] as const).map((split) =>
      solutions(source, split),
    );
    return { source, texts: { calibration: calibration!, heldOut: heldOut! }, groupSize: 64 };
  },
  stories: () => {
    const source = join(work, "stories");
    const files = join(shared, "checkpoints/stories260k");
    const paths = { weights: join(files, "stories260K.bin"), tokenizer: join(files, "tok512.bin") };
    convertLlama2c(paths, source, { dataType: "BF16" });
    const [calibration, heldOut] = [1, 2].map((seed) => {
      const path = join(work, `stories-${seed}.jsonl`);
      execFileSync(python, [join(programs, "sample.py"), source, "128", "128", String(seed), path]);
      return path;
    });
    // Feed-forward rows of 172 take no usual group.
    return { source, texts: { calibration: calibration!, heldOut: heldOut! }, groupSize: -1 };
  },
  qwen3: () => {
    const source = join(work, "qwen3");
    const shapes = join(import.meta.dirname, "shapes.ts");
    execFileSync(process.execPath, [shapes, "qwen3-0.6b", source, "--layers", "1"]);
    const [calibration, heldOut] = [
      [0, 8],
      [8, 12],
    ].map(([first, end]) => mathTexts(source, first!, end!));
    return {
      source,
      texts: { calibration: calibration!, heldOut: heldOut! },
      groupSize: 128,
      isRandom: true,
    };
  },
};

/** 128 reference solutions of pocket problems with their questions, of one length, so that every program takes them whole. */
function solutions(model: string, split: "train" | "validation"): string {
  const length = 96;
  const task = openTask("pocket");
  const tokenizer = loadTokenizer(model);
  const sequences = task
    .problems({ split, seed: "bench/quality", count: 2000 })
    .map((problem) => {
      const answer = { role: "assistant", content: problem.solution! } as const;
      return encodeConversation(tokenizer, [...task.messages(problem), answer]);
    })
    .filter(({ tokenIds }) => tokenIds.length >= length)
    .map(({ tokenIds, counted }) => ({
      input_ids: tokenIds.slice(0, length),
      counted: counted.slice(0, length),
    }));
  return writeSequences(`pocket-${split}`, sequences.slice(0, 128));
}

/** Sequences [first, end) of 512 tokens of solutions from the training half of MATH. */
function mathTexts(model: string, first: number, end: number): string {
  const tokenizer = loadTokenizer(model);
  const lines = readFileSync(join(shared, "benchmarks/math-train/train.jsonl"), "utf8").split("\n", 400);
  const ids = lines.flatMap((line) => tokenizer.encode(solved.parse(JSON.parse(line)).solution));
  const sequences = Array.from({ length: end - first }, (_, index) => ({
    input_ids: ids.slice((first + index) * 512, (first + index + 1) * 512),
  }));
  return writeSequences(`math-${first}`, sequences);
}

function writeSequences(name: string, sequences: readonly Readonly<Record<string, unknown>>[]): string {
  const path = join(work, `${name}.jsonl`);
  writeFileSync(path, sequences.map((sequence) => `${JSON.stringify(sequence)}\n`).join(""));
  return path;
}

/** Quantizes; returns null, or why there is no result. */
async function make(job: QualityJob, { source, texts }: Subject, directory: string): Promise<string | null> {
  try {
    if (job.program === "bitmend") {
      const lines = readFileSync(texts.calibration, "utf8").trim().split("\n");
      const calibration = lines.map((line) => tokenized.parse(JSON.parse(line)).input_ids);
      const run = quantizeCheckpoint(openCheckpoint(source), job.recipe, {
        directory,
        calibration,
        threads: 1,
      });
      await consume(run, () => {});
      return null;
    }
    const request = join(work, "request.json");
    const dtype = job.program === "autoround" ? "float32" : "bfloat16";
    const { program, settings } = job;
    const content = {
      program,
      settings,
      source,
      directory,
      dtype,
      threads: 1,
      calibration: texts.calibration,
    };
    writeFileSync(request, JSON.stringify(content));
    const printed = execFileSync(python!, [join(programs, "quantize.py"), request], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 2 ** 28,
      cwd: work,
    });
    versions = { ...versions, ...quantized.parse(JSON.parse(printed)).versions };
    return null;
  } catch (error) {
    const text = error instanceof Error ? error.message.trim() : String(error);
    return text.split("\n").findLast((line) => /Error|expected/u.test(line)) ?? text.slice(-300);
  }
}

let versions: Record<string, string> = {};

function evaluate(
  subject: Subject,
  models: Readonly<Record<string, string>>,
  linears: readonly string[],
): Figures {
  const request = join(work, "evaluate.json");
  const predictions = subject.isRandom !== true;
  writeFileSync(request, JSON.stringify({ ...subject, models, linears, predictions }));
  const printed = execFileSync(python!, [join(programs, "evaluate.py"), request], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  return figuresSchema.parse(JSON.parse(printed));
}

function figureText(value: number | null | undefined): string {
  return (value === null || value === undefined ? "-" : value.toPrecision(4)).padStart(10);
}

function print(jobs: readonly QualityJob[], figures: Figures, failures: ReadonlyMap<string, string>): void {
  console.log(
    `${"".padEnd(44)}${["linear", "", "half", "", "KL", "", "perplexity", ""].map((title) => title.padStart(10)).join("")}`,
  );
  console.log(
    `${"".padEnd(44)}${Array(4)
      .fill(`${"calib.".padStart(10)}${"held out".padStart(10)}`)
      .join("")}`,
  );
  for (const { name } of [{ name: "full" }, ...jobs]) {
    const of = figures[name];
    const row = ["linear", "half", "divergence", "perplexity"].flatMap((figure) => [
      figureText(of?.["calibration"]?.[figure]),
      figureText(of?.["heldOut"]?.[figure]),
    ]);
    console.log(
      `${name.padEnd(44)}${failures.has(name) ? `  ${failures.get(name)!.slice(0, 150)}` : row.join("")}`,
    );
  }
}

const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
const machine = `${cpus()[0]?.model}, ${cpus().length} logical cores`;
try {
  for (const name of wanted.length > 0 ? wanted : Object.keys(subjects)) {
    const subject = subjects[name]!();
    const models: Record<string, string> = {};
    const failures = new Map<string, string>();
    const jobs = qualityJobs(name, subject.groupSize);
    for (const [index, job] of jobs.entries()) {
      const directory = join(work, `${name}-${index}`);
      // oxlint-disable-next-line eslint/no-await-in-loop -- one program at a time
      const failure = await make(job, subject, directory);
      if (failure === null) models[job.name] = existsSync(directory) ? directory : "";
      else failures.set(job.name, failure);
      console.error(`${job.name}: ${failure ?? "done"}`);
    }
    const linears = jobs.filter(({ folds }) => !folds).map((job) => job.name);
    const figures = evaluate(subject, models, linears);
    print(jobs, figures, failures);
    const record = {
      commit,
      machine,
      load: loadavg(),
      versions,
      groupSize: subject.groupSize,
      figures,
      failures: Object.fromEntries(failures),
    };
    mkdirSync(join(import.meta.dirname, "results"), { recursive: true });
    writeFileSync(
      join(import.meta.dirname, `results/quality-${name}.json`),
      `${JSON.stringify(record, null, 1)}\n`,
    );
  }
} finally {
  rmSync(work, { recursive: true });
}
