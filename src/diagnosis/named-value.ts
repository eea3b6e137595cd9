import { type ExactNumber, parseExactNumber } from "../grading/exact-number.ts";
import type { EquationStep } from "./labelled-step.ts";

/** A quantity a step names as what it starts from. */
export interface NamedValue {
  readonly name: string;
  readonly value: ExactNumber;
  /** The earlier step that computed it, null when the question states it. */
  readonly step: number | null;
}

/** What a question says things are: `Ann is 40 years old`, `Let a = 54`; comparisons (`is 3 years older than`) say nothing alone. */
export function statedValues(question: string): ReadonlyMap<string, ExactNumber> {
  const statement =
    /\b(\p{L}+) (?:is|=) (\d+(?:\.\d+)?)(?!\d|\.\d)(?! (?:\w+ ){0,2}(?:older|younger|more|less|fewer|times|than)\b)/gu;
  return new Map(
    [...question.matchAll(statement)].flatMap(([, name = "", numeral = ""]) => {
      const value = parseExactNumber(numeral);
      return value === null ? [] : [[name, value] as const];
    }),
  );
}

/**
 * The value a label of two words refers to by its second one, as in `Zoe Tom: …` (Zoe, from Tom): the result of the last earlier step
 * whose label begins with that name, or what the question states; null when the name is not known.
 */
export function namedValue(
  label: string,
  earlier: readonly EquationStep[],
  stated: ReadonlyMap<string, ExactNumber>,
): NamedValue | null {
  const [, name, ...more] = label.split(" ");
  if (name === undefined || more.length > 0) return null;
  const step = earlier.findLastIndex((before) => before.label.split(" ")[0] === name);
  if (step >= 0) return { name, value: earlier[step]!.result, step };
  const value = stated.get(name);
  return value === undefined ? null : { name, value, step: null };
}
