import { z } from "zod";
import { gradeByMathematics } from "../grade-completion.ts";
import type { Benchmark, BenchmarkFile } from "./benchmark.ts";
import { boxedMessages, wordProblemPrompt } from "./prompts.ts";

const rowSchema = z.object({
  Body: z.string(),
  Question: z.string().min(1),
  Answer: z.union([z.number(), z.string().regex(/^-?\d+(?:\.\d+)?$/u)]),
  Type: z.string(),
});

/** All 1,000 problems are for evaluation, as in the paper; the hub's copy cuts them into two files. */
const hubFiles = ["train", "test"].map((half): BenchmarkFile => ({
  split: "test",
  dataset: {
    repository: "ChilleD/SVAMP",
    revision: "5e0bf1e5e7c0e9c4bc39180d224f41f3f801b7ef",
    path: `data/${half}-00000-of-00001.parquet`,
    sha256: null,
  },
  // The one file of the authors is read as the first, and then the second is not there.
  localPaths: half === "train" ? ["svamp/SVAMP.json", "SVAMP.json"] : [],
  optional: half === "test",
}));

/** Word problems with changed wording and superfluous numbers: Patel et al. 2021, https://arxiv.org/abs/2103.07191. */
export const svamp: Benchmark = {
  name: "svamp",
  version: "1",
  source:
    "SVAMP of Patel et al. 2021; prompts: boxed answers as Qwen2.5-Math and DeepSeek-R1 recommend, eight examples of Wei et al. 2022 for base models.",
  licence: "MIT",
  files: () => hubFiles,
  problem: (row) => {
    const { Body: body, Question: question, Answer: answer, Type: type } = rowSchema.parse(row);
    return {
      question: `${body.trim()} ${question.trim()}`.trim(),
      answer: String(Number(answer)),
      subject: type.replace("Divison", "Division"),
    };
  },
  messages: boxedMessages,
  plainPrompt: () => wordProblemPrompt,
  grade: gradeByMathematics,
};
