import { styleText } from "node:util";

/** Where people's text goes, and what may be done there. */
export interface Terminal {
  /** True where a line may be redrawn in place. */
  readonly interactive: boolean;
  readonly colors: boolean;
  /** True where line-drawing characters show as such. */
  readonly unicode: boolean;
  /** Columns now; people resize their windows. */
  readonly columns: () => number;
  readonly write: (text: string) => void;
}

/** The parts of a Node write stream a terminal needs. */
export interface TerminalStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly write: (text: string) => unknown;
}

/** Describes `stream` under the conventions NO_COLOR (any value but the empty one), TERM=dumb and the locale's character set. */
export function openTerminal(
  stream: TerminalStream,
  environment: Readonly<Record<string, string | undefined>>,
): Terminal {
  const { TERM, NO_COLOR, LC_ALL, LC_CTYPE, LANG } = environment;
  const interactive = stream.isTTY === true && TERM !== "dumb";
  // POSIX: the first of the three that is set and not empty decides.
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== "") ?? "";
  return {
    interactive,
    colors: interactive && (NO_COLOR ?? "") === "",
    unicode: interactive && /utf-?8/i.test(locale),
    columns: () => stream.columns ?? 80,
    write: (text) => void stream.write(text),
  };
}

/** `text` in a style where the terminal shows colours, else as it is. */
export function paint(
  terminal: Pick<Terminal, "colors">,
  style: "bold" | "dim" | "red" | "green" | "yellow",
  text: string,
): string {
  return terminal.colors ? styleText(style, text, { validateStream: false }) : text;
}

/** Makes text from outside safe to print: control characters, which could move the cursor or worse, become a visible mark. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (character) =>
    character === "\n" || character === "\t" ? character : "?",
  );
}
