import { z } from "zod";
import { gradeByMathematics } from "../grade-completion.ts";
import type { Benchmark } from "./benchmark.ts";
import { boxedMessages, minervaPrompt } from "./prompts.ts";

const rowSchema = z.object({
  problem: z.string().min(1),
  answer: z.union([z.int(), z.string().regex(/^\s*\d{1,3}\s*$/u)]),
  source: z.string().optional(),
  url: z.string().optional(),
});

const firstYear = 2022;
const lastYear = 2025;

/** American Invitational Mathematics Examination, 2022 to 2025: 30 problems a year, whole numbers from 0 to 999. */
export const aime: Benchmark = {
  name: "aime",
  version: "1",
  source:
    "AIME 2022-2025 of the Mathematical Association of America, as AI-MO and math-ai collected them; prompt: boxed answers as Qwen2.5-Math and DeepSeek-R1 recommend.",
  // The collections; the problems belong to the MAA.
  licence: "Apache-2.0",
  settings: {
    help: "years, e.g. aime:2024,2025 (default: all four, also called aime120)",
    pattern: /^202[2-5](?:,202[2-5])*$/u,
  },
  files: () => [
    {
      split: "test",
      dataset: {
        repository: "AI-MO/aimo-validation-aime",
        revision: "13f9e12f613e720c2a2b2f345dd04b998a29494d",
        path: "data/train-00000-of-00001.parquet",
        sha256: null,
      },
      // One file of all four years.
      localPaths: ["aime120/test.jsonl"],
    },
    {
      split: "test",
      dataset: {
        repository: "math-ai/aime25",
        revision: "563bb8404243c5f09de6ec262f2db674fe5bce9b",
        path: "test.jsonl",
        sha256: "b4e273c02d3e7fe1b74b59eae768fc8230bfb0f79539890cb56f4361caac0331",
      },
      localPaths: [],
      optional: true,
    },
  ],
  problem: (row, { settings }) => {
    const { problem: question, answer, source, url } = rowSchema.parse(row);
    const year = yearOf(source ?? url);
    if (settings !== "" && !settings.split(",").includes(String(year))) return null;
    return { question, answer: String(Number(answer)), subject: `AIME ${year}` };
  },
  messages: boxedMessages,
  plainPrompt: minervaPrompt,
  grade: gradeByMathematics,
};

/** A problem that does not say is of the collection of the last year. */
function yearOf(source: string | undefined): number {
  const year = Number(/20\d\d/u.exec(source ?? "")?.[0] ?? lastYear);
  if (year < firstYear || year > lastYear)
    throw new RangeError(`aime: expected a year from ${firstYear} to ${lastYear}, got ${year}.`);
  return year;
}
