import type { Draft } from "../draft.ts";
import { anyone } from "../people.ts";
import type { Operand } from "../pocket-problem.ts";

const things = ["beads", "cards", "coins", "shells"];

/** Parts of a whole, said as "3 of every 4". */
export function fractions(draft: Draft): string | null {
  const { random } = draft;
  const { name, They } = anyone(random);
  const thing = random.pick(things);
  let whole: Operand = draft.number(4, 24)!;
  whole = draft.number(whole.value * 4, whole.value * 4)!;
  draft.say(`${name} has ${whole.value} ${thing}.`);
  const find = () => {
    const amount = draft.addend(whole);
    if (amount === null) return false;
    draft.say(`${They} finds ${amount.value} ${thing}.`);
    whole = draft.step("total", whole, ["+", amount]);
    return true;
  };
  const lose = () => {
    const amount = draft.subtrahend(whole);
    if (amount === null) return false;
    draft.say(`${They} loses ${amount.value} ${thing}.`);
    whole = draft.step("left", whole, ["-", amount]);
    return true;
  };
  const keepOne = () => {
    const parts = draft.divisor(whole);
    if (parts === null) return false;
    draft.say(`${They} keeps 1 of every ${parts.value} ${thing}.`);
    whole = draft.step("kept", whole, ["/", parts]);
    return true;
  };
  const keepSome = () => {
    const parts = draft.divisor(whole);
    if (parts === null || parts.value < 3) return false;
    const kept = draft.number(2, parts.value - 1)!;
    draft.say(`${They} keeps ${kept.value} of every ${parts.value} ${thing}.`);
    const share = draft.step("share", whole, ["/", parts]);
    whole = draft.step("kept", share, ["*", kept]);
    return true;
  };
  const giveOne = () => {
    const parts = draft.divisor(whole);
    if (parts === null) return false;
    draft.say(`${They} gives away 1 of every ${parts.value} ${thing}.`);
    const given = draft.step("given", whole, ["/", parts]);
    whole = draft.step("left", whole, ["-", given]);
    return true;
  };
  const unfolded = draft.unfold([
    { steps: 1, happen: find },
    { steps: 1, happen: lose },
    { steps: 1, happen: keepOne },
    { steps: 2, happen: keepSome },
    { steps: 2, happen: giveOne },
    { steps: 2, happen: giveOne },
  ]);
  return unfolded ? `How many ${thing} does ${name} have now?` : null;
}
