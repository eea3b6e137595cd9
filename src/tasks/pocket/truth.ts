/**
 * @file The first wrong step of a failing completion and its type, labelled from the generator's own plan.
 *
 * This is the truth that the text-only checkers of `diagnosis/` are measured against; the two share nothing but the printed rubric
 * (docs/papers.md, P1: the decision list, first match wins). What the rubric leaves open is decided here:
 * 1. a label is words of letters; spaces around numbers, operators and `=` are allowed; numbers may be negative or decimal;
 * 2. `#### x` is a final answer line only if x is one number, else the line is malformed;
 * 3. operands of `-` and `/` have their place, so one is right only in its own place;
 * 4. a final answer line after the right final answer line counts as a final answer that is not the last result.
 */
import type { Operator, PlanStep, PocketProblem } from "./pocket-problem.ts";

/** The types of a first wrong step; degenerate completions have none and are told apart before. */
type TruthErrorType =
  | "conceptual-misunderstanding"
  | "contextual-oversight"
  | "procedural-error"
  | "formula-rule-error"
  | "numerical-computation-error"
  | "symbolic-manipulation-error"
  | "logical-reasoning-error";

export interface TruthDiagnosis {
  /** Index among the completion's non-empty lines, the final answer line included. */
  readonly firstWrongStep: number;
  readonly type: TruthErrorType;
}

interface Equation {
  readonly left: number;
  readonly operator: Operator;
  readonly right: number;
}

type Line =
  | (Equation & { readonly kind: "equation"; readonly label: string; readonly result: number })
  | { readonly kind: "answer"; readonly value: number }
  | { readonly kind: "malformed" };

/** Labels a failing completion that is not degenerate; null when every written step is the plan's. */
export function truthDiagnosis(problem: PocketProblem, completion: string): TruthDiagnosis | null {
  const lines = completion
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => parseLine(line));
  for (const [index] of lines.entries()) {
    const type = errorOf(problem, lines, index);
    if (type !== null) return { firstWrongStep: index, type };
  }
  return null;
}

const number = String.raw`-?\d+(?:\.\d+)?`;
const equationPattern = new RegExp(
  String.raw`^(?<label>\p{L}+(?: +\p{L}+)*) *: *(?<left>${number}) *(?<operator>[-+*/]) *(?<right>${number}) *= *(?<result>${number})$`,
  "u",
);
const answerPattern = new RegExp(String.raw`^#### *(?<value>${number})$`, "u");

function parseLine(line: string): Line {
  const answer = answerPattern.exec(line)?.groups;
  if (answer !== undefined) return { kind: "answer", value: Number(answer["value"]) };
  const equation = equationPattern.exec(line)?.groups;
  const operator = operators.find((each) => each === equation?.["operator"]);
  if (equation === undefined || operator === undefined) return { kind: "malformed" };
  return {
    kind: "equation",
    label: equation["label"]!,
    left: Number(equation["left"]),
    operator,
    right: Number(equation["right"]),
    result: Number(equation["result"]),
  };
}

const operators: readonly Operator[] = ["+", "-", "*", "/"];

/** The type of the line's error, null if it is the plan's step; all lines before it are. */
function errorOf(problem: PocketProblem, lines: readonly Line[], index: number): TruthErrorType | null {
  const line = lines[index]!;
  const { plan } = problem;
  if (line.kind === "malformed") return "symbolic-manipulation-error";
  if (line.kind === "answer") {
    if (index < plan.length) return "procedural-error";
    return index === plan.length && line.value === plan.at(-1)!.result ? null : "logical-reasoning-error";
  }
  const expected = plan[index];
  if (expected === undefined) return "procedural-error";
  const wanted = equationOf(expected);
  if (sameEquation(line, wanted)) {
    if (line.result !== expected.result) return "numerical-computation-error";
    return line.label.replaceAll(/ +/g, " ") === expected.label ? null : "symbolic-manipulation-error";
  }
  const displaced = [...plan.slice(0, index), ...plan.slice(index + 1)].map((step) => equationOf(step));
  if (displaced.some((other) => sameEquation(line, other))) return "procedural-error";
  return wrongEquation(line, wanted, { question: problem.question, earlier: plan.slice(0, index) });
}

/** Rules 3 to 5: the equation is neither the expected one nor another step's. */
function wrongEquation(
  written: Equation,
  wanted: Equation,
  { question, earlier }: { question: string; earlier: readonly PlanStep[] },
): TruthErrorType {
  const straight = written.left === wanted.left && written.right === wanted.right;
  const swapped = written.left === wanted.right && written.right === wanted.left;
  if (straight || swapped) return "formula-rule-error";
  if (written.operator !== wanted.operator) return "conceptual-misunderstanding";
  const confused = confusedOperand(written, wanted);
  if (confused === null) return "conceptual-misunderstanding";
  const results = earlier.map(({ result }) => result);
  const known = [...(question.match(/\d+/g) ?? []).map(Number), ...results];
  if (!known.includes(confused.written)) return "symbolic-manipulation-error";
  return results.includes(confused.wanted) ? "logical-reasoning-error" : "contextual-oversight";
}

/** The one operand that is wrong, null when both are; `+` and `*` do not care about the order. */
function confusedOperand(written: Equation, wanted: Equation): { written: number; wanted: number } | null {
  if (written.left === wanted.left) return { written: written.right, wanted: wanted.right };
  if (written.right === wanted.right) return { written: written.left, wanted: wanted.left };
  if (!isCommutative(wanted.operator)) return null;
  if (written.left === wanted.right) return { written: written.right, wanted: wanted.left };
  if (written.right === wanted.left) return { written: written.left, wanted: wanted.right };
  return null;
}

function equationOf({ left, operator, right }: PlanStep): Equation {
  return { left: left.value, operator, right: right.value };
}

function sameEquation(first: Equation, second: Equation): boolean {
  if (first.operator !== second.operator) return false;
  if (first.left === second.left && first.right === second.right) return true;
  return isCommutative(first.operator) && first.left === second.right && first.right === second.left;
}

function isCommutative(operator: Operator): boolean {
  return operator === "+" || operator === "*";
}
