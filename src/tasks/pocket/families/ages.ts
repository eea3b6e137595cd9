import type { Draft } from "../draft.ts";
import { people } from "../people.ts";
import type { Operand } from "../pocket-problem.ts";

/** Ages told by comparison; the label names the person and then the reference whose age the step looks up. */
export function ages(draft: Draft): string | null {
  const { random } = draft;
  const names = random.shuffle(people).map(({ name }) => name);
  const known: Operand[] = [draft.number(5, 60)!];
  draft.say(`${names[0]} is ${known[0]!.value} years old.`);
  for (let attempt = 0; attempt < 40 && draft.remaining > 0; attempt++) {
    const person = names[known.length]!;
    // Each is compared with the person before: looking further back is what `equations` asks (docs/log.md).
    const reference = known.length - 1;
    const age = compare(draft, { person, reference: names[reference]!, age: known[reference]! });
    if (age !== null) known.push(age);
  }
  return draft.remaining === 0 ? `How old is ${names[known.length - 1]}?` : null;
}

function compare(
  draft: Draft,
  { person, reference, age }: { person: string; reference: string; age: Operand },
): Operand | null {
  const label = `${person} ${reference}`;
  const kind = draft.random.next();
  if (kind < 0.42) {
    const more = draft.number(2, Math.min(40, 110 - age.value));
    if (more === null) return null;
    draft.say(`${person} is ${more.value} years older than ${reference}.`);
    return draft.step(label, age, ["+", more]);
  }
  if (kind < 0.8) {
    const fewer = draft.number(2, Math.min(40, age.value - 3));
    if (fewer === null) return null;
    draft.say(`${person} is ${fewer.value} years younger than ${reference}.`);
    return draft.step(label, age, ["-", fewer]);
  }
  const times = draft.number(2, Math.min(6, Math.floor(100 / age.value)));
  if (times === null) return null;
  draft.say(`${person} is ${times.value} times as old as ${reference}.`);
  return draft.step(label, age, ["*", times]);
}
