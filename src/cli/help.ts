import type { Command, CommandOption, Verb } from "./command.ts";

/** `bitmend --help`: every verb with its summary, within 80 columns. */
export function programHelp(verbs: Readonly<Record<string, Verb>>): string {
  const width = Math.max(...Object.keys(verbs).map((name) => name.length));
  return [
    "bitmend: quantize a language model, see which reasoning it lost and why, and",
    "bring it back.",
    "",
    "Usage: bitmend VERB [OPTIONS]",
    "",
    "Verbs:",
    ...Object.entries(verbs).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "bitmend VERB --help shows a verb's options and examples.",
    "bitmend --version shows the version.",
    "",
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C.",
  ].join("\n");
}

/** `bitmend VERB --help`: usage, options and examples, within 80 columns. */
export function verbHelp(name: string, verb: Pick<Verb, "summary">, command: Command): string {
  const { positionals, options, examples } = command;
  const rows = [
    ...(positionals === undefined ? [] : [[positionals.usage, positionals.help] as const]),
    ...Object.entries(options).map(
      ([option, description]) => [optionUsage(option, description), description.help] as const,
    ),
    ["--help, -h", "show this text"] as const,
  ];
  const width = Math.min(28, Math.max(...rows.map(([left]) => left.length)));
  return [
    verb.summary,
    "",
    `Usage: bitmend ${name}${positionals === undefined ? "" : ` ${positionals.usage}`} [OPTIONS]`,
    "",
    ...rows.flatMap(([left, right]) => twoColumns({ left, right, width })),
    ...(examples.length === 0 ? [] : ["", "Examples:"]),
    ...examples.flatMap(({ command: line, does }) => [
      `  ${line}`,
      ...wrap(does, 74).map((t) => `      ${t}`),
    ]),
  ].join("\n");
}

function optionUsage(name: string, option: CommandOption): string {
  const value = option.type === "boolean" ? "" : ` ${option.value}`;
  return `--${name}${value}${option.short === undefined ? "" : `, -${option.short}`}`;
}

function twoColumns({ left, right, width }: { left: string; right: string; width: number }): string[] {
  const [first = "", ...more] = wrap(right, 80 - width - 4);
  const indent = " ".repeat(width + 4);
  const head =
    left.length > width ? [`  ${left}`, `${indent}${first}`] : [`  ${left.padEnd(width)}  ${first}`];
  return [...head, ...more.map((line) => `${indent}${line}`)];
}

/** Breaks `text` at spaces into lines of at most `width` columns; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}
