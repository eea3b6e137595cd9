import {
  add,
  divide,
  type ExactNumber,
  formatExactNumber,
  multiply,
  parseExactNumber,
  subtract,
} from "../grading/exact-number.ts";

export type Operator = "+" | "-" | "*" | "/";

/** A step `label: left operator right=result`. */
export interface EquationStep {
  readonly kind: "equation";
  readonly label: string;
  readonly left: ExactNumber;
  readonly operator: Operator;
  readonly right: ExactNumber;
  readonly result: ExactNumber;
}

/** A line `#### value`. */
interface AnswerStep {
  readonly kind: "answer";
  readonly value: ExactNumber;
}

/** Any other text, a `####` line without a single number included. */
interface OtherStep {
  readonly kind: "other";
}

/** What a step says, in the labelled form that pocket solutions are written in. */
export type LabelledStep = EquationStep | AnswerStep | OtherStep;

const numeral = String.raw`(-?\d[\d,]*(?:\.\d+)?)`;
const equationPattern = new RegExp(
  String.raw`^(\p{L}[\p{L}' ]*):\s*${numeral}\s*([-+*/×÷])\s*${numeral}\s*=\s*${numeral}$`,
  "u",
);
const operators: Readonly<Record<string, Operator>> = {
  "+": "+",
  "-": "-",
  "*": "*",
  "×": "*",
  "/": "/",
  "÷": "/",
};

/** Reads one step in the labelled form; a label is words of letters. */
export function labelledStep(text: string): LabelledStep {
  if (text.startsWith("####")) {
    const value = parseExactNumber(text.slice(4));
    return value === null ? { kind: "other" } : { kind: "answer", value };
  }
  const match = equationPattern.exec(text.trim());
  if (match === null) return { kind: "other" };
  const [, label = "", leftText = "", sign = "", rightText = "", resultText = ""] = match;
  const [left, right, result] = [leftText, rightText, resultText].map((part) => parseExactNumber(part));
  const operator = operators[sign];
  if (!left || !right || !result || operator === undefined) return { kind: "other" };
  return { kind: "equation", label: label.trim().replaceAll(/\s+/g, " "), left, operator, right, result };
}

/** The value of `left operator right`, null for a division by 0. */
export function equationValue({ left, operator, right }: EquationStep): ExactNumber | null {
  switch (operator) {
    case "+":
      return add(left, right);
    case "-":
      return subtract(left, right);
    case "*":
      return multiply(left, right);
    case "/":
      return divide(left, right);
    default:
      return operator satisfies never;
  }
}

/** `12*4`. */
export function formatOperation({ left, operator, right }: EquationStep): string {
  return `${formatExactNumber(left)}${operator}${formatExactNumber(right)}`;
}

/** `12*4=48`. */
export function formatEquation(step: EquationStep): string {
  return `${formatOperation(step)}=${formatExactNumber(step.result)}`;
}
