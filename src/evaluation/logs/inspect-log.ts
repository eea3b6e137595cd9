/** @file Logs of Inspect (inspect_ai 0.3): one JSON file, or a ZIP archive (.eval) with one JSON file a sample (log/_log.py, log/_recorders/eval.py). */
import { z } from "zod";
import type { Sample, SampledProblem, SampledRun } from "../sampled-run.ts";
import { badLog, type LogRead, parseLogJson, readLogFile } from "./log-json.ts";
import { openZipArchive } from "./zip-archive.ts";

const headerSchema = z.looseObject({
  status: z.string().optional(),
  eval: z.looseObject({ model: z.string(), task: z.string() }),
});
const messageSchema = z.looseObject({ role: z.string().optional(), content: z.unknown().optional() });
const sampleSchema = z.looseObject({
  id: z.union([z.int(), z.string()]),
  epoch: z.int().default(1),
  input: z.union([z.string(), z.array(messageSchema)]),
  output: z
    .looseObject({
      completion: z.string().optional(),
      choices: z
        .array(z.looseObject({ message: messageSchema.optional(), stop_reason: z.string().nullish() }))
        .default([]),
      usage: z.looseObject({ output_tokens: z.int().nullish() }).nullish(),
    })
    .nullish(),
  scores: z.record(z.string(), z.looseObject({ value: z.unknown(), answer: z.string().nullish() })).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  attachments: z.record(z.string(), z.string()).nullish(),
});
type InspectSample = z.infer<typeof sampleSchema>;

interface InspectLog {
  readonly header: z.infer<typeof headerSchema>;
  /** Each with its place, for messages. */
  readonly samples: Iterable<readonly [sample: InspectSample, where: string]>;
}

export interface InspectLogOptions {
  /** The scorer to read. Default: the first of the log. */
  readonly metric?: string | undefined;
}

/**
 * Reads a log as a run named after its model; epochs are samples.
 *
 * Scores become numbers as Inspect's own metrics make them (C 1, P 0.5, I and N 0, numbers, yes and no). A sample without a score, after an
 * error for instance, is left out as Inspect's metrics leave it out, and a remark says how many.
 *
 * @throws {BitmendError} `evaluation/bad-log` naming the sample, `evaluation/bad-archive`, `files/...`.
 */
export function readInspectLog(path: string, { metric }: InspectLogOptions = {}): LogRead<SampledRun> {
  return path.endsWith(".eval") ? readArchive(path, metric) : collect(jsonLog(path), path, metric);
}

function jsonLog(path: string): InspectLog {
  const schema = headerSchema.extend({ samples: z.array(sampleSchema).nullish() });
  const { samples, ...header } = parseLogJson(readLogFile(path).toString("utf8"), schema, path);
  const placed = (samples ?? []).map((sample) => [sample, `${path}, sample ${sample.id}`] as const);
  return { header, samples: placed };
}

function readArchive(path: string, metric: string | undefined): LogRead<SampledRun> {
  using archive = openZipArchive(path);
  const parse = <Content>(name: string, schema: z.ZodType<Content>): Content =>
    parseLogJson(archive.read(name).toString("utf8"), schema, `${path}: ${name}`);
  // A log whose evaluation was stopped has no header yet.
  const start = ["header.json", "_journal/start.json"].find((name) => archive.names.includes(name));
  if (start === undefined) throw badLog(path, "header.json", { got: "none" });
  const names = archive.names.filter((name) => name.startsWith("samples/") && name.endsWith(".json"));
  const header = parse(start, headerSchema);
  function* samples(): Generator<readonly [InspectSample, string], void> {
    for (const name of names) yield [parse(name, sampleSchema), `${path}: ${name}`];
  }
  return collect({ header, samples: samples() }, path, metric);
}

function collect(
  { header, samples }: InspectLog,
  path: string,
  metric: string | undefined,
): LogRead<SampledRun> {
  const byId = new Map<string, { problem: Omit<SampledProblem, "samples">; byEpoch: Map<number, Sample> }>();
  const scorers = new Set<string>();
  let unscored = 0;
  for (const [sample, where] of samples) {
    for (const name of Object.keys(sample.scores ?? {})) scorers.add(name);
    const score = scoreOf(sample, metric ?? [...scorers][0], where);
    if (score === null) {
      unscored++;
      continue;
    }
    const id = String(sample.id);
    const entry = byId.get(id) ?? { problem: problemOf(sample), byEpoch: new Map<number, Sample>() };
    if (entry.byEpoch.has(sample.epoch))
      throw badLog(where, `epoch ${sample.epoch} of ${id} once`, { got: "it twice" });
    entry.byEpoch.set(sample.epoch, score);
    byId.set(id, entry);
  }
  if (metric !== undefined && !scorers.has(metric))
    throw badLog(path, `a score ${metric}`, { got: [...scorers].join("; ") || "none" });
  if (byId.size === 0) throw badLog(path, "samples with a score", { got: "none" });
  const problems = [...byId.values()].map(({ problem, byEpoch }) => ({
    ...problem,
    samples: [...byEpoch].toSorted(([left], [right]) => left - right).map(([, sample]) => sample),
  }));
  return {
    run: { name: header.eval.model, tool: "inspect", problems },
    remarks: remarksOf({ header, path, scorers, unscored, metric }),
  };
}

function remarksOf(input: {
  readonly header: InspectLog["header"];
  readonly path: string;
  readonly scorers: ReadonlySet<string>;
  readonly unscored: number;
  readonly metric: string | undefined;
}): string[] {
  const { header, path, scorers, unscored, metric } = input;
  const [first, ...others] = scorers;
  const status = header.status ?? "unfinished";
  return [
    ...(status === "success" ? [] : [`${path}: its evaluation did not end well (${status}).`]),
    ...(unscored === 0 ? [] : [`${path}: ${unscored} samples have no score and are left out.`]),
    ...(metric !== undefined || others.length === 0
      ? []
      : [`${path}: scored by ${first}; also there: ${others.join("; ")} (--metric).`]),
  ];
}

function problemOf({ id, input, metadata, attachments }: InspectSample): Omit<SampledProblem, "samples"> {
  const asked =
    typeof input === "string" ? input : contentText(input.findLast(({ role }) => role === "user")?.content);
  const named = (keys: readonly string[]): string | null => {
    const value = keys
      .map((key) => metadata?.[key])
      .find((each) => typeof each === "string" || typeof each === "number");
    return value === undefined ? null : String(value);
  };
  return {
    id: String(id),
    question: resolved(asked, attachments),
    subject: named(["subject", "category", "type"]),
    level: named(["level", "difficulty"]),
  };
}

/** Null where the sample has no score. */
function scoreOf(
  { scores, output, attachments }: InspectSample,
  scorer: string | undefined,
  where: string,
): Sample | null {
  const score = scorer === undefined ? undefined : scores?.[scorer];
  // NaN is Inspect's mark of a sample that could not be scored; it is read as null.
  if (score === undefined || score.value === null) return null;
  const value = asNumber(score.value);
  if (value === null || value < 0 || value > 1)
    throw badLog(where, `a score from 0 to 1 by ${scorer}`, {
      got: (JSON.stringify(score.value) ?? "none").slice(0, 80),
    });
  const [choice] = output?.choices ?? [];
  const reason = choice?.stop_reason ?? null;
  return {
    score: value,
    answer: resolved(score.answer ?? null, attachments),
    text: resolved(output?.completion ?? contentText(choice?.message?.content), attachments),
    tokens: output?.usage?.output_tokens ?? null,
    truncated:
      reason === null || reason === "unknown" ? null : reason === "max_tokens" || reason === "model_length",
  };
}

/** As `value_to_float` of inspect_ai/scorer/_metric.py; null for what it cannot convert. */
function asNumber(value: unknown): number | null {
  const words: Readonly<Record<string, number>> = {
    C: 1,
    I: 0,
    P: 0.5,
    N: 0,
    yes: 1,
    true: 1,
    no: 0,
    false: 0,
  };
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  if (typeof value !== "string") return null;
  const word = words[value] ?? words[value.toLowerCase()];
  if (word !== undefined) return word;
  return value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : null;
}

/** A message's text: itself, or its parts of type text joined. */
function contentText(content: unknown): string | null {
  if (typeof content === "string") return content;
  const parts = z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).safeParse(content);
  return parts.success
    ? parts.data.flatMap(({ type, text }) => (type === "text" && text !== undefined ? [text] : [])).join("\n")
    : null;
}

/** Long texts may lie among the sample's attachments. */
function resolved(text: string | null, attachments: InspectSample["attachments"]): string | null {
  const protocol = "attachment://";
  return text?.startsWith(protocol) === true ? (attachments?.[text.slice(protocol.length)] ?? text) : text;
}
