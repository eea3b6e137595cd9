/** @file Values of options beyond text and whole numbers. */
import { BitmendError } from "../util/errors.ts";

/** One of `choices`; the first parameter is the option without its dashes. */
export function readChoice<const Choice extends string>(
  name: string,
  value: string | undefined,
  choices: readonly Choice[],
): Choice | undefined {
  if (value === undefined) return undefined;
  const choice = choices.find((each) => each === value);
  if (choice !== undefined) return choice;
  throw new BitmendError(
    "cli/usage",
    `Option --${name} needs one of ${choices.join(", ")}, got ${JSON.stringify(value)}.`,
  );
}

/** A number, whole or not. */
export function readNumber(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() !== "" && Number.isFinite(number)) return number;
  throw new BitmendError("cli/usage", `Option --${name} needs a number, got ${JSON.stringify(value)}.`);
}

/** The value of an option that a verb cannot do without. */
export function required<Value>(name: string, value: Value | undefined): Value {
  if (value !== undefined) return value;
  throw new BitmendError("cli/usage", `Missing option: --${name}.`);
}
