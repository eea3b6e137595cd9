/**
 * @file Degenerate outputs: failing completions that are no attempt at mathematics. Set by rule before any step is judged, and
 * counted apart, because below 4 bits most lost answers of small models are of this kind (docs/papers.md, P1).
 */
import type { Verdict } from "./verdict.ts";
import { distinctWindowShare } from "./distinct-windows.ts";
import { longestCycle, tailPeriods } from "./tail-cycle.ts";

/** Why a failing completion is degenerate, in the order the rules are tried. */
export type DegenerateKind = "not-text" | "loop" | "no-answer";

/** The numbers the definition depends on; {@link describeDegenerate} prints them. */
export interface DegenerateParameters {
  /** Not text: at least this share of the non-space characters is unreadable. */
  readonly unreadableShare: number;
  /** Loop of lines: the end repeats a cycle of whole lines at least this often ... */
  readonly lineRepeats: number;
  /** Loop of characters: the end repeats a cycle of characters at least this often ... */
  readonly characterRepeats: number;
  /** ... and the repeated end is at least this many characters long (both kinds). */
  readonly loopCharacters: number;
  /** Loop with variations: the end has at most this share of distinct windows; 0 in the definition, which takes exact cycles only. */
  readonly nearLoopShare: number;
}

const defaultDegenerateParameters: DegenerateParameters = {
  unreadableShare: 0.3,
  lineRepeats: 4,
  characterRepeats: 5,
  loopCharacters: 40,
  nearLoopShare: 0,
};

/** The definition in one sentence, for reports. */
export function describeDegenerate(parameters: DegenerateParameters = defaultDegenerateParameters): string {
  const { lineRepeats, characterRepeats, loopCharacters } = parameters;
  return (
    "Degenerate is a failing completion in which, first match wins, " +
    `(not-text) at least ${Math.round(parameters.unreadableShare * 100)} % of the non-space characters are control, replacement, private-use or ` +
    "unassigned characters, special-token marks, or stand on a line of digits and operators that holds no expression; " +
    `(loop) the last at least ${loopCharacters} characters repeat one cycle of whole lines at least ${lineRepeats} times or one cycle of ` +
    `characters at least ${characterRepeats} times, the last repetition possibly cut short; ` +
    "or (no-answer) no final answer is marked before the text ends by itself or at the token limit."
  );
}

/** What the rules look at: the text and its verdict. */
export interface DegenerateCase {
  readonly completion: string;
  readonly verdict: Verdict["verdict"];
}

/** Why a completion is degenerate, null when it is not; a correct one never is. */
export function degenerateKind(
  { completion, verdict }: DegenerateCase,
  parameters: DegenerateParameters = defaultDegenerateParameters,
): DegenerateKind | null {
  return verdict === "correct" ? null : kindOf(shapeOf(completion), verdict, parameters);
}

/** What the rules read off a text, whatever their parameters are. */
interface TextShape {
  readonly unreadable: number;
  /** Smallest period of every end, in characters. */
  readonly characters: Int32Array;
  /** Lines that are not empty, white space collapsed: all, and all but the last, which may be cut short. */
  readonly lines: readonly { readonly lengths: readonly number[]; readonly periods: Int32Array }[];
  readonly distinctWindows: number;
}

function shapeOf(completion: string): TextShape {
  const text = completion.trimEnd();
  const lines = text
    .split("\n")
    .map((line) => line.trim().replaceAll(/\s+/g, " "))
    .filter((line) => line !== "");
  return {
    unreadable: unreadableShare(completion),
    characters: tailPeriods(text),
    lines: [lines, lines.slice(0, -1)].map((some) => ({
      lengths: some.map(({ length }) => length),
      periods: tailPeriods(some),
    })),
    distinctWindows: distinctWindowShare(completion),
  };
}

function kindOf(
  shape: TextShape,
  verdict: DegenerateCase["verdict"],
  parameters: DegenerateParameters,
): DegenerateKind | null {
  if (shape.unreadable >= parameters.unreadableShare) return "not-text";
  if (isLoop(shape, parameters)) return "loop";
  return verdict === "no-answer" ? "no-answer" : null;
}

function isLoop(
  { characters, lines, distinctWindows }: TextShape,
  parameters: DegenerateParameters,
): boolean {
  const { lineRepeats, characterRepeats, loopCharacters, nearLoopShare } = parameters;
  if ((longestCycle(characters, characterRepeats)?.length ?? 0) >= loopCharacters) return true;
  if (nearLoopShare > 0 && distinctWindows <= nearLoopShare) return true;
  return lines.some(({ lengths, periods }) => {
    const cycle = longestCycle(periods, lineRepeats);
    if (cycle === null) return false;
    // Lines joined by newlines.
    return lengths.slice(-cycle.length).reduce((sum, length) => sum + length + 1, -1) >= loopCharacters;
  });
}

const unreadableCharacters = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\u{FFFD}]|<\|?[a-z_0-9]+\|?>/giu;
/** Two numbers with an operator between them, or a continued `= 12`. */
const expression = /\d\s*[-+*/×÷]\s*\d|^\s*=\s*-?\d[\d.,]*\s*$/;

/** Share of the non-space characters that no reader could take for text; 1 for an empty completion. */
export function unreadableShare(completion: string): number {
  let readable = 0;
  let unreadable = 0;
  for (const line of completion.split(/\r?\n/)) {
    const characters = line.replaceAll(/\s+/g, "");
    const symbolNoise = !/\p{L}/u.test(line) && /[+*/=]/.test(line) && !expression.test(line);
    const bad = symbolNoise
      ? characters.length
      : (characters.match(unreadableCharacters) ?? []).reduce((sum, match) => sum + match.length, 0);
    unreadable += bad;
    readable += characters.length - bad;
  }
  return readable + unreadable === 0 ? 1 : unreadable / (readable + unreadable);
}

/** Share of `cases` that is degenerate, of each kind, under one set of parameters. */
export interface DegenerateShare {
  readonly parameters: DegenerateParameters;
  readonly share: number;
  readonly byKind: Readonly<Record<DegenerateKind, number>>;
}

/** How the degenerate share depends on the definition: one row per variation, the default first. */
export function degenerateSensitivity(
  cases: readonly DegenerateCase[],
  variations: readonly Partial<DegenerateParameters>[] = defaultVariations,
): DegenerateShare[] {
  const shapes = cases.flatMap(({ completion, verdict }) =>
    verdict === "correct" ? [] : [{ shape: shapeOf(completion), verdict }],
  );
  return [{}, ...variations].map((variation) => {
    const parameters = { ...defaultDegenerateParameters, ...variation };
    const counts = { "not-text": 0, loop: 0, "no-answer": 0 };
    for (const { shape, verdict } of shapes) {
      const kind = kindOf(shape, verdict, parameters);
      if (kind !== null) counts[kind]++;
    }
    const total = Math.max(1, cases.length);
    const byKind = {
      "not-text": counts["not-text"] / total,
      loop: counts.loop / total,
      "no-answer": counts["no-answer"] / total,
    };
    return { parameters, share: byKind["not-text"] + byKind.loop + byKind["no-answer"], byKind };
  });
}

/** Each parameter halved and doubled, roughly; then loops with variations counted as loops. */
export const defaultVariations: readonly Partial<DegenerateParameters>[] = [
  { lineRepeats: 3, characterRepeats: 3 },
  { lineRepeats: 8, characterRepeats: 10 },
  { loopCharacters: 20 },
  { loopCharacters: 200 },
  { unreadableShare: 0.15 },
  { unreadableShare: 0.6 },
  { nearLoopShare: 0.25 },
];
