import type { Draft } from "../draft.ts";
import { anyone } from "../people.ts";
import type { Operand } from "../pocket-problem.ts";

const things = ["apples", "nuts", "plums", "sweets"];

/** Things in boxes, shared among kids and put together again. */
export function sharing(draft: Draft): string | null {
  const { random } = draft;
  const { name, They } = anyone(random);
  const thing = random.pick(things);
  const start = draft.factors(draft.cap - 40);
  if (start === null) return null;
  draft.say(`${name} has ${start[0].value} boxes of ${start[1].value} ${thing}.`);
  let amount: Operand = draft.step("total", start[0], ["*", start[1]]);
  let kids: Operand | null = null;
  const gain = () => {
    const more = draft.addend(amount);
    if (more === null) return false;
    draft.say(kids === null ? `${They} gets ${more.value} more.` : `Each kid gets ${more.value} more.`);
    amount = draft.step(kids === null ? "total" : "each", amount, ["+", more]);
    return true;
  };
  const lose = () => {
    const fewer = draft.subtrahend(amount);
    if (fewer === null) return false;
    draft.say(kids === null ? `${They} eats ${fewer.value}.` : `Each kid eats ${fewer.value}.`);
    amount = draft.step(kids === null ? "left" : "each", amount, ["-", fewer]);
    return true;
  };
  const addBoxes = () => {
    const pair = kids === null ? draft.factors(Math.min(draft.cap - amount.value, 100)) : null;
    if (pair === null) return false;
    draft.say(`${They} gets ${pair[0].value} boxes of ${pair[1].value} ${thing}.`);
    const part = draft.step("part", pair[0], ["*", pair[1]]);
    amount = draft.step("total", amount, ["+", part]);
    return true;
  };
  const share = () => {
    const count = kids === null ? draft.divisor(amount) : null;
    if (count === null) return false;
    draft.say(`${They} shares them among ${count.value} kids.`);
    amount = draft.step("each", amount, ["/", count]);
    kids = count;
    return true;
  };
  const pool = () => {
    const source = kids;
    if (source === null || amount.value * source.value > draft.cap) return false;
    if (draft.plan.at(-1)?.operator === "/") return false;
    draft.say("The kids put all in one box.");
    amount = draft.step("total", amount, ["*", source]);
    kids = null;
    return true;
  };
  const unfolded = draft.unfold([
    { steps: 1, happen: gain },
    { steps: 1, happen: lose },
    { steps: 2, happen: addBoxes },
    { steps: 1, happen: share },
    { steps: 1, happen: share },
    { steps: 1, happen: pool },
    { steps: 1, happen: pool },
  ]);
  if (!unfolded) return null;
  return kids === null ? `How many ${thing} are there now?` : `How many ${thing} does each kid have now?`;
}
