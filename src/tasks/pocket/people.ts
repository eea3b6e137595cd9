import type { RandomStream } from "../../util/random.ts";

/** Somebody a story is about. */
export interface Person {
  readonly name: string;
  /** The pronoun as a sentence begins with it. */
  readonly They: "He" | "She";
}

/** All names; the longest story of ages needs seven. */
export const people: readonly Person[] = [
  { name: "Ann", They: "She" },
  { name: "Ben", They: "He" },
  { name: "Eva", They: "She" },
  { name: "Ivy", They: "She" },
  { name: "Jay", They: "He" },
  { name: "Kim", They: "She" },
  { name: "Leo", They: "He" },
  { name: "Max", They: "He" },
  { name: "Mia", They: "She" },
  { name: "Sam", They: "He" },
  { name: "Tom", They: "He" },
  { name: "Zoe", They: "She" },
];

/** One person. */
export function anyone(random: RandomStream): Person {
  return random.pick(people);
}
