import { equals, type ExactNumber, multiply, parseExactNumber, subtract } from "../grading/exact-number.ts";
import { mathTokens } from "./math-tokens.ts";
import { expressionValue, type MathToken } from "./numeric-expression.ts";

/** One `expression = value` found in free text. */
export interface WrittenEquation {
  /** The left side as written, without words and units. */
  readonly left: string;
  readonly right: string;
  /** Numbers on the left side, in order. */
  readonly operands: readonly ExactNumber[];
  /** Operators on the left side, in order. */
  readonly operators: readonly string[];
  /** Exact value of the left side. */
  readonly value: ExactNumber;
  /** What the right side says it is. */
  readonly written: ExactNumber;
  /** Whether the right side is the value of the left, or the value rounded to the decimals written. */
  readonly holds: boolean;
}

/**
 * Finds equations between numbers in prose, LaTeX or calculator marks (`<<48/2=24>>`), chains included.
 *
 * Words before an expression and units after numbers are skipped; sides with variables are no numbers and are not compared.
 */
export function writtenEquations(text: string): WrittenEquation[] {
  const marks = [...text.matchAll(/<<([^<>]*)>>/g)].map((match) => match[1]!);
  return [text, ...marks].flatMap((part) =>
    splitAt(mathTokens(part), "break").flatMap((run) => chainEquations(run)),
  );
}

/** The equations between neighbouring numeric sides of `side = side = side`. */
function chainEquations(run: readonly MathToken[]): WrittenEquation[] {
  const sides = splitAt(run, "equals");
  if (sides.length < 2) return [];
  const numeric = sides.map((side, index) =>
    numericSide(side, index === 0 ? "first" : index === sides.length - 1 ? "last" : "middle"),
  );
  return numeric.slice(1).flatMap((right, index) => {
    const left = numeric[index];
    if (!left || !right) return [];
    const operators = left.filter((token) => token.kind === "operator").map((token) => token.text);
    const [value, written] = [expressionValue(left), expressionValue(right)];
    if (value === null || written === null || operators.length === 0 || left[0]?.text === "+") return [];
    const operands = left
      .filter((token) => token.kind === "number")
      .flatMap((token) => parseExactNumber(token.text) ?? []);
    const holds = equals(value, written) || roundsTo(value, right) || isPercentage(value, right);
    return [{ left: spell(left), right: spell(right), operands, operators, value, written, holds }];
  });
}

function splitAt(tokens: readonly MathToken[], kind: MathToken["kind"]): MathToken[][] {
  const parts: MathToken[][] = [[]];
  for (const token of tokens)
    if (token.kind === kind) parts.push([]);
    else parts.at(-1)!.push(token);
  return parts;
}

/** The tokens of a side that are its number, without words around; null when a variable makes it no number. */
function numericSide(side: readonly MathToken[], place: "first" | "middle" | "last"): MathToken[] | null {
  const plain: MathToken[] = [];
  for (const [index, token] of side.entries()) {
    if (isUnit(side, index)) continue;
    // `pounds/book`: the stroke belongs to the unit.
    if (token.text === "/" && side[index + 1]?.kind === "word" && side[index - 1]?.kind === "word") continue;
    plain.push(token);
  }
  const words = plain.flatMap((token, index) => (token.kind === "word" ? [index] : []));
  if (plain.some((token, index) => isVariable(plain, token, index))) return null;
  if (words.length === 0) return balanced(plain);
  if (place === "first") return balanced(plain.slice(words.at(-1)! + 1));
  return place === "last" ? balanced(plain.slice(0, words[0])) : null;
}

/** Cuts closing parentheses without an opening one off the end, and opening ones without a closing one off the start. */
function balanced(tokens: readonly MathToken[]): MathToken[] {
  const count = (kind: MathToken["kind"]): number => result.filter((token) => token.kind === kind).length;
  let result = [...tokens];
  while (result.at(-1)?.kind === "close" && count("close") > count("open")) result = result.slice(0, -1);
  while (result[0]?.kind === "open" && count("open") > count("close")) result = result.slice(1);
  return result;
}

function belongsToUnit({ kind, text }: MathToken): boolean {
  return text === "/" || (kind === "word" && text.length > 1);
}

/** A word of two letters or more right after a number, a parenthesis or another unit word. */
function isUnit(side: readonly MathToken[], index: number): boolean {
  const token = side[index]!;
  if (token.kind !== "word" || token.text.length < 2) return false;
  let before = index - 1;
  while (before >= 0 && belongsToUnit(side[before]!)) before--;
  const anchor = side[before];
  return anchor !== undefined && ["number", "close", "percent"].includes(anchor.kind);
}

/** A single letter, or letters attached to a number as in `2x` or `5th`. */
function isVariable(side: readonly MathToken[], token: MathToken, index: number): boolean {
  if (token.kind !== "word") return false;
  if (token.text.length === 1)
    return token.text.toLowerCase() !== "a" || side[index + 1]?.kind === "operator";
  return token.attached && side[index - 1]?.kind === "number";
}

/** Whether `right` is one decimal numeral (perhaps a percentage) that `value` rounds to, half a unit of its last place allowed either way, or is cut off to. */
function roundsTo(value: ExactNumber, right: readonly MathToken[]): boolean {
  const numeral = right.filter((token) => token.kind === "number");
  const percent = right.some((token) => token.kind === "percent");
  const negative = right[0]?.text === "-";
  if (numeral.length !== 1 || right.length !== 1 + Number(percent) + Number(negative)) return false;
  const decimals = numeral[0]!.text.split(".")[1]?.length ?? 0;
  if (decimals === 0) return false;
  const written = expressionValue(right);
  if (written === null) return false;
  const unit = multiply(subtract(value, written), {
    numerator: 10n ** BigInt(decimals + (percent ? 2 : 0)),
    denominator: 1n,
  });
  return unit.numerator < unit.denominator && -unit.numerator < unit.denominator;
}

/** Whether `right` is `40%` and the value 40, as in `2/5 * 100 = 40%`. */
function isPercentage(value: ExactNumber, right: readonly MathToken[]): boolean {
  if (right.at(-1)?.kind !== "percent") return false;
  const number = right.slice(0, -1);
  const written = expressionValue(number);
  return written !== null && (equals(value, written) || roundsTo(value, number));
}

function spell(tokens: readonly MathToken[]): string {
  return tokens
    .map((token) => (token.kind === "operator" ? ` ${token.text} ` : token.text))
    .join("")
    .replaceAll(/\s+/g, " ")
    .trim();
}
