import { z } from "zod";
import type { Benchmark } from "./benchmark.ts";
import { gradeProgram, lastCodeBlock } from "./grade-program.ts";

const rowSchema = z.object({
  task_id: z.string(),
  prompt: z.string().min(1),
  entry_point: z.string().regex(/^[A-Za-z_]\w*$/u),
  canonical_solution: z.string(),
  test: z.string(),
});

/** Python functions to complete: Chen et al. 2021, https://arxiv.org/abs/2107.03374. Needs python3. */
export const humaneval: Benchmark = {
  name: "humaneval",
  version: "1",
  source:
    "HumanEval of Chen et al. 2021; prompts: the instruction of inspect_evals, the bare function head for base models with the paper's stop strings.",
  licence: "MIT",
  files: () => [
    {
      split: "test",
      dataset: {
        repository: "openai/openai_humaneval",
        // The commit that inspect_evals 0.26 pins.
        revision: "7dce6050a7d6d172f3cc5c32aa97f52fa1a2e544",
        path: "openai_humaneval/test-00000-of-00001.parquet",
        sha256: null,
      },
      localPaths: ["humaneval/HumanEval.jsonl.gz", "HumanEval.jsonl.gz", "humaneval/HumanEval.jsonl"],
    },
  ],
  problem: (row) => {
    const { prompt, canonical_solution: solution, entry_point: name } = rowSchema.parse(row);
    return {
      question: prompt,
      answer: `${name}() passes its tests`,
      solution: `\`\`\`python\n${prompt}${solution}\`\`\``,
    };
  },
  messages: ({ question }) => [
    {
      role: "user",
      content: `Read the following function signature and docstring, and fully implement the function described. Your response should only contain the code for this function.\n\n${question}`,
    },
  ],
  plainPrompt: () => ({
    text: ({ question }) => question,
    stop: ["\nclass", "\ndef", "\n#", "\nif", "\nprint"],
  }),
  grade: {
    runs: ({ rowOf, unsafe }) =>
      gradeProgram({
        program: ({ question }, answer) => {
          // A base model goes on inside the function.
          const code = lastCodeBlock(answer) ?? answer;
          if (code.trim() === "") return null;
          const definesIt = new RegExp(
            `^def ${/def (\w+)\s*\([^]*$/u.exec(question.slice(question.lastIndexOf("\ndef ") + 1))?.[1] ?? ""}\\b`,
            "mu",
          );
          // The head is kept before a whole function too: its imports and helpers belong to the program.
          return definesIt.test(code) ? `${question}\n    pass\n\n${code}` : `${question}${code}`;
        },
        tests: (problem) => {
          const { test, entry_point: name } = rowSchema.parse(rowOf(problem));
          return [{ kind: "check", code: `${test}\ncheck(${name})\n` }];
        },
        seconds: 15,
        unsafe,
      }),
  },
};
