/** @file Everything a run leaves on disk, one schema a record. Stages, comparison, diagnosis and report know each other only through these. */
import { z } from "zod";

/** What brings weights to few bits. */
export const methods = ["rtn", "gptq", "awq", "smoothquant"] as const;

/** How a variant was made from the full-precision model. */
export const variantSchema = z.strictObject({
  /** Unique in the run, e.g. `full`, `w3-g64-gptq`, `w2-g64-gptq+qat`. */
  name: z.string(),
  /** Null for full precision. */
  method: z.enum(methods).nullable(),
  bits: z.literal([2, 3, 4, 5, 6, 8]).nullable(),
  /** Null for full precision; -1 for per channel. */
  groupSize: z.int().nullable(),
  symmetric: z.boolean().nullable(),
  /** Mean bits a weight that each part's width was chosen under, `bits` being null; absent: all linears have `bits`. */
  averageBits: z.number().optional(),
  /** How the linears round what they read; absent: not at all. */
  activations: z.literal("int8-per-token").optional(),
  /** Made from a model that was given outlier channels on purpose, so that none of its numbers is a trained model's. */
  synthetic: z.literal(true).optional(),
  restoredBy: z.enum(["qat", "dpo", "sft", "random"]).nullable(),
});
export type Variant = z.infer<typeof variantSchema>;

/** One text a variant produced for one problem. */
export const completionSchema = z.strictObject({
  variant: z.string(),
  problem: z.string(),
  /** Which of several samples of one problem; absent: the first, 0. */
  sample: z.int().min(0).optional(),
  text: z.string(),
  tokens: z.int(),
  /** `stop`: the model ended by itself; `length`: the token limit ended it. */
  finish: z.enum(["stop", "length"]),
});
export type CompletionRecord = z.infer<typeof completionSchema>;

/** The grade of one completion. */
export const verdictSchema = z.strictObject({
  variant: z.string(),
  problem: z.string(),
  /** As in the completion. */
  sample: z.int().min(0).optional(),
  verdict: z.enum(["correct", "incorrect", "no-answer"]),
  /** The answer found in the text, null if none. */
  extracted: z.string().nullable(),
  expected: z.string(),
  /** What decided that the answer is right, and why the verdict is what it is, in words; absent for numbers compared as such. */
  comparator: z.string().nullable().optional(),
  reason: z.string().optional(),
  /** The token limit ended the text inside its thoughts, so that there is no answer to grade. */
  thoughtsTruncated: z.literal(true).optional(),
  /** Why an output is degenerate (definition in grading/degenerate.ts), null if it is not. */
  degenerate: z.enum(["loop", "no-answer", "not-text"]).nullable(),
});
export type VerdictRecord = z.infer<typeof verdictSchema>;

/** A two-sided 95 % interval, in the unit of what it bounds. */
export const intervalSchema = z.tuple([z.number(), z.number()]);

/** One variant measured on the run's problems, paired with full precision. Accuracies are fractions of 1. */
export const comparisonSchema = z.strictObject({
  variant: variantSchema,
  n: z.int(),
  accuracy: z.number(),
  /** Wilson score interval of the accuracy. */
  interval: intervalSchema,
  /** Problems full precision solves and this variant does not; ids in problem order. */
  lost: z.array(z.string()),
  /** Problems this variant solves and full precision does not. */
  won: z.array(z.string()),
  bothCorrect: z.int(),
  bothWrong: z.int(),
  degenerate: z.int(),
  /** Full precision minus variant, fraction of 1 (absolute). */
  drop: z.number(),
  /** drop / full-precision accuracy. */
  relativeDrop: z.number(),
  /** Bootstrap percentile interval of `drop`, resampling problems. */
  dropInterval: intervalSchema,
  /** Exact two-sided McNemar p. */
  mcnemarP: z.number(),
  /** Accuracy by subject and by level: [name, correct, n]. */
  bySubject: z.array(z.tuple([z.string(), z.int(), z.int()])),
  byLevel: z.array(z.tuple([z.string(), z.int(), z.int()])),
});
export type ComparisonRecord = z.infer<typeof comparisonSchema>;

/** P1's seven error types and our rule-set eighth, in the order of the printed rubric. */
export const errorTypes = [
  "conceptual-misunderstanding",
  "contextual-oversight",
  "procedural-error",
  "formula-rule-error",
  "numerical-computation-error",
  "symbolic-manipulation-error",
  "logical-reasoning-error",
  "degenerate",
] as const;
export const errorTypeSchema = z.enum(errorTypes);
export type ErrorType = (typeof errorTypes)[number];

/** The first wrong step of one failing completion. */
export const diagnosisSchema = z.strictObject({
  variant: z.string(),
  problem: z.string(),
  /** The completion cut into solution steps. */
  steps: z.array(z.string()),
  /** 0-based index into `steps`; `steps.length` when a step is missing at the end; null for degenerate outputs, and when no check finds a wrong step. */
  firstWrongStep: z.int().nullable(),
  type: errorTypeSchema,
  /** What is wrong and what would be right, in words. */
  evidence: z.string(),
});
export type DiagnosisRecord = z.infer<typeof diagnosisSchema>;

/** One preference pair: the right continuation against the model's own, at the first faulty step. */
export const medicineSchema = z.strictObject({
  problem: z.string(),
  question: z.string(),
  /** The right steps before the first wrong one, exactly as the model wrote them; may be empty. */
  prefix: z.string(),
  chosen: z.string(),
  rejected: z.string(),
  type: errorTypeSchema,
});
export type MedicineRecord = z.infer<typeof medicineSchema>;

/** One optimizer step of one training. */
export const trainingStepSchema = z.strictObject({
  training: z.string(),
  step: z.int(),
  steps: z.int(),
  loss: z.number(),
  learningRate: z.number(),
  tokens: z.int(),
  /** Named extra numbers, e.g. validation accuracy, preference margin. */
  metrics: z.record(z.string(), z.number()).default({}),
});
export type TrainingStepRecord = z.infer<typeof trainingStepSchema>;

/** One linear of one quantized variant. */
export const layerErrorSchema = z.strictObject({
  variant: z.string(),
  layer: z.int(),
  module: z.string(),
  /** ‖W − Ŵ‖² / ‖W‖². */
  weightError: z.number(),
  /** ‖X(W − Ŵ)ᵀ‖² / ‖XWᵀ‖² on the calibration inputs; null where no calibration ran. */
  outputError: z.number().nullable(),
});
export type LayerErrorRecord = z.infer<typeof layerErrorSchema>;
