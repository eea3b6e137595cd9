/**
 * @file Every format that bitmend writes, run by the programs that it is meant for: the shipped model and random ones of every family.
 *
 * The reference is our own run of the dequantized weights. Readers compute in float32, too, from stored numbers that are the same, so only the
 * order of sums differs: logits reach 30, where float32 resolves 2e-6, at the end of layers of sums of up to 512 products. The table of what was
 * measured goes to .cache/peers/readers.md.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { Checkpoint } from "../../src/checkpoint/checkpoint.ts";
import { checkpointSource, memorySource, type ModelSource } from "../../src/models/model-source.ts";
import { openModel } from "../../src/models/open-model.ts";
import { parameterSites } from "../../src/models/parameter-sites.ts";
import { quantizeCheckpoint } from "../../src/quantization/quantize-checkpoint.ts";
import type { QuantizationRecipeInput } from "../../src/quantization/recipe.ts";
import { pocketProblems } from "../../src/tasks/pocket/pocket-problems.ts";
import { pocketTask } from "../../src/tasks/pocket/pocket-task.ts";
import { loadTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { consume } from "../../src/util/consume.ts";
import { BitmendError } from "../../src/util/errors.ts";
import { exportModel, type ExportFormat } from "../../src/verbs/export.ts";
import { shippedModels } from "../../src/verbs/resolve-model.ts";
import { missingModules, peersPython } from "../../tools/peers/environment.ts";
import { readWithPeer, type PeerReader, type ReaderJob } from "../../tools/peers/run-peer.ts";
import { distance, ourAnswers, roundedInputsLimits, type Answers } from "./our-answers.ts";
import { calibrationSequences, peerFamilies, questions, writePeerModel } from "./peer-models.ts";
import { readersTable, type Finding } from "./readers-table.ts";

const python = await peersPython();
const missing = await missingModules(python, [
  "compressed_tensors",
  "optimum",
  "gptqmodel",
  "awq",
  "mlx_lm",
  "llama_cpp",
  "onnxruntime",
]);

const folder = mkdtempSync(join(tmpdir(), "bitmend-our-files-"));
const findings: Finding[] = [];
const versions: Record<string, string> = {};
afterAll(() => rmSync(folder, { recursive: true }));

const cache = join(import.meta.dirname, "../../.cache/peers");
/** After every test, so that a run that is cut off leaves what it measured. */
afterEach(() => {
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, "readers.md"), readersTable(findings, versions));
});

const tolerance = 2e-4;

const grid = (bits: 2 | 3 | 4 | 8, symmetric: boolean, groupSize = 64) =>
  ({ method: "rtn", bits, groupSize, symmetric, range: "minmax" }) as const;

/** Null for full precision. */
const recipes: Readonly<Record<string, QuantizationRecipeInput | null>> = {
  "full precision": null,
  "2 bits symmetric": grid(2, true),
  "3 bits symmetric": grid(3, true),
  "4 bits symmetric": grid(4, true),
  "8 bits symmetric": grid(8, true),
  "2 bits asymmetric": grid(2, false),
  "3 bits asymmetric": grid(3, false),
  "4 bits asymmetric": grid(4, false),
  "8 bits asymmetric": grid(8, false),
  "4 bits, groups of 32": grid(4, true, 32),
  "4 bits, a group a row": grid(4, true, -1),
  "mixed bits": { ...grid(4, true), overrides: [{ modules: "*down_proj", bits: 8, groupSize: 32 }] },
  W8A8: { method: "smoothquant" },
};

interface Reading {
  readonly format: ExportFormat;
  readonly reader: PeerReader;
  /** The Python module without which it is skipped. */
  readonly module: string;
  /** What jobs add, by the bits of the recipe; null where the reader does not take such a model, which docs/formats.md explains. */
  readonly job?: (recipe: QuantizationRecipeInput | null) => Readonly<Record<string, unknown>> | null;
  /** Measured besides with the trained model, as the program runs by itself; greedy tokens may differ then. */
  readonly native?: {
    readonly mode: string;
    readonly job: Readonly<Record<string, unknown>>;
    readonly limit: number;
  };
}

const readings: readonly Reading[] = [
  { format: "compressed-tensors", reader: "transformers", module: "compressed_tensors" },
  {
    format: "gptq",
    reader: "gptqmodel",
    module: "gptqmodel",
    // Files of version 1 are taken as asymmetric only from GPTQModel itself.
    job: (recipe) => (recipe?.symmetric === true ? { backend: "GPTQ_TORCH" } : null),
    native: { mode: "fp16", job: { half: true }, limit: 0.5 },
  },
  {
    format: "gptq",
    reader: "transformers",
    module: "optimum",
    // optimum knows no other settings for single modules.
    job: (recipe) => (recipe?.overrides === undefined ? { backend: "gptq_torch", bits: recipe?.bits } : null),
  },
  { format: "gptq-v2", reader: "gptqmodel", module: "gptqmodel", job: () => ({ backend: "GPTQ_TORCH" }) },
  {
    format: "awq",
    reader: "gptqmodel",
    module: "gptqmodel",
    job: () => ({ backend: "AWQ_TORCH" }),
    native: { mode: "fp16", job: { half: true }, limit: 0.5 },
  },
  { format: "awq", reader: "autoawq", module: "awq" },
  { format: "mlx", reader: "mlx-lm", module: "mlx_lm" },
  {
    format: "gguf",
    reader: "llama-cpp",
    module: "llama_cpp",
    native: { mode: "8-bit inputs", job: { native: true }, limit: 3 },
  },
  { format: "onnx", reader: "onnxruntime", module: "onnxruntime" },
];

const tokenizer = loadTokenizer(shippedModels["pocket"]!);
const pocketProblem = pocketProblems({ split: "test", seed: "peers", count: 12 });
const pocketPrompts = pocketProblem.map((problem) =>
  tokenizer.encode(tokenizer.applyChatTemplate(pocketTask.messages(problem), { addGenerationPrompt: true })),
);
const pocketQuestions = {
  sequences: [
    ...questions.sequences,
    ...[0, 5].map((index) => [...pocketPrompts[index]!, ...tokenizer.encode(pocketProblem[index]!.solution)]),
  ],
  prompts: [pocketPrompts[7]!, pocketPrompts[10]!],
  maxNewTokens: 64,
};

interface Subject {
  readonly name: string;
  /** A quantized or full model. */
  readonly directory: string;
  readonly recipe: QuantizationRecipeInput | null;
  readonly answers: Answers;
}

interface Case {
  readonly model: string;
  /** For what is made of the model. */
  readonly place: string;
  readonly asked: typeof questions;
}

async function makeSubjects({ model, place, asked }: Case): Promise<readonly Subject[]> {
  const source = model === "pocket" ? shippedModels["pocket"]! : join(place, "source");
  const family = peerFamilies.find((name) => name === model);
  if (family !== undefined) writePeerModel(source, family);
  const subjects: Subject[] = [];
  for (const [name, recipe] of Object.entries(recipes)) {
    const directory = recipe === null ? source : join(place, name);
    if (recipe !== null) {
      const calibration = recipe.method === "rtn" ? [] : calibrationSequences;
      const settings = { directory, calibration, threads: 1 };
      // oxlint-disable-next-line eslint/no-await-in-loop -- one model in memory at a time
      await consume(quantizeCheckpoint(openModel(source), recipe, settings));
    }
    const checkpoint = openModel(directory);
    // Rounded inputs are part of what W8A8 means.
    const reference = name === "W8A8" ? checkpointSource(checkpoint) : dense(checkpoint);
    // oxlint-disable-next-line eslint/no-await-in-loop -- one model in memory at a time
    subjects.push({ name, directory, recipe, answers: await ourAnswers(reference, asked) });
  }
  return subjects;
}

/** The same numbers without codes. */
function dense({ config, readFloat32 }: Checkpoint): ModelSource {
  const parameters = parameterSites(config).map(({ name }) => [name, readFloat32(name)] as const);
  return memorySource({ config, parameters: new Map(parameters) });
}

/** Exports a subject; false where the format refuses it. */
async function isExported(
  { directory }: Subject,
  { format, output }: { readonly format: ExportFormat; readonly output: string },
): Promise<boolean> {
  try {
    await consume(exportModel({ model: directory, format, output }));
    return true;
  } catch (error) {
    const refusals = /inexact|unwritable|mixed-schemes|nothing-to-store|unsupported-by/u;
    if (error instanceof BitmendError && refusals.test(error.code)) return false;
    throw error;
  }
}

/** Exports the subjects, has them run and compares. */
async function compare(
  subjects: readonly Subject[],
  reading: Reading,
  { model, place, asked }: Case,
): Promise<void> {
  const { format, reader, native } = reading;
  const read: { readonly subject: Subject; readonly job: ReaderJob }[] = [];
  for (const subject of subjects) {
    const cell = { format, reader, recipe: subject.name, model };
    const output = join(
      place,
      `${format} by ${reader}`,
      format === "gguf" ? `${subject.name}.gguf` : subject.name,
    );
    // oxlint-disable-next-line eslint/no-await-in-loop -- one model in memory at a time
    if (!(await isExported(subject, { format, output }))) {
      findings.push({ ...cell, outcome: "refused" });
      continue;
    }
    const settings = reading.job === undefined ? {} : reading.job(subject.recipe);
    if (settings === null) findings.push({ ...cell, outcome: "unread" });
    else read.push({ subject, job: { directory: output, ...asked, ...settings } });
  }
  const modes = [
    { mode: "float32", job: {}, limit: tolerance },
    ...(native !== undefined && model === "pocket" ? [native] : []),
  ];
  for (const { mode, job, limit } of modes) {
    const jobs = read.map((entry) => ({ ...entry.job, ...job }));
    // oxlint-disable-next-line eslint/no-await-in-loop -- one program at a time
    const answer = await readWithPeer(python!, reader, jobs);
    Object.assign(versions, answer.versions);
    for (const [index, { subject }] of read.entries()) {
      const theirs = answer.results[index]!;
      const { name, answers } = subject;
      const apart = distance(answers.logits, theirs.logits);
      const equalTokens = answers.completions.join() === theirs.completions.join();
      findings.push({ format, reader, recipe: name, model, outcome: { mode, ...apart, equalTokens } });
      const limits = name === "W8A8" ? roundedInputsLimits : { largest: limit, median: limit };
      expect.soft(apart.largest, `${mode}: ${name}`).toBeLessThan(limits.largest);
      expect.soft(apart.median, `${mode}: ${name}`).toBeLessThan(limits.median);
      if (limits.largest === tolerance)
        expect.soft(theirs.completions, `${mode}: ${name}`).toEqual(answers.completions);
    }
  }
}

describe.skipIf(python === null).for(["pocket", ...peerFamilies])("%s", (model) => {
  const place = join(folder, model);
  const asked = model === "pocket" ? pocketQuestions : questions;
  let subjects: readonly Subject[] | null = null;

  test.for(readings)("$format by $reader", async (reading, { skip }) => {
    skip(missing.includes(reading.module), `${reading.module} is not installed`);
    subjects ??= await makeSubjects({ model, place, asked });
    await compare(subjects, reading, { model, place, asked });
    expect(findings.some((entry) => entry.model === model && entry.format === reading.format)).toBe(true);
  });
});
