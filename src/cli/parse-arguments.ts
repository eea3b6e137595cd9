import { parseArgs } from "node:util";
import { BitmendError } from "../util/errors.ts";
import type { Command, CommandOption, CommandOptions, Positionals } from "./command.ts";
import { didYouMean } from "./did-you-mean.ts";

type Value = string | boolean | number | readonly string[] | undefined;
export type ParsedValues = Readonly<Record<string, Value>> & { readonly positionals: readonly string[] };

/**
 * Parses the arguments after the verb, strictly, and names every problem at once.
 *
 * @throws {BitmendError} `cli/usage` for unknown or repeated options, missing or malformed values, and a wrong number of positionals.
 */
export function parseArguments(
  command: Pick<Command, "options" | "positionals">,
  argv: readonly string[],
): ParsedValues {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(command.options).map(([name, option]) => [name, parseArgsOption(option)]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const problems: string[] = [];
  const values = new Map<string, Value>();
  const positionals: string[] = [];
  for (const [name, option] of Object.entries(command.options)) values.set(name, absentValue(option));
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(command.options, token.name) ? command.options[token.name] : undefined;
    if (option === undefined) problems.push(unknownOption(token.rawName, command.options));
    else readOption({ ...token, option, values, problems });
  }
  // After a wrong option, what looks like an argument is mostly that option's value.
  if (problems.length === 0) problems.push(...wrongPositionals(positionals, command.positionals));
  if (problems.length > 0) throw new BitmendError("cli/usage", problems.join("\n"));
  return { ...Object.fromEntries(values), positionals };
}

function parseArgsOption(option: CommandOption): { type: "string" | "boolean"; short?: string } {
  const type = option.type === "boolean" ? "boolean" : "string";
  return option.short === undefined ? { type } : { type, short: option.short };
}

function absentValue(option: CommandOption): Value {
  if (option.type === "boolean") return false;
  return option.multiple === true ? [] : undefined;
}

function unknownOption(typed: string, options: CommandOptions): string {
  const near = didYouMean(typed.replace(/^-+/, ""), Object.keys(options));
  return `Unknown option ${typed}.${near === undefined ? "" : ` Did you mean --${near}?`}`;
}

interface OptionToken {
  readonly name: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
  readonly option: CommandOption;
  readonly values: Map<string, Value>;
  readonly problems: string[];
}

function readOption({ name, value, inlineValue, option, values, problems }: OptionToken): void {
  if (option.type === "boolean") {
    if (value !== undefined) problems.push(`Option --${name} takes no value, got ${JSON.stringify(value)}.`);
    values.set(name, true);
    return;
  }
  // As in parseArgs' strict mode: `--seed --json` is a forgotten value, never a seed called "--json".
  if (value === undefined || (inlineValue !== true && value.startsWith("-"))) {
    problems.push(
      `Option --${name} needs a value: --${name} ${option.value} (or --${name}=${option.value} where it starts with a dash).`,
    );
    return;
  }
  const before = values.get(name);
  if (option.multiple === true) {
    values.set(name, [...(Array.isArray(before) ? before : []), value]);
    return;
  }
  if (before !== undefined) problems.push(`Option --${name} was given more than once.`);
  values.set(name, option.type === "integer" ? readInteger({ name, value, problems }) : value);
}

function readInteger(input: { name: string; value: string; problems: string[] }): number | undefined {
  const number = Number(input.value);
  if (/^-?\d+$/.test(input.value) && Number.isSafeInteger(number)) return number;
  input.problems.push(`Option --${input.name} needs a whole number, got ${JSON.stringify(input.value)}.`);
  return undefined;
}

function wrongPositionals(positionals: readonly string[], allowed: Positionals | undefined): string[] {
  const { minimum, maximum, usage } = allowed ?? { minimum: 0, maximum: 0, usage: "" };
  if (positionals.length < minimum) return [`Missing argument: expected ${usage}.`];
  return positionals
    .slice(maximum)
    .map((extra) => `Unexpected argument ${JSON.stringify(extra)}${usage === "" ? "" : ` after ${usage}`}.`);
}
