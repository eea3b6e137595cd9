import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { z } from "zod";
import { BitmendError } from "../util/errors.ts";
import { fileSystemError } from "../util/file-system-error.ts";
import { randomStream } from "../util/random.ts";
import { checkCount } from "./check-count.ts";
import { gradeByMathematics } from "./grade-completion.ts";
import type { Problem, Split } from "./problem.ts";
import type { Task } from "./task.ts";

/** One line of a problem file. */
interface ProblemLine {
  readonly question: string;
  readonly answer: string | number;
  /** A right solution, for showing beside a wrong one and for training. */
  readonly solution?: string | undefined;
  /** Default: "test". */
  readonly split?: Split | undefined;
  readonly subject?: string | undefined;
  readonly level?: number | undefined;
}

const problemLineSchema: z.ZodType<ProblemLine> = z.strictObject({
  question: z.string().trim().min(1),
  answer: z.union([z.string().trim().min(1), z.number()]),
  solution: z.string().optional(),
  split: z.enum(["train", "validation", "test"]).optional(),
  subject: z.string().optional(),
  level: z.int().min(1).optional(),
});

/** A larger file is hardly a set of problems, and is refused before it is read. */
const maxFileBytes = 512 * 2 ** 20;
/** Offending lines named in one error. */
const maxOffenders = 5;

/**
 * Opens a user's own problems: JSON Lines of `ProblemLine`, read and checked whole.
 *
 * The version is a hash of the file's content, so that results name the problems they were measured on.
 *
 * @throws {BitmendError} `files/*` when the file cannot be read, `tasks/too-large`, `tasks/malformed` naming lines that are no problems,
 * `tasks/duplicate` naming lines that repeat a question (whatever its case and spacing), also across splits.
 */
export function fileTask(path: string): Task {
  const content = readProblemFile(path);
  const problems = parseProblems(content, path);
  const ofSplit = (split: Split): Problem[] => problems.filter((problem) => problem.split === split);
  return {
    name: `file:${path}`,
    version: createHash("sha256").update(content).digest("hex").slice(0, 16),
    source: `${basename(path)}, ${problems.length} problems.`,
    licence: null,
    available: (split) => ofSplit(split).length,
    problems: ({ split, seed, count }) => {
      checkCount("fileTask().problems()", count);
      const candidates = ofSplit(split);
      if (candidates.length < count) {
        throw new BitmendError(
          "tasks/exhausted",
          `fileTask().problems(): expected ${count} ${split} problems in ${path}, got ${candidates.length}.`,
          { hint: 'Ask for fewer, or add lines; a line without "split" belongs to test.' },
        );
      }
      return randomStream(seed, "file-task", split).shuffle(candidates).slice(0, count);
    },
    messages: ({ question }) => [{ role: "user", content: question }],
    grade: gradeByMathematics,
  };
}

function readProblemFile(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > maxFileBytes) {
      throw new BitmendError(
        "tasks/too-large",
        `fileTask(): expected at most ${maxFileBytes} bytes, got ${size} in ${path}.`,
        { hint: "Split the file." },
      );
    }
    return readFileSync(path, "utf8");
  } catch (error) {
    throw fileSystemError(error, "fileTask()", path);
  }
}

function parseProblems(content: string, path: string): Problem[] {
  const problems: Problem[] = [];
  const malformed: string[] = [];
  const repeated: string[] = [];
  const firstLines = new Map<string, number>();
  for (const [index, text] of content.split("\n").entries()) {
    if (text.trim() === "") continue;
    const parsed = parseLine(text);
    if (typeof parsed === "string") {
      malformed.push(`line ${index + 1} (${parsed})`);
      continue;
    }
    const first = firstLines.get(parsed.id);
    if (first === undefined) firstLines.set(parsed.id, index + 1);
    else repeated.push(`line ${index + 1} (as line ${first})`);
    problems.push(parsed);
  }
  if (malformed.length > 0 || problems.length === 0) {
    throw new BitmendError(
      "tasks/malformed",
      `fileTask(): expected lines like {"question": "…", "answer": "…"} in ${path}, got ${listed(malformed) || "none"}.`,
      { hint: 'Optional keys are "solution", "split", "subject" and "level".' },
    );
  }
  if (repeated.length > 0) {
    throw new BitmendError(
      "tasks/duplicate",
      `fileTask(): expected every question of ${path} once, got ${listed(repeated)}.`,
      { hint: "Remove the repeated lines: no problem may be both learned from and measured on." },
    );
  }
  return problems;
}

function listed(offenders: readonly string[]): string {
  const more = offenders.length - maxOffenders;
  return offenders.slice(0, maxOffenders).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function parseLine(text: string): Problem | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "not JSON";
  }
  const parsed = problemLineSchema.safeParse(value);
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  }
  const { question, answer, split = "test", solution, subject, level } = parsed.data;
  const normalised = question.toLowerCase().replaceAll(/\s+/g, " ");
  return {
    id: `file-${createHash("sha256").update(normalised).digest("hex").slice(0, 16)}`,
    question,
    answer: String(answer),
    split,
    ...(solution === undefined ? {} : { solution }),
    ...(subject === undefined ? {} : { subject }),
    ...(level === undefined ? {} : { level }),
  };
}
