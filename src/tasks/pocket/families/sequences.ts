import type { Draft } from "../draft.ts";
import { anyone } from "../people.ts";
import type { Operand, Operator } from "../pocket-problem.ts";

const ordinals = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"];

/** Lists of numbers that follow a rule. */
export function sequences(draft: Draft): string | null {
  const kind = draft.random.next();
  draft.say(`${anyone(draft.random).name} writes a list.`);
  if (kind < 0.3) return sumOfTwo(draft);
  if (kind < 0.7) return alternating(draft);
  return constant(draft);
}

function sumOfTwo(draft: Draft): string {
  const terms: Operand[] = [
    draft.number(2, 30 - 3 * draft.stepCount)!,
    draft.number(2, 30 - 3 * draft.stepCount)!,
  ];
  draft.say(`The first number is ${terms[0]!.value} and the second is ${terms[1]!.value}.`);
  draft.say("Each next number is the sum of the two before.");
  while (draft.remaining > 0)
    terms.push(draft.step(ordinals[terms.length]!, terms.at(-2)!, ["+", terms.at(-1)!]));
  return ask(terms.length);
}

function constant(draft: Draft): string | null {
  const { random, stepCount } = draft;
  const operator = random.pick<Operator>(["+", "+", "-", "-", "*"]);
  const step = operator === "*" ? draft.number(2, stepCount > 3 ? 2 : 3)! : draft.number(2, 25)!;
  const lowest = operator === "-" ? step.value * stepCount + 2 : 2;
  const highest = operator === "*" ? Math.floor(draft.cap / step.value ** stepCount) : lowest + 50;
  let term = draft.number(lowest, highest);
  if (term === null) return null;
  draft.say(`The first number is ${term.value}.`);
  const phrase = { "+": "more than", "-": "less than", "*": "times", "/": "" }[operator];
  draft.say(`Each next number is ${step.value} ${phrase} the one before.`);
  for (let index = 1; draft.remaining > 0; index++)
    term = draft.step(ordinals[index]!, term, [operator, step]);
  return ask(stepCount + 1);
}

function alternating(draft: Draft): string | null {
  const down = draft.random.next() < 0.5;
  const [up, away] = [draft.number(2, 30)!, draft.number(2, 30)!];
  const rules: readonly (readonly [Operator, Operand])[] = down
    ? [
        ["-", away],
        ["+", up],
      ]
    : [
        ["+", up],
        ["-", away],
      ];
  const lowest = 2 + Math.max(0, away.value, (away.value - up.value) * 3 + away.value);
  let term = draft.number(lowest, lowest + 50)!;
  draft.say(`The first number is ${term.value}.`);
  draft.say(
    down
      ? `The rule is take away ${away.value}, then add ${up.value}, and again.`
      : `The rule is add ${up.value}, then take away ${away.value}, and again.`,
  );
  for (let index = 1; draft.remaining > 0; index++)
    term = draft.step(ordinals[index]!, term, rules[(index - 1) % 2]!);
  return ask(draft.stepCount + 1);
}

function ask(count: number): string {
  return `What is the ${ordinals[count - 1]} number?`;
}
