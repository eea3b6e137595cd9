import type { Draft } from "../draft.ts";
import { apply } from "../draft.ts";
import { anyone } from "../people.ts";
import type { Operand, Operator } from "../pocket-problem.ts";

const inverse: Readonly<Record<Operator, Operator>> = { "+": "-", "-": "+", "*": "/", "/": "*" };
const letters = ["a", "b", "c", "d", "e", "f", "g"];

/** An unknown number found by undoing what was done to it, or letters computed one from another. */
export function equations(draft: Draft): string | null {
  return draft.random.next() < 0.6 ? undo(draft) : substitute(draft);
}

function undo(draft: Draft): string | null {
  const { name, They } = anyone(draft.random);
  const done: { operator: Operator; operand: Operand }[] = [];
  let value = 3 + draft.random.integer(40);
  draft.say(`${name} thinks of a number.`);
  for (let attempt = 0; attempt < 40 && done.length < draft.stepCount; attempt++) {
    const drawn = operation(draft, value);
    if (drawn === null) continue;
    const { operator, operand } = drawn;
    draft.say(`${They} ${words(operator, operand.value)}.`);
    value = apply(value, operator, operand.value);
    done.push(drawn);
  }
  if (done.length < draft.stepCount) return null;
  draft.say(`${They} gets ${value}.`);
  let current: Operand = { value, source: "problem" };
  for (const { operator, operand } of done.toReversed())
    current = draft.step("before", current, [inverse[operator], operand]);
  return "What was the number?";
}

function substitute(draft: Draft): string | null {
  const { random } = draft;
  const known: Operand[] = [draft.number(4, 60)!];
  draft.say(`Let a = ${known[0]!.value}.`);
  for (let attempt = 0; attempt < 40 && draft.remaining > 0; attempt++) {
    const reference = random.next() < 0.3 ? random.integer(known.length) : known.length - 1;
    const drawn = operation(draft, known[reference]!.value);
    if (drawn === null) continue;
    const { operator, operand } = drawn;
    const letter = letters[known.length]!;
    draft.say(`Let ${letter} = ${letters[reference]} ${operator} ${operand.value}.`);
    known.push(draft.step(`${letter} ${letters[reference]}`, known[reference]!, [operator, operand]));
  }
  return draft.remaining === 0 ? `What is ${letters[known.length - 1]}?` : null;
}

function operation(draft: Draft, value: number): { operator: Operator; operand: Operand } | null {
  const current: Operand = { value, source: "problem" };
  const operator = draft.random.pick<Operator>(["+", "+", "-", "-", "*", "/"]);
  const draw = {
    "+": () => draft.addend(current),
    "-": () => draft.subtrahend(current),
    "*": () => draft.factor(current),
    "/": () => draft.divisor(current),
  };
  const operand = draw[operator]();
  return operand === null ? null : { operator, operand };
}

function words(operator: Operator, value: number): string {
  if (operator === "+") return `adds ${value}`;
  if (operator === "-") return `takes away ${value}`;
  return operator === "*" ? `multiplies it by ${value}` : `divides it by ${value}`;
}
