import type { Draft } from "../draft.ts";
import { anyone } from "../people.ts";
import type { Operand } from "../pocket-problem.ts";

const measures = [
  { one: "week", many: "weeks", small: "days", size: 7 },
  { one: "yard", many: "yards", small: "feet", size: 3 },
  { one: "foot", many: "feet", small: "inches", size: 12 },
  { one: "gallon", many: "gallons", small: "quarts", size: 4 },
  { one: "nickel", many: "nickels", small: "cents", size: 5 },
  { one: "dime", many: "dimes", small: "cents", size: 10 },
] as const;

/** Amounts in a large and a small unit; the question's first sentence says how they compare. */
export function units(draft: Draft): string | null {
  const { random } = draft;
  const { name, They } = anyone(random);
  const { one, many, small, size } = random.pick(measures);
  const rule = draft.number(size, size)!;
  const start = draft.number(2, size > 9 ? 9 : 15)!;
  let question = `How many ${small} is that?`;
  draft.say(`A ${one} has ${size} ${small}.`);
  draft.say(`${name} has ${start.value} ${many}.`);
  let total: Operand = draft.step(small, start, ["*", rule]);
  const more = () => {
    const amount = draft.addend(total);
    if (amount === null) return false;
    draft.say(`${They} adds ${amount.value} ${small}.`);
    total = draft.step("total", total, ["+", amount]);
    return true;
  };
  const fewer = () => {
    const amount = draft.subtrahend(total);
    if (amount === null) return false;
    draft.say(`${They} takes away ${amount.value} ${small}.`);
    total = draft.step("left", total, ["-", amount]);
    return true;
  };
  const addLarge = () => {
    const amount = draft.number(2, Math.min(9, Math.floor((draft.cap - total.value) / size)));
    if (amount === null) return false;
    draft.say(`${They} adds ${amount.value} ${many}.`);
    const part = draft.step(small, amount, ["*", rule]);
    total = draft.step("total", total, ["+", part]);
    return true;
  };
  const takeLarge = () => {
    const amount = draft.number(2, Math.min(9, Math.floor((total.value - 2) / size)));
    if (amount === null) return false;
    draft.say(`${They} takes away ${amount.value} ${many}.`);
    const part = draft.step(small, amount, ["*", rule]);
    total = draft.step("left", total, ["-", part]);
    return true;
  };
  const convertBack = () => {
    if (draft.plan.length < 2 || total.value % size !== 0 || total.value < 2 * size) return false;
    draft.step(many, total, ["/", rule]);
    question = `How many ${many} is that?`;
    return true;
  };
  const unfolded = draft.unfold([
    { steps: 1, happen: more },
    { steps: 1, happen: fewer },
    { steps: 2, happen: addLarge },
    { steps: 2, happen: takeLarge },
    { steps: 1, closing: true, happen: convertBack },
    { steps: 1, closing: true, happen: convertBack },
    { steps: 1, closing: true, happen: convertBack },
  ]);
  return unfolded ? question : null;
}
