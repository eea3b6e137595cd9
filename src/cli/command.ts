/** @file A verb of the command line as a value: what it takes, how it is shown in `--help`, and how it runs. */
import type { Terminal } from "./terminal.ts";

/** What every verb gets from the frame; tests pass one held in memory. */
export interface CommandContext {
  /** Writes one line of results to stdout: the object of `--json`, or the tables people asked for. */
  readonly write: (line: string) => void;
  /** People's text (progress, remarks) goes here: stderr. */
  readonly terminal: Terminal;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** Sets the command line that goes on after an interruption; without it, the same command line is named. */
  readonly goOnWith: (commandLine: string) => void;
}

/** One option of a verb. Values left out are `undefined`, false for a boolean, [] for `multiple`. */
export type CommandOption =
  | { readonly type: "boolean"; readonly help: string; readonly short?: string }
  | {
      readonly type: "string" | "integer";
      readonly help: string;
      /** Placeholder of the value in `--help`, e.g. `DIRECTORY`. */
      readonly value: string;
      readonly short?: string;
      /** May be given several times; `values` holds them all in order (strings only). */
      readonly multiple?: boolean;
    };

export type CommandOptions = Readonly<Record<string, CommandOption>>;

/** The parsed value of each option. */
type CommandValues<Options extends CommandOptions> = {
  readonly [Name in keyof Options]: Options[Name] extends { readonly type: "boolean" }
    ? boolean
    : Options[Name] extends { readonly multiple: true }
      ? readonly string[]
      : Options[Name] extends { readonly type: "integer" }
        ? number | undefined
        : string | undefined;
};

/** Positional arguments of a verb. */
export interface Positionals {
  /** As shown in usage, e.g. `[RECIPE]` or `RUN`. */
  readonly usage: string;
  readonly help: string;
  readonly minimum: number;
  readonly maximum: number;
}

/** One verb. Its one-line summary stands in the table of verbs, so that `--help` loads no verb. */
export interface Command<Options extends CommandOptions = CommandOptions> {
  readonly options: Options;
  /** Absent: the verb takes none. */
  readonly positionals?: Positionals;
  /** Whole command lines, each with what it does. */
  readonly examples: readonly { readonly command: string; readonly does: string }[];
  /** Resolves to the exit code: 0 done, 1 failed. Throw `cli/usage` for a wrong combination of options. */
  readonly run: (
    values: CommandValues<Options> & { readonly positionals: readonly string[] },
    context: CommandContext,
  ) => Promise<number>;
}

/** Checks a verb's `run` against its own options, and hands it on as one of many. */
export function defineCommand<const Options extends CommandOptions>(command: Command<Options>): Command {
  // The frame parses with these same options, so `run` gets values of exactly its own types.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return command as unknown as Command;
}

/** One line of the table of verbs. */
export interface Verb {
  /** What the verb does, at most 62 characters. */
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}
