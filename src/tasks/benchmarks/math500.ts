import { z } from "zod";
import { findFinalAnswer } from "../../grading/math/final-answer.ts";
import { gradeByMathematics } from "../grade-completion.ts";
import type { Benchmark } from "./benchmark.ts";
import { boxedMessages, minervaPrompt } from "./prompts.ts";

const rowSchema = z.object({
  problem: z.string().min(1),
  solution: z.string(),
  answer: z.string().optional(),
  subject: z.string().optional(),
  type: z.string().optional(),
  level: z.union([z.int(), z.string()]).optional(),
});

/** 500 problems of MATH: Hendrycks et al. 2021, https://arxiv.org/abs/2103.03874, as split by Lightman et al. 2023, https://arxiv.org/abs/2305.20050. */
export const math500: Benchmark = {
  name: "math500",
  version: "1",
  source:
    "MATH-500 (Hendrycks et al. 2021, Lightman et al. 2023); prompts: boxed answers as Qwen2.5-Math and DeepSeek-R1 recommend, Minerva's form (Lewkowycz et al. 2022) for base models.",
  licence: "MIT",
  files: () => [
    {
      split: "test",
      dataset: {
        repository: "HuggingFaceH4/MATH-500",
        revision: "ff5b20257d8185524591543f8ff5993951537bb8",
        path: "test.jsonl",
        sha256: null,
      },
      localPaths: ["math500/test.jsonl"],
    },
    // MATH's test problems that are not among the 500.
    { split: "train", dataset: null, localPaths: ["math-train/train.jsonl", "train.jsonl"], optional: true },
  ],
  problem: (row) => {
    const { problem: question, solution, answer, subject, type, level } = rowSchema.parse(row);
    const found = answer ?? boxedAnswer(solution);
    if (found === null) return null;
    const number = Number(String(level ?? "").replace("Level ", ""));
    return {
      question,
      answer: found,
      solution,
      subject: subject ?? type ?? "unknown",
      ...(Number.isInteger(number) && number > 0 ? { level: number } : {}),
    };
  },
  messages: boxedMessages,
  plainPrompt: minervaPrompt,
  grade: gradeByMathematics,
};

function boxedAnswer(solution: string): string | null {
  const found = findFinalAnswer(solution);
  return typeof found === "string" ? null : found.text;
}
