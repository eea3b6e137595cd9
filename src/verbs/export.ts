import { createHash } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import {
  planExport,
  writeExport,
  type ExportEvent,
  type InexactModule,
} from "../checkpoint/export-checkpoint.ts";
import { writeGguf } from "../checkpoint/formats/gguf/write-gguf.ts";
import type { WeightFormatWriter } from "../checkpoint/formats/weight-format.ts";
import { weightFormatWriters } from "../checkpoint/formats/weight-formats.ts";
import { copyCompanions, makeDirectory, writeOrExplain } from "../checkpoint/model-directory.ts";
import { tokenizerFilesAt } from "../checkpoint/tokenizer-files.ts";
import { refuseUnsupported } from "../models/onnx-model/store-weights.ts";
import { writeOnnxModel } from "../models/onnx-model/write-onnx-model.ts";
import { openModel } from "../models/open-model.ts";
import { BitmendError } from "../util/errors.ts";
import { claimOutput } from "./claim-output.ts";
import { knownVariant } from "./describe-variant.ts";
import type { VerbRun } from "./events.ts";
import { resolveModel } from "./resolve-model.ts";
import { writeVariant } from "./variant-file.ts";

export interface ExportOptions {
  /** As `resolveModel()` takes it: in full precision or in any format that is read. */
  readonly model: string;
  readonly format: ExportFormat;
  /** A new directory; for GGUF a file. */
  readonly output: string;
  /** What the format does not hold exactly becomes the nearest that it does, instead of an error. Default: false. */
  readonly lossy?: boolean | undefined;
}

export interface ExportResult {
  readonly output: string;
  readonly format: ExportFormat;
  /** Of all files written. */
  readonly bytes: number;
  /** Low-bit modules of the source. */
  readonly modules: number;
  /** Those that the files do not hold exactly; without `lossy` there are none. */
  readonly inexact: readonly (Omit<InexactModule, "reason"> & { readonly reason: string | null })[];
}

interface ExportJob {
  readonly source: Checkpoint;
  /** Where the source was opened. */
  readonly path: string;
  readonly output: string;
  readonly lossy: boolean;
  readonly signal: AbortSignal | undefined;
}

type Exporter = (job: ExportJob) => VerbRun<ExportResult["inexact"]>;

/** Every format that models are written in; a new one adds its line. */
const exporters = {
  "compressed-tensors": (job) => exportDirectory(job, weightFormatWriters["compressed-tensors"]),
  gptq: (job) => exportDirectory(job, weightFormatWriters.gptq),
  "gptq-v2": (job) => exportDirectory(job, weightFormatWriters["gptq-v2"]),
  awq: (job) => exportDirectory(job, weightFormatWriters.awq),
  mlx: (job) => exportDirectory(job, weightFormatWriters.mlx),
  gguf: exportGguf,
  onnx: exportOnnx,
} as const satisfies Readonly<Record<string, Exporter>>;

export type ExportFormat = keyof typeof exporters;

export const exportFormats = Object.keys(exporters).filter((name): name is ExportFormat => name in exporters);

/**
 * Writes a model in another format, with everything that its readers need: weights, config.json, tokenizer, chat template.
 *
 * The numbers stay what they are; what the format cannot hold is refused with all modules and reasons before anything is written,
 * unless `lossy`.
 *
 * @yields Progress in modules or tensors.
 * @throws {BitmendError} `checkpoint/inexact`, `checkpoint/unwritable`, `verbs/nothing-to-store`, `verbs/output-exists`, and those of
 * `resolveModel()`, `openModel()`, `claimOutput()` and the writers.
 */
export async function* exportModel(
  { model, format, output, lossy = false }: ExportOptions,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): VerbRun<ExportResult> {
  const path = yield* resolveModel(model, { signal });
  const source = openModel(path);
  const target = resolve(output);
  const inexact = yield* exporters[format]({ source, path, output: target, lossy, signal });
  const variant = knownVariant(source);
  if (format !== "gguf" && variant !== null && source.quantization !== null) writeVariant(target, variant);
  return {
    output: target,
    format,
    bytes: bytesAt(target),
    modules: source.quantization?.size ?? 0,
    inexact,
  };
}

/**
 * A directory of safetensors; interrupted, it goes on after the last finished layer.
 *
 * @yields Progress in modules.
 */
async function* exportDirectory(
  job: ExportJob,
  format: WeightFormatWriter,
): VerbRun<ExportResult["inexact"]> {
  const { source, path, output, lossy, signal } = job;
  if (source.quantization === null && format.name !== "mlx") {
    throw new BitmendError(
      "verbs/nothing-to-store",
      `exportModel(): expected low-bit weights to store as ${format.name}, got a model in full precision in ${path}.`,
      { hint: "Quantize it first, or export it as gguf, mlx or onnx." },
    );
  }
  const plan = yield* modulesDone(planExport(source, { format, lossy, signal }), "Checking modules");
  const identity = sourceIdentity(job);
  using claimed = claimOutput(output, {
    settings: { verb: "export", format: format.name, lossy, source: identity },
    sources: folders(path),
  });
  const { directory } = claimed;
  copyTokenizer(path, directory);
  return yield* modulesDone(writeExport(plan, { directory, identity, signal }), "Writing modules");
}

/** @yields Progress in modules; what is compared at the end is a stage of its own. */
async function* modulesDone<Result>(
  events: AsyncGenerator<ExportEvent, Result, void>,
  name: string,
): VerbRun<Result> {
  let stage: ExportEvent["type"] | null = null;
  for (;;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- events are sequential by nature
    const next = await events.next();
    if (next.done === true) {
      if (stage !== null) yield { type: "stage-done", result: "" };
      return next.value;
    }
    const { type, done, total } = next.value;
    if (type !== stage) {
      if (stage !== null) yield { type: "stage-done", result: "" };
      yield { type: "stage", name: type === "compared" ? "Measuring errors" : name, total, unit: "modules" };
      stage = type;
    }
    yield { type: "progress", done };
  }
}

/** @yields Progress in tensors. */
async function* exportGguf({
  source,
  path,
  output,
  lossy,
  signal,
}: ExportJob): VerbRun<ExportResult["inexact"]> {
  if (!output.endsWith(".gguf") || existsSync(output)) {
    throw new BitmendError(
      "verbs/output-exists",
      `exportModel(): expected the path of a new file that ends with .gguf, got ${output}.`,
      { hint: "Choose another name." },
    );
  }
  makeDirectory(resolve(output, ".."));
  const tokenizer = tokenizerFilesAt(path);
  const events = writeGguf({ source, path: output, tokenizer, name: basename(path), lossy }, { signal });
  let isBegun = false;
  for (;;) {
    const next = events.next();
    if (next.done === true) {
      yield { type: "stage-done", result: "" };
      return [...next.value.inexact].map(([module, inexact]) => ({ module, ...inexact }));
    }
    const { done, total } = next.value;
    if (!isBegun) yield { type: "stage", name: "Writing tensors", total, unit: "tensors" };
    isBegun = true;
    yield { type: "progress", done };
    // oxlint-disable-next-line eslint/no-await-in-loop -- what else waits in this process, an interruption for one, has its turn
    await new Promise((resume) => setImmediate(resume));
  }
}

/** @yields Progress in parameters. */
async function* exportOnnx(job: ExportJob): VerbRun<ExportResult["inexact"]> {
  const { source, path, output, signal } = job;
  refuseUnsupported(source);
  using claimed = claimOutput(output, {
    settings: { verb: "export", format: "onnx", source: sourceIdentity(job) },
    sources: folders(path),
  });
  const { directory } = claimed;
  copyTokenizer(path, directory);
  let isBegun = false;
  for await (const { written, parameters } of writeOnnxModel({
    source,
    directory,
    ...(signal === undefined ? {} : { signal }),
  })) {
    if (!isBegun) yield { type: "stage", name: "Writing parameters", total: parameters, unit: "parameters" };
    isBegun = true;
    yield { type: "progress", done: written };
  }
  yield { type: "stage-done", result: "" };
  return [];
}

/** Tokenizer, chat template and generation settings: files of a directory, or what a GGUF file has inside. */
function copyTokenizer(path: string, directory: string): void {
  if (statSync(path).isDirectory() && existsSync(join(path, "config.json"))) {
    copyCompanions(path, directory);
    return;
  }
  const { tokenizer, tokenizerConfig, generationConfig } = tokenizerFilesAt(path);
  const files = {
    "tokenizer.json": tokenizer,
    "tokenizer_config.json": tokenizerConfig,
    "generation_config.json": generationConfig,
  };
  for (const [name, content] of Object.entries(files))
    writeOrExplain(join(directory, name), `${JSON.stringify(content, null, 2)}\n`);
}

/** What a result must not be written into. */
function folders(path: string): string[] {
  return statSync(path).isDirectory() ? [path] : [];
}

/** Changes when the source's files do: names, sizes and times, and the settings. */
function sourceIdentity({ source, path }: Pick<ExportJob, "source" | "path">): string {
  const files = filesAt(path).map((file) => {
    const { size, mtimeMs } = statSync(file);
    return [file, size, mtimeMs];
  });
  return createHash("sha256")
    .update(JSON.stringify([source.rawConfig, files]))
    .digest("hex");
}

function bytesAt(path: string): number {
  return filesAt(path).reduce((sum, file) => sum + statSync(file).size, 0);
}

function filesAt(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted();
}
