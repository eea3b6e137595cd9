import { z } from "zod";
import { randomStream } from "../../util/random.ts";
import { gradeByChoice } from "../grade-completion.ts";
import type { Benchmark } from "./benchmark.ts";
import { choiceMessages, choicePlainPrompt, optionLetter, withOptions } from "./prompts.ts";

const rowSchema = z.object({
  Question: z.string().min(1),
  "Correct Answer": z.string().min(1),
  "Incorrect Answer 1": z.string().min(1),
  "Incorrect Answer 2": z.string().min(1),
  "Incorrect Answer 3": z.string().min(1),
  "High-level domain": z.string().optional(),
});

/**
 * Graduate-level questions of biology, physics and chemistry: Rein et al. 2023, https://arxiv.org/abs/2311.12022.
 *
 * The data set is gated: it is fetched with the user's own access (HF_TOKEN), or read from `--data gpqa_diamond.csv`. Its authors ask that
 * questions are not published in plain text; records of a run hold them. The order of options is a function of the question alone.
 */
export const gpqaDiamond: Benchmark = {
  name: "gpqa-diamond",
  version: "1",
  source: "GPQA Diamond of Rein et al. 2023; prompt: simple-evals' multiple choice, also for base models.",
  licence: "CC-BY-4.0",
  files: () => [
    {
      split: "test",
      dataset: {
        repository: "Idavidrein/gpqa",
        revision: "633f5ee89ab8ad4522a9f850766b73f62147ffdd",
        path: "gpqa_diamond.csv",
        // As inspect_evals 0.26 pins it.
        sha256: "41d1213cd7a4998605a26c2798500652572007161b3a92817ba46b35befcd305",
      },
      localPaths: ["gpqa/gpqa_diamond.csv", "gpqa-diamond/gpqa_diamond.csv", "dataset/gpqa_diamond.csv"],
    },
  ],
  problem: (row) => {
    const fields = rowSchema.parse(row);
    const right = fields["Correct Answer"];
    const wrong = [fields["Incorrect Answer 1"], fields["Incorrect Answer 2"], fields["Incorrect Answer 3"]];
    const options = randomStream(0, "gpqa-options", fields.Question).shuffle([right, ...wrong]);
    return {
      question: withOptions(fields.Question, options),
      answer: optionLetter(options.indexOf(right), options),
      subject: fields["High-level domain"] ?? "unknown",
    };
  },
  messages: choiceMessages,
  plainPrompt: () => choicePlainPrompt,
  grade: gradeByChoice,
};
