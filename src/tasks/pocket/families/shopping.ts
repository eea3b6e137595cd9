import type { Draft } from "../draft.ts";
import { anyone } from "../people.ts";
import type { Operand } from "../pocket-problem.ts";

const goods = ["pens", "books", "cups", "toys", "hats", "bags"];

/** Money that somebody spends and earns. */
export function shopping(draft: Draft): string | null {
  const { random } = draft;
  const { name, They } = anyone(random);
  let money: Operand = draft.number(20, 99)!;
  draft.say(`${name} has ${money.value} dollars.`);
  const spend = () => {
    const price = draft.subtrahend(money);
    if (price === null) return false;
    draft.say(`${They} spends ${price.value} dollars.`);
    money = draft.step("left", money, ["-", price]);
    return true;
  };
  const earn = () => {
    const wage = draft.addend(money);
    if (wage === null) return false;
    draft.say(`${They} earns ${wage.value} dollars.`);
    money = draft.step("money", money, ["+", wage]);
    return true;
  };
  const buy = () => {
    const pair = draft.factors(Math.min(money.value - 2, 100));
    if (pair === null) return false;
    draft.say(`${They} buys ${pair[0].value} ${random.pick(goods)} for ${pair[1].value} dollars each.`);
    const cost = draft.step("cost", pair[0], ["*", pair[1]]);
    money = draft.step("left", money, ["-", cost]);
    return true;
  };
  const sell = () => {
    const pair = draft.factors(Math.min(draft.cap - money.value, 100));
    if (pair === null) return false;
    draft.say(`${They} sells ${pair[0].value} ${random.pick(goods)} for ${pair[1].value} dollars each.`);
    const income = draft.step("income", pair[0], ["*", pair[1]]);
    money = draft.step("money", money, ["+", income]);
    return true;
  };
  const unfolded = draft.unfold([
    { steps: 1, happen: spend },
    { steps: 1, happen: earn },
    { steps: 2, happen: buy },
    { steps: 2, happen: buy },
    { steps: 2, happen: sell },
  ]);
  return unfolded ? `How many dollars does ${name} have now?` : null;
}
