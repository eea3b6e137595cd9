import type { Verb } from "./command.ts";

/** Every verb; a verb's module is loaded only when it is asked for, so `--help` stays instant. */
export const verbs: Readonly<Record<string, Verb>> = {
  run: {
    summary: "Quantize, measure, diagnose, restore and report, in one go",
    load: () => import("./verbs/run.ts"),
  },
  quantize: {
    summary: "Write a low-bit checkpoint (RTN, GPTQ, AWQ, SmoothQuant)",
    load: () => import("./verbs/quantize.ts"),
  },
  evaluate: {
    summary: "Let a model solve problems and grade its answers",
    load: () => import("./verbs/evaluate.ts"),
  },
  compare: {
    summary: "Compare runs problem by problem, also those of other tools",
    load: () => import("./verbs/compare.ts"),
  },
  diagnose: {
    summary: "Name the first wrong step of every failing solution",
    load: () => import("./verbs/diagnose.ts"),
  },
  restore: {
    summary: "Bring ability back: distillation, preference tuning, SFT",
    load: () => import("./verbs/restore.ts"),
  },
  perplexity: {
    summary: "Measure how well a model predicts a text",
    load: () => import("./verbs/perplexity.ts"),
  },
  export: {
    summary: "Write a model in the format of another engine",
    load: () => import("./verbs/export.ts"),
  },
  serve: {
    summary: "Serve a model in OpenAI's protocol",
    load: () => import("./verbs/serve.ts"),
  },
  "export-log": {
    summary: "Write measurements as logs of Inspect",
    load: () => import("./verbs/export-log.ts"),
  },
  inspect: {
    summary: "Say what a checkpoint is, tensor by tensor",
    load: () => import("./verbs/inspect.ts"),
  },
  grade: {
    summary: "Grade answers in a file, with the reason of every verdict",
    load: () => import("./verbs/grade.ts"),
  },
  pull: {
    summary: "Fetch a model from the Hugging Face hub",
    load: () => import("./verbs/pull.ts"),
  },
  doctor: {
    summary: "Check this machine and installation",
    load: () => import("./verbs/doctor.ts"),
  },
};
