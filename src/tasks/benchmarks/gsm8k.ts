import { z } from "zod";
import { gradeByMathematics } from "../grade-completion.ts";
import type { Benchmark, BenchmarkFile } from "./benchmark.ts";
import { boxedMessages, wordProblemPrompt } from "./prompts.ts";

const rowSchema = z.object({ question: z.string().min(1), answer: z.string().regex(/####\s*\S/u) });

// The commit that inspect_evals 0.26 pins.
const dataset = {
  repository: "openai/gsm8k",
  revision: "cc7b047b6e5bb11b4f1af84efc572db110a51b3c",
  sha256: null,
};

/** Grade-school word problems: Cobbe et al. 2021, https://arxiv.org/abs/2110.14168. */
export const gsm8k: Benchmark = {
  name: "gsm8k",
  version: "1",
  source:
    "GSM8K of OpenAI (Cobbe et al. 2021); prompts: boxed answers as Qwen2.5-Math and DeepSeek-R1 recommend, eight examples of Wei et al. 2022 for base models.",
  licence: "MIT",
  files: () =>
    (["test", "train"] as const).map((split): BenchmarkFile => ({
      split,
      dataset: { ...dataset, path: `main/${split}-00000-of-00001.parquet` },
      localPaths: [`gsm8k/${split}.jsonl`, `${split}.jsonl`],
      optional: split === "train",
    })),
  problem: (row) => {
    const { question, answer } = rowSchema.parse(row);
    const end = answer.lastIndexOf("####");
    const value = answer
      .slice(end + 4)
      .trim()
      .replaceAll(",", "");
    // `<<…>>` are notes for a calculator.
    const steps = answer
      .slice(0, end)
      .replaceAll(/<<[^<>]*>>/gu, "")
      .trim();
    return { question, answer: value, solution: `${steps}\n\\boxed{${value}}` };
  },
  messages: boxedMessages,
  plainPrompt: () => wordProblemPrompt,
  grade: gradeByMathematics,
};
