/** @file The one object `bitmend run --json` prints and a finished run leaves as summary.json. */
import { z } from "zod";
import {
  type ComparisonRecord,
  type DiagnosisRecord,
  type ErrorType,
  errorTypeSchema,
  intervalSchema,
  type Variant,
  variantSchema,
} from "./records.ts";

/** One variant's row. Accuracies and drops are fractions of 1; `lost` and `won` count problems against full precision. */
interface SummaryVariant extends Pick<
  Variant,
  "name" | "method" | "bits" | "averageBits" | "groupSize" | "restoredBy"
> {
  readonly accuracy: number;
  /** 95 % Wilson interval of the accuracy. */
  readonly interval: readonly [low: number, high: number];
  readonly n: number;
  readonly lost: number;
  readonly won: number;
  readonly degenerate: number;
  /** Full precision minus variant. */
  readonly drop: number;
  /** 95 % bootstrap interval of `drop`. */
  readonly dropInterval: readonly [low: number, high: number];
  readonly relativeDrop: number;
  readonly mcnemarP: number;
  /** Failing completions by type of their first wrong step; every type is present. */
  readonly errors: Readonly<Record<ErrorType, number>>;
}

/** What a run found, in one object. */
export interface Summary {
  readonly recipe: string;
  readonly seed: number;
  /** Wall-clock seconds of all sittings of the run together. */
  readonly seconds: number;
  readonly peakMemoryBytes: number;
  readonly problems: {
    readonly task: string;
    readonly split: "train" | "validation" | "test";
    readonly n: number;
  };
  readonly variants: readonly SummaryVariant[];
  readonly diagnosis: {
    /** Failing completions diagnosed, over all variants. */
    readonly failures: number;
    /** Share of the failures with known truth whose first wrong step, or type, was named right; null without truth. */
    readonly stepAgreement: number | null;
    readonly typeAgreement: number | null;
  };
}

const { name, method, bits, averageBits, groupSize, restoredBy } = variantSchema.shape;

export const summarySchema: z.ZodType<Summary> = z.strictObject({
  recipe: z.string(),
  seed: z.int(),
  seconds: z.number(),
  peakMemoryBytes: z.int(),
  problems: z.strictObject({
    task: z.string(),
    split: z.enum(["train", "validation", "test"]),
    n: z.int(),
  }),
  variants: z.array(
    z.strictObject({
      name,
      method,
      bits,
      averageBits,
      groupSize,
      restoredBy,
      accuracy: z.number(),
      interval: intervalSchema,
      n: z.int(),
      lost: z.int(),
      won: z.int(),
      degenerate: z.int(),
      drop: z.number(),
      dropInterval: intervalSchema,
      relativeDrop: z.number(),
      mcnemarP: z.number(),
      errors: z.record(errorTypeSchema, z.int()),
    }),
  ),
  diagnosis: z.strictObject({
    failures: z.int(),
    stepAgreement: z.number().nullable(),
    typeAgreement: z.number().nullable(),
  }),
});

/** What a summary is made from; `agreement` is null where the task has no ground truth. */
export interface SummaryInput extends Pick<
  Summary,
  "recipe" | "seed" | "seconds" | "peakMemoryBytes" | "problems"
> {
  readonly comparisons: readonly ComparisonRecord[];
  readonly diagnoses: readonly DiagnosisRecord[];
  readonly agreement: { readonly step: number; readonly type: number } | null;
}

/** Builds the summary from the records of a run; variants keep the order of `comparisons`. */
export function summarize({ comparisons, diagnoses, agreement, ...settings }: SummaryInput): Summary {
  const { recipe, seed, seconds, peakMemoryBytes, problems } = settings;
  return {
    recipe,
    seed,
    seconds,
    peakMemoryBytes,
    problems: { ...problems },
    variants: comparisons.map((comparison) => summarizeVariant(comparison, diagnoses)),
    diagnosis: {
      failures: diagnoses.length,
      stepAgreement: agreement?.step ?? null,
      typeAgreement: agreement?.type ?? null,
    },
  };
}

function summarizeVariant(
  comparison: ComparisonRecord,
  diagnoses: readonly DiagnosisRecord[],
): SummaryVariant {
  const { variant } = comparison;
  const errors: SummaryVariant["errors"] = countErrorTypes(
    diagnoses.filter((diagnosis) => diagnosis.variant === variant.name),
  );
  return {
    name: variant.name,
    method: variant.method,
    bits: variant.bits,
    ...(variant.averageBits === undefined ? {} : { averageBits: variant.averageBits }),
    groupSize: variant.groupSize,
    restoredBy: variant.restoredBy,
    accuracy: comparison.accuracy,
    interval: comparison.interval,
    n: comparison.n,
    lost: comparison.lost.length,
    won: comparison.won.length,
    degenerate: comparison.degenerate,
    drop: comparison.drop,
    dropInterval: comparison.dropInterval,
    relativeDrop: comparison.relativeDrop,
    mcnemarP: comparison.mcnemarP,
    errors,
  };
}

/** Counts diagnoses by error type, every type present, in the order of the rubric. */
export function countErrorTypes(
  diagnoses: readonly Pick<DiagnosisRecord, "type">[],
): Record<ErrorType, number> {
  const counts = {
    "conceptual-misunderstanding": 0,
    "contextual-oversight": 0,
    "procedural-error": 0,
    "formula-rule-error": 0,
    "numerical-computation-error": 0,
    "symbolic-manipulation-error": 0,
    "logical-reasoning-error": 0,
    degenerate: 0,
  };
  for (const { type } of diagnoses) counts[type]++;
  return counts;
}
