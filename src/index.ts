/**
 * @file bitmend as a library: every verb of the command line as an async generator that yields its progress and returns its result.
 *
 * Nothing here prints; `for await` or `consume()` reads the events, and an `AbortSignal` stops any of them cleanly.
 */
export { compare, type CompareOptions, type CompareResult } from "./verbs/compare.ts";
export { diagnose, type DiagnoseOptions, type DiagnoseResult, type FailureCase } from "./verbs/diagnose.ts";
export { doctor, type Finding } from "./verbs/doctor.ts";
export { evaluate, type EvaluateOptions, type EvaluateResult } from "./verbs/evaluate.ts";
export { inspect, type InspectedTensor, type Inspection } from "./verbs/inspect.ts";
export { perplexity, type PerplexityOptions, type PerplexityResult } from "./verbs/perplexity.ts";
export { quantize, type QuantizeOptions, type QuantizeResult } from "./verbs/quantize.ts";
export { restore, type RestoreOptions, type RestoreResult } from "./verbs/restore.ts";
export { run, type RunOptions, type RunResult } from "./verbs/run.ts";
export { serve, type ServeOptions, type ServeResult } from "./verbs/serve.ts";

export type { VerbEvent, VerbRun } from "./verbs/events.ts";
export type { RunRecipe, RunRecipeInput } from "./verbs/run-recipe.ts";
export type {
  ComparisonRecord,
  CompletionRecord,
  DiagnosisRecord,
  ErrorType,
  LayerErrorRecord,
  MedicineRecord,
  TrainingStepRecord,
  Variant,
  VerdictRecord,
} from "./runs/records.ts";
export type { CalibrationRecord } from "./runs/calibration.ts";
export type { AllocationRecord, SensitivityRecord } from "./runs/sensitivity.ts";
export type { ProblemRecord } from "./runs/problems.ts";
export type { Summary } from "./runs/summary.ts";
export { consume } from "./util/consume.ts";
export { BitmendError, type ErrorCode } from "./util/errors.ts";
