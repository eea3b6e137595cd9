import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { z } from "zod";
import { gradeAnswer, type AnswerVerdict } from "../grading/math/grade-answer.ts";
import { BitmendError } from "../util/errors.ts";
import { fileSystemError } from "../util/file-system-error.ts";

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** One line of a file to be graded; keys that are not known here are left alone. */
const lineSchema = z
  .object({
    /** The right answer, or several of which one is enough. */
    gold: z.union([value, z.array(value)]),
    /** The answer alone; null for none. */
    pred: z.union([value, z.array(value)]).optional(),
    /** A text that holds the answer. */
    completion: z.string().nullish(),
    /** `{"kind": "math"}` or `{"kind": "choice"}` says what the answer is: mathematics (numbers, words and letters among it), or the letter of an option. */
    options: z.unknown().optional(),
  })
  .refine(({ pred, completion }) => pred !== undefined || completion !== undefined, {
    message: 'expected "pred" or "completion"',
  });

const optionsSchema = z.object({ kind: z.enum(["math", "choice"]) });

/** The verdict on one line. */
export interface GradedLine {
  /** 0 for the first line that is not empty. */
  readonly index: number;
  readonly verdict: AnswerVerdict["verdict"];
  readonly extracted: string | null;
  readonly comparator: string | null;
  readonly reason: string;
}

/**
 * Grades a file of JSON lines `{gold, pred | completion}`, one verdict a line, in order, as it reads them.
 *
 * @yields the verdicts
 * @throws {BitmendError} `verbs/bad-line` naming the first line that is none; `files/...` when the file cannot be read.
 */
export async function* grade({ file }: { readonly file: string }): AsyncGenerator<GradedLine, void, void> {
  let [index, number] = [0, 0];
  try {
    for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      number++;
      if (text.trim() === "") continue;
      const { gold, pred, completion, options } = parseLine(text, `line ${number} of ${file}`);
      const asked = optionsSchema.safeParse(options);
      const { verdict, extracted, comparator, reason } = gradeAnswer({
        gold: Array.isArray(gold) ? gold.map(textOf) : textOf(gold),
        answer: completion ?? (Array.isArray(pred) ? pred.map(textOf).join(", ") : textOf(pred ?? null)),
        ...(asked.success ? { kind: asked.data.kind } : {}),
      });
      yield { index, verdict, extracted, comparator, reason };
      index++;
    }
  } catch (error) {
    throw fileSystemError(error, "grade()", file);
  }
}

function textOf(written: string | number | boolean | null): string {
  return written === null ? "" : String(written);
}

function parseLine(text: string, where: string): z.infer<typeof lineSchema> {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch (cause) {
    throw badLine(where, "no JSON", cause);
  }
  const parsed = lineSchema.safeParse(line);
  if (!parsed.success)
    throw badLine(where, z.prettifyError(parsed.error).replaceAll("\n", " "), parsed.error);
  return parsed.data;
}

function badLine(where: string, what: string, cause: unknown): BitmendError {
  return new BitmendError(
    "verbs/bad-line",
    `grade(): expected {"gold", "pred" or "completion"} in ${where}, got ${what}.`,
    {
      hint: "Every line is one JSON object.",
      cause,
    },
  );
}
