import { z } from "zod";
import { openSandbox } from "../../sandbox/open-sandbox.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import type { Problem } from "../problem.ts";
import { afterThoughts } from "../grade-completion.ts";
import type { GradedCompletion } from "../task.ts";
import type { RunningGrader } from "./benchmark.ts";
import { pythonHarness } from "./python-harness.ts";

/** One test of a program. */
export type ProgramTest =
  | { readonly kind: "stdin"; readonly input: string; readonly output: string }
  | { readonly kind: "call"; readonly function: string; readonly input: string; readonly output: string }
  | { readonly kind: "check"; readonly code: string };

/** How the programs of a benchmark are made and tested. */
export interface ProgramTests {
  /** The whole program of a completion; null where it holds none. */
  readonly program: (problem: Problem, answer: string) => string | null;
  readonly tests: (problem: Problem) => readonly ProgramTest[];
  /** For each test. */
  readonly seconds: number;
  /** Runs although nothing isolates. */
  readonly unsafe: boolean;
}

/** For all tests of a program. */
const longestMs = 10 * 60_000;
/** Of one process. */
const memoryBytes = 2 ** 30;
const outcomeSchema = z.object({ passed: z.boolean(), test: z.int(), reason: z.string() });

/** Grades programs by running their tests, after the thoughts; the sandbox is opened once, and errors are those of `openSandbox()`. */
export function gradeProgram({ program, tests, seconds, unsafe }: ProgramTests): RunningGrader {
  let opened: Promise<Sandbox> | null = null;
  const sandbox = async (): Promise<Sandbox> => (opened ??= openSandbox({ unsafe }));
  const grade = afterThoughts(async (problem, answer): Promise<GradedCompletion> => {
    const source = program(problem, answer);
    if (source === null)
      return { verdict: "no-answer", extracted: null, reason: "there is no program in the text" };
    const { isolation, run } = await sandbox();
    const asked = tests(problem);
    const input = JSON.stringify({ program: source, tests: asked, seconds, isolated: isolation !== "none" });
    const timeoutMs = Math.min(longestMs, (asked.length + 1) * seconds * 1000 + 10_000);
    const limits = { timeoutMs, memoryBytes, processes: 16, outputBytes: 2 ** 24 };
    const outcome = await run({ source: pythonHarness, input, limits });
    const { passed, reason } = readOutcome(outcome.ended === "exit" ? outcome.stdout : null, outcome.ended);
    return passed
      ? { verdict: "correct", extracted: source, comparator: "tests", reason }
      : { verdict: "incorrect", extracted: source, comparator: null, reason };
  });
  const prepareGrading = async (): Promise<void> => void (await sandbox());
  return { grade, prepareGrading };
}

function readOutcome(
  stdout: string | null,
  ended: string,
): Pick<z.infer<typeof outcomeSchema>, "passed" | "reason"> {
  try {
    return outcomeSchema.parse(JSON.parse(stdout?.trim().split("\n").at(-1) ?? ""));
  } catch {
    const reason =
      ended === "exit" ? "the program broke the test run" : `the test run was stopped (${ended})`;
    return { passed: false, reason };
  }
}

const fencePattern = /```[ \t]*([\w+-]*)[ \t]*\r?\n([\s\S]*?)(?:\n[ \t]*```|$)/gu;

/** The last block of code in a text, those marked as Python first; null where there is none. */
export function lastCodeBlock(text: string): string | null {
  const blocks = [...text.slice(-200_000).matchAll(fencePattern)];
  const python = blocks.filter(([, language = ""]) => /^(?:python3?|py)$/iu.test(language));
  return (python.at(-1) ?? blocks.at(-1))?.[2] ?? null;
}
