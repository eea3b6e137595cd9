import { z } from "zod";
import { gradeByChoice } from "../grade-completion.ts";
import type { Benchmark } from "./benchmark.ts";
import { choiceMessages, optionLetter, withOptions } from "./prompts.ts";

const rowSchema = z.object({
  question: z.string().min(1),
  options: z.array(z.string()),
  answer_index: z.int(),
  category: z.string(),
  cot_content: z.string().optional(),
});

// The commit that inspect_evals 0.26 pins.
const dataset = {
  repository: "TIGER-Lab/MMLU-Pro",
  revision: "527feea0afed1de15a8c115abf7be4c912123315",
  sha256: null,
};

/** Harder questions with up to ten options: Wang et al. 2024, https://arxiv.org/abs/2406.01574. */
export const mmluPro: Benchmark = {
  name: "mmlu-pro",
  version: "1",
  source:
    "MMLU-Pro of Wang et al. 2024; prompts: simple-evals' multiple choice, the authors' five solved examples of the category for base models.",
  licence: "MIT",
  files: () => [
    {
      split: "test",
      dataset: { ...dataset, path: "data/test-00000-of-00001.parquet" },
      localPaths: ["mmlu-pro/test.jsonl"],
    },
    {
      split: "examples",
      dataset: { ...dataset, path: "data/validation-00000-of-00001.parquet" },
      localPaths: ["mmlu-pro/validation.jsonl"],
      optional: true,
    },
  ],
  problem: (row) => {
    const { question, options, answer_index: index, category, cot_content: thoughts } = rowSchema.parse(row);
    return {
      question: withOptions(question, options),
      answer: optionLetter(index, options),
      subject: category,
      ...(thoughts === undefined || thoughts === ""
        ? {}
        : { solution: thoughts.replace(/^A: Let's think step by step\.\s*/u, "") }),
    };
  },
  messages: choiceMessages,
  plainPrompt: (examples) => ({
    text: ({ question, subject }) => {
      const shown = examples
        .filter((example) => example.subject === subject && example.solution !== undefined)
        .slice(0, 5);
      const before = shown.map(
        (example) =>
          `Question:\n${example.question}\nAnswer: Let's think step by step. ${example.solution}\n\n`,
      );
      return `${before.join("")}Question:\n${question}\nAnswer: Let's think step by step.`;
    },
    stop: ["\nQuestion:"],
  }),
  grade: gradeByChoice,
};
