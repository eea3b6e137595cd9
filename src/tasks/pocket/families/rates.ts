import type { Draft } from "../draft.ts";
import type { Operand } from "../pocket-problem.ts";

/** What works at a rate, and the words of its story. */
interface Machine {
  readonly names: readonly string[];
  readonly verb: string;
  /** The verb of the opposite. */
  readonly back: string;
  readonly thing: string;
  readonly time: string;
  readonly article: "a" | "an";
}

const machines: readonly Machine[] = [
  {
    names: ["bus", "train", "boat", "truck"],
    verb: "goes",
    back: "goes back",
    thing: "miles",
    time: "hour",
    article: "an",
  },
  { names: ["pump", "pipe"], verb: "fills", back: "loses", thing: "liters", time: "minute", article: "a" },
  { names: ["robot", "factory"], verb: "makes", back: "breaks", thing: "toys", time: "day", article: "a" },
];

/** Speed, flow and output: a rate times a time, and what is added or lost between. */
export function rates(draft: Draft): string | null {
  const { random } = draft;
  const { names, verb, back, thing, time, article } = random.pick(machines);
  const name = random.pick(names);
  const start = draft.factors(draft.cap - 50);
  if (start === null) return null;
  let question = `How many ${thing} is that?`;
  draft.say(
    `A ${name} ${verb} ${start[1].value} ${thing} ${article} ${time} for ${start[0].value} ${time}s.`,
  );
  let total: Operand = draft.step("total", start[1], ["*", start[0]]);
  const more = () => {
    const amount = draft.addend(total);
    if (amount === null) return false;
    draft.say(`It ${verb} ${amount.value} ${thing} more.`);
    total = draft.step("total", total, ["+", amount]);
    return true;
  };
  const fewer = () => {
    const amount = draft.subtrahend(total);
    if (amount === null) return false;
    draft.say(`It ${back} ${amount.value} ${thing}.`);
    total = draft.step("left", total, ["-", amount]);
    return true;
  };
  const again = () => {
    const pair = draft.factors(Math.min(draft.cap - total.value, 150));
    if (pair === null) return false;
    draft.say(`It ${verb} ${pair[1].value} ${thing} ${article} ${time} for ${pair[0].value} ${time}s.`);
    const part = draft.step("part", pair[1], ["*", pair[0]]);
    total = draft.step("total", total, ["+", part]);
    return true;
  };
  const rate = () => {
    const times = draft.divisor(total);
    if (times === null) return false;
    draft.say(`All this takes ${times.value} ${time}s.`);
    draft.step("rate", total, ["/", times]);
    question = `How many ${thing} ${article} ${time} is that?`;
    return true;
  };
  const unfolded = draft.unfold([
    { steps: 1, happen: more },
    { steps: 1, happen: fewer },
    { steps: 2, happen: again },
    { steps: 2, happen: again },
    { steps: 1, closing: true, happen: rate },
    { steps: 1, closing: true, happen: rate },
  ]);
  return unfolded ? question : null;
}
