/**
 * @file The first wrong step of a solution in free text: prose, LaTeX, GSM8K's calculator marks.
 *
 * A baseline: it verifies what is written as numbers and cannot follow an argument in words. Certain errors (an equation that does
 * not hold) win over uncertain ones (a result no right solution has), wherever they stand.
 */
import { extractAnswer } from "../grading/extract-answer.ts";
import { equals, type ExactNumber, formatExactNumber, negate } from "../grading/exact-number.ts";
import { numericAnswer } from "../grading/numeric-answer.ts";
import type { ErrorType } from "../runs/records.ts";
import { stepName } from "./checkers/checker.ts";
import { questionNumbers } from "./question-numbers.ts";
import { type WrittenEquation, writtenEquations } from "./written-equations.ts";

/** A wrong step and why. */
export interface StepFinding {
  readonly step: number;
  readonly type: ErrorType;
  readonly evidence: string;
}

export interface FreeText {
  readonly question: string;
  readonly steps: readonly string[];
  /** Right solutions of the same problem, may be empty. */
  readonly references: readonly string[];
}

/** Finds the first wrong step of free text, null when every check passes. */
export function findInFreeText(text: FreeText): StepFinding | null {
  const equations = text.steps.map((step) => writtenEquations(step));
  return (
    firstFalseEquation(equations) ?? firstUnsupportedResult(text, equations) ?? uncopiedAnswer(text.steps)
  );
}

function firstFalseEquation(equations: readonly (readonly WrittenEquation[])[]): StepFinding | null {
  for (const [step, written] of equations.entries()) {
    const wrong = written.find((equation) => !equation.holds);
    if (wrong !== undefined)
      return {
        step,
        type: "numerical-computation-error",
        evidence: `${stepName(step)} writes ${wrong.left} = ${wrong.right}; ${wrong.left} is ${formatExactNumber(wrong.value)}`,
      };
  }
  return null;
}

/** The first equation whose result no right solution contains. */
function firstUnsupportedResult(
  { question, references }: FreeText,
  equations: readonly (readonly WrittenEquation[])[],
): StepFinding | null {
  if (references.length === 0) return null;
  const supported = references.flatMap((reference) => [
    ...questionNumbers(reference),
    ...writtenEquations(reference).map((equation) => equation.written),
  ]);
  const right = references.flatMap((reference) => writtenEquations(reference));
  const known = [...questionNumbers(question)];
  for (const [step, written] of equations.entries())
    for (const equation of written) {
      if (!includes(supported, equation.written)) return unsupported({ step, equation, right, known });
      known.push(equation.written);
    }
  return null;
}

function unsupported(found: {
  readonly step: number;
  readonly equation: WrittenEquation;
  readonly right: readonly WrittenEquation[];
  readonly known: readonly ExactNumber[];
}): StepFinding {
  const { step, equation, right, known } = found;
  const head = `${stepName(step)} writes ${equation.left} = ${equation.right}, a result no right solution has`;
  const unknown = equation.operands.find((operand) => !includes(known, operand));
  const sameNumbers = right.find((other) => sameValues(other.operands, equation.operands));
  if (sameNumbers !== undefined)
    return {
      step,
      type: "formula-rule-error",
      evidence: `${head}; right is ${sameNumbers.left} = ${sameNumbers.right}`,
    };
  const near = right.find(
    (other) =>
      other.operators.join("") === equation.operators.join("") &&
      other.operands.filter((operand) => !includes(equation.operands, operand)).length === 1,
  );
  if (near === undefined) return { step, type: "conceptual-misunderstanding", evidence: head };
  const needed = near.operands.find((operand) => !includes(equation.operands, operand))!;
  const type =
    unknown !== undefined
      ? "symbolic-manipulation-error"
      : right.some((other) => equals(other.written, needed))
        ? "logical-reasoning-error"
        : "contextual-oversight";
  return { step, type, evidence: `${head}; right is ${near.left} = ${near.right}` };
}

/** A final answer that stands nowhere before it; signs are not read, because a minus may be an operator. */
function uncopiedAnswer(steps: readonly string[]): StepFinding | null {
  const step = steps.length - 1;
  const last = steps.at(-1) ?? "";
  const extraction = extractAnswer(last);
  const answer = extraction.found ? numericAnswer(extraction.text) : null;
  if (!extraction.found || answer === null) return null;
  const before = questionNumbers([...steps.slice(0, -1), last.slice(0, extraction.start)].join("\n"));
  if (before.length === 0 || includes(before, answer) || includes(before, negate(answer))) return null;
  return {
    step,
    type: "logical-reasoning-error",
    evidence: `${stepName(step)} answers ${formatExactNumber(answer)}, a number that no step wrote`,
  };
}

const includes = (values: readonly ExactNumber[], value: ExactNumber): boolean =>
  values.some((other) => equals(other, value));

const sameValues = (a: readonly ExactNumber[], b: readonly ExactNumber[]): boolean =>
  a.length === b.length && a.every((value) => includes(b, value)) && b.every((value) => includes(a, value));
