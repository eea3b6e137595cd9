import { z } from "zod";
import { gradeByChoice } from "../grade-completion.ts";
import type { Benchmark, BenchmarkFile, ProblemOfRow } from "./benchmark.ts";
import { choiceMessages, optionLetter, withOptions } from "./prompts.ts";

const rowSchema = z.object({
  question: z.string(),
  choices: z.array(z.string()).length(4),
  answer: z.int(),
  subject: z.string().optional(),
  type: z.string().optional(),
});

// The commit that inspect_evals 0.26 pins.
const dataset = {
  repository: "cais/mmlu",
  revision: "c30699e8356da336a370243923dbaf21066bb9fe",
  sha256: null,
};

/** Knowledge in 57 subjects: Hendrycks et al. 2021, https://arxiv.org/abs/2009.03300; here a check that other abilities stay. */
export const mmlu: Benchmark = {
  name: "mmlu",
  version: "1",
  source:
    "MMLU of Hendrycks et al. 2021; prompts: simple-evals' multiple choice, five examples of the subject's dev split for base models.",
  licence: "MIT",
  files: () => [
    {
      split: "test",
      dataset: { ...dataset, path: "all/test-00000-of-00001.parquet" },
      localPaths: ["mmlu/test.jsonl", "mmlu-stem/test.jsonl"],
    },
    {
      split: "examples",
      dataset: { ...dataset, path: "all/dev-00000-of-00001.parquet" },
      localPaths: ["mmlu/dev.jsonl"],
      optional: true,
    } satisfies BenchmarkFile,
  ],
  problem: (row) => {
    const { question, choices, answer, subject, type } = rowSchema.parse(row);
    return {
      question: withOptions(question, choices),
      answer: optionLetter(answer, choices),
      subject: subject ?? type ?? "unknown",
    };
  },
  messages: choiceMessages,
  plainPrompt: (examples) => ({
    text: ({ question, subject }) => {
      const topic = (subject ?? "").replaceAll("_", " ");
      const shown = examples.filter((example) => example.subject === subject).slice(0, 5);
      return `The following are multiple choice questions (with answers) about ${topic}.\n\n${shown.map(solved).join("")}${question}\nAnswer:`;
    },
    stop: ["\n"],
  }),
  grade: gradeByChoice,
};

function solved({ question, answer }: ProblemOfRow): string {
  return `${question}\nAnswer: ${answer}\n\n`;
}
