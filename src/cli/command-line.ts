import { BitmendError } from "../util/errors.ts";
import type { CommandContext, Verb } from "./command.ts";
import { describeError } from "./describe-error.ts";
import { didYouMean } from "./did-you-mean.ts";
import { programHelp, verbHelp } from "./help.ts";
import { parseArguments } from "./parse-arguments.ts";
import { paint, printable } from "./terminal.ts";

/** Exit codes of the program. */
const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** What the command line itself needs beside the arguments. */
export interface CommandLineContext extends Omit<CommandContext, "goOnWith"> {
  readonly version: string;
  /** How people called the program, for the lines they paste. Default: bitmend. */
  readonly program?: string;
}

/** Finds the verb in `argv`, parses its options strictly, runs it, and turns whatever it throws into text and an exit code. */
export async function runCommandLine(
  verbs: Readonly<Record<string, Verb>>,
  argv: readonly string[],
  context: CommandLineContext,
): Promise<number> {
  const { program = "bitmend" } = context;
  let goOn = commandLineText(program, argv);
  const commandContext: CommandContext = { ...context, goOnWith: (line) => void (goOn = line) };
  try {
    return await dispatch(verbs, argv, { ...commandContext, version: context.version });
  } catch (error) {
    const tell = (text: string): void => context.terminal.write(`${printable(text)}\n`);
    if (error instanceof BitmendError && error.code === "cli/usage") {
      tell(error.message);
      tell(`Try: ${program} ${verbInUsage(verbs, argv)}--help`);
      return exitCodes.usage;
    }
    const stopped = context.signal.aborted;
    if (!stopped || !isAbort(error, context.signal))
      context.terminal.write(
        `${paint(context.terminal, "red", "error")}: ${printable(describeError(error))}\n`,
      );
    if (!stopped) return exitCodes.failed;
    tell(`Stopped. Finished work is kept; go on with:\n  ${goOn}`);
    return exitCodes.interrupted;
  }
}

async function dispatch(
  verbs: Readonly<Record<string, Verb>>,
  argv: readonly string[],
  context: CommandContext & { readonly version: string },
): Promise<number> {
  const [first = "--help", ...rest] = argv;
  if (first === "--version" || first === "-v") {
    context.write(context.version);
    return exitCodes.done;
  }
  const asksHelp = rest.includes("--help") || rest.includes("-h");
  const wantsHelp = first === "help" || first === "--help" || first === "-h";
  if (wantsHelp && rest[0] === undefined) {
    context.write(programHelp(verbs));
    return exitCodes.done;
  }
  const name = wantsHelp ? rest[0]! : first;
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined) throw unknownVerb(name, verbs);
  const { command } = await verb.load();
  if (wantsHelp || asksHelp) {
    context.write(verbHelp(name, verb, command));
    return exitCodes.done;
  }
  // parseArguments() gives every option the value type its own description names.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return command.run(parseArguments(command, rest) as Parameters<typeof command.run>[0], context);
}

function unknownVerb(name: string, verbs: Readonly<Record<string, Verb>>): BitmendError {
  const near = didYouMean(name, Object.keys(verbs));
  const kind = name.startsWith("-") ? "option" : "verb";
  return new BitmendError(
    "cli/usage",
    `Unknown ${kind} ${JSON.stringify(name)}.${near === undefined ? ` Verbs: ${Object.keys(verbs).join(", ")}.` : ` Did you mean ${near}?`}`,
  );
}

function verbInUsage(verbs: Readonly<Record<string, Verb>>, argv: readonly string[]): string {
  const [first] = argv;
  return first !== undefined && Object.hasOwn(verbs, first) ? `${first} ` : "";
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === "AbortError");
}

/** The command line as a person can paste it again, to go on: what asks for a new start stays out. */
function commandLineText(program: string, argv: readonly string[]): string {
  const kept = argv.filter((argument) => argument !== "--fresh");
  const quoted = kept.map((argument) =>
    /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`,
  );
  return [program, ...quoted].join(" ");
}
