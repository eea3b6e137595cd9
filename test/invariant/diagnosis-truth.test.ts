/**
 * @file The text-only checkers against labels made from the generator's plan, on right solutions made wrong in known ways.
 *
 * Two independent readings of one rubric: src/diagnosis sees texts, src/tasks/pocket/truth.ts the plan.
 */
import { describe, expect, test } from "vitest";
import { agreement } from "../../src/diagnosis/agreement.ts";
import { diagnose, type DiagnosisCase } from "../../src/diagnosis/diagnose.ts";
import { degenerateKind } from "../../src/grading/degenerate.ts";
import { gradeNumeric } from "../../src/grading/verdict.ts";
import type { Operand, PlanStep, PocketProblem } from "../../src/tasks/pocket/pocket-problem.ts";
import { pocketProblems } from "../../src/tasks/pocket/pocket-problems.ts";
import { truthDiagnosis } from "../../src/tasks/pocket/truth.ts";
import { type RandomStream, randomStream } from "../../src/util/random.ts";

const problems = pocketProblems({ split: "train", seed: "diagnosis", count: 1500 });

/** Writes the plan as a model would, with `count` wrong steps: later steps build on what was written. */
function writeWrongly(problem: PocketProblem, count: number, random: RandomStream): string {
  const numbers = problem.question.match(/\d+/g)!.map(Number);
  const wrong = new Set(random.shuffle([...problem.plan.keys()]).slice(0, count));
  const results: number[] = [];
  const valueOf = ({ value, source }: Operand): number => (source === "problem" ? value : results[source]!);
  const lines = problem.plan.map((step, index) => {
    const written = { ...step, left: valueOf(step.left), right: valueOf(step.right), slip: 0 };
    if (wrong.has(index)) spoil(written, [...numbers, ...results], random);
    const { left, operator, right, slip } = written;
    const exact =
      operator === "+"
        ? left + right
        : operator === "-"
          ? left - right
          : operator === "*"
            ? left * right
            : left / Math.max(1, right);
    const result = Math.max(0, Math.floor(exact) + slip);
    results.push(result);
    return `${written.label}: ${left}${operator}${right}=${result}`;
  });
  return [...lines, `#### ${results.at(-1)}`].join("\n");
}

/** One error of a kind that quantized models make, most often a wrong number. */
function spoil(
  step: Omit<PlanStep, "left" | "right" | "label" | "operator"> & {
    left: number;
    right: number;
    slip: number;
    label: string;
    operator: PlanStep["operator"];
  },
  known: readonly number[],
  random: RandomStream,
): void {
  const kind = random.next();
  if (kind < 0.6) step.slip = random.pick([1, -1, 2, -2, 9, 10, -10, 100]);
  else if (kind < 0.7) step.left = random.pick(known);
  else if (kind < 0.8) step.right = random.pick(known);
  else if (kind < 0.85) step.operator = random.pick(["+", "-", "*", "/"]);
  else if (kind < 0.9) step.left = random.integer(1000);
  else if (kind < 0.95) step.label = random.pick(["total", "left", "cost"]);
  else [step.left, step.right] = [random.integer(50), random.integer(50)];
}

/** Damages a text without any plan in mind: lines lost, doubled, exchanged, characters changed, the answer replaced. */
function damage(text: string, random: RandomStream): string {
  const lines = text.split("\n");
  const index = random.integer(lines.length);
  const line = lines[index]!;
  const at = random.integer(line.length);
  const damages: (() => unknown)[] = [
    () => lines.splice(index, 1),
    () => lines.splice(index, 0, random.pick(lines)),
    () =>
      lines.splice(
        index,
        1,
        line.slice(0, at) + random.pick("0123456789+-*/=:# a".split("")) + line.slice(at + 1),
      ),
    () => lines.splice(-1, 1, `#### ${random.integer(200)}`),
    () => lines.push("total: 1+1=2", "#### 2"),
  ];
  random.pick(damages)();
  return lines.join("\n");
}

type Compared = Pick<DiagnosisCase, "references" | "answer" | "otherAttempts">;

/** Diagnoses every failing, non-degenerate text and compares with the truth. */
function agreementOver(
  write: (problem: PocketProblem, random: RandomStream) => string,
  compared: (problem: PocketProblem, random: RandomStream) => Compared,
): ReturnType<typeof agreement> {
  const random = randomStream("diagnosis-truth");
  const cases = problems.flatMap((problem) => [1, 2, 3].map((repeat) => ({ problem, repeat })));
  const labelled = cases.flatMap(({ problem, repeat }) => {
    const completion = write(problem, random);
    const verdict = gradeNumeric({ completion, expected: problem.answer }).verdict;
    if (verdict === "correct" || degenerateKind({ completion, verdict }) !== null) return [];
    const name = { variant: `repeat ${repeat}`, problem: problem.id };
    const truth = truthDiagnosis(problem, completion);
    const diagnosis = diagnose({ question: problem.question, completion, ...compared(problem, random) });
    if (truth === null) throw new Error(`A failing text without a wrong step: ${completion}`);
    return [{ diagnosis: { ...name, ...diagnosis }, truth: { ...name, ...truth } }];
  });
  return agreement(
    labelled.map(({ diagnosis }) => diagnosis),
    labelled.map(({ truth }) => truth),
  );
}

const withSolution = ({ solution }: PocketProblem): Compared => ({ references: [solution] });

describe("first wrong step and type agree with the plan", () => {
  test("texts with one, two or three errors of a model, against a right solution: at least 99.9 %", () => {
    const result = agreementOver(
      (problem, random) => writeWrongly(problem, 1 + random.integer(3), random),
      withSolution,
    );
    expect(result.failures).toBeGreaterThan(3366);
    expect(result.bothAgreement).toBeGreaterThanOrEqual(0.999);
  });

  test("damaged texts, against a right solution: at least 99 %", () => {
    const result = agreementOver((problem, random) => {
      const text = random.next() < 0.5 ? problem.solution : writeWrongly(problem, 1, random);
      return damage(damage(text, random), random);
    }, withSolution);
    expect(result.failures).toBeGreaterThan(1500);
    expect(result.bothAgreement).toBeGreaterThanOrEqual(0.99);
  });

  test("without a right solution, by repair from the right answer and other wrong attempts: at least 95 %", () => {
    const result = agreementOver(
      (problem, random) => writeWrongly(problem, 1 + random.integer(2), random),
      (problem, random) => ({
        references: [],
        answer: problem.answer,
        otherAttempts: [1, 2, 2]
          .map((count) => writeWrongly(problem, count, random))
          .filter(
            (text) => gradeNumeric({ completion: text, expected: problem.answer }).verdict !== "correct",
          ),
      }),
    );
    expect(result.failures).toBeGreaterThan(3000);
    expect(result.bothAgreement).toBeGreaterThanOrEqual(0.95);
  });
});
