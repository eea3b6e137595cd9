/**
 * @file Degenerate outputs: failing completions that are no attempt at mathematics. Set by rule before any step is judged, and
 * counted apart, because below 4 bits most lost answers of small models are of this kind (docs/papers.md, P1).
 */
import type { Verdict } from "./verdict.ts";
import { tailCycle } from "./tail-cycle.ts";

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
}

const defaultDegenerateParameters: DegenerateParameters = {
  unreadableShare: 0.3,
  lineRepeats: 4,
  characterRepeats: 5,
  loopCharacters: 40,
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
  if (verdict === "correct") return null;
  if (unreadableShare(completion) >= parameters.unreadableShare) return "not-text";
  if (isLoop(completion, parameters)) return "loop";
  return verdict === "no-answer" ? "no-answer" : null;
}

function isLoop(completion: string, parameters: DegenerateParameters): boolean {
  const { lineRepeats, characterRepeats, loopCharacters } = parameters;
  const text = completion.trimEnd();
  const characters = tailCycle(text, characterRepeats);
  if (characters !== null && characters.length >= loopCharacters) return true;
  const lines = text
    .split("\n")
    .map((line) => line.trim().replaceAll(/\s+/g, " "))
    .filter((line) => line !== "");
  return [lines, lines.slice(0, -1)].some((candidate) => {
    const cycle = tailCycle(candidate, lineRepeats);
    return cycle !== null && candidate.slice(-cycle.length).join("\n").length >= loopCharacters;
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
  return [{}, ...variations].map((variation) => {
    const parameters = { ...defaultDegenerateParameters, ...variation };
    const counts = { "not-text": 0, loop: 0, "no-answer": 0 };
    for (const each of cases) {
      const kind = degenerateKind(each, parameters);
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

/** Each parameter halved and doubled, roughly. */
export const defaultVariations: readonly Partial<DegenerateParameters>[] = [
  { lineRepeats: 3, characterRepeats: 3 },
  { lineRepeats: 8, characterRepeats: 10 },
  { loopCharacters: 20 },
  { loopCharacters: 200 },
  { unreadableShare: 0.15 },
  { unreadableShare: 0.6 },
];
