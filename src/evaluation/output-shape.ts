import { type DegenerateCase, degenerateSensitivity, type DegenerateShare } from "../grading/degenerate.ts";
import { endsAbruptly } from "../grading/ends-abruptly.ts";
import { splitThoughts } from "../grading/thoughts.ts";
import type { DegenerateRow, OutputShape } from "../runs/run-comparison.ts";
import type { SampledProblem } from "./sampled-run.ts";

/** Describes the texts of all samples; samples without one are left out. */
export function outputShape(problems: readonly SampledProblem[]): OutputShape {
  const samples = problems.flatMap((problem) =>
    problem.samples.flatMap((sample) => (sample.text === null ? [] : [{ ...sample, text: sample.text }])),
  );
  const inTokens = samples.every(({ tokens }) => tokens !== null);
  const lengths = samples
    .map(({ text, tokens }) => (inTokens ? tokens! : text.length))
    .toSorted((a, b) => a - b);
  const share = (count: number): number => count / Math.max(1, samples.length);
  const known = samples.length > 0 && samples.every(({ truncated }) => truncated !== null);
  const cut = samples.filter(({ truncated }) => truncated === true);
  return {
    texts: samples.length,
    unit: inTokens ? "tokens" : "characters",
    lengths:
      lengths.length === 0
        ? null
        : {
            mean: lengths.reduce((sum, length) => sum + length, 0) / lengths.length,
            median: quantile(lengths, 0.5),
            p90: quantile(lengths, 0.9),
            longest: lengths.at(-1)!,
          },
    truncated: known ? share(cut.length) : null,
    thoughtsTruncated: known
      ? share(cut.filter(({ text }) => splitThoughts(text).state === "open").length)
      : null,
    abrupt: share(samples.filter(({ text }) => endsAbruptly(text)).length),
    degenerate: degenerateRows(
      samples.map(({ text, score, answer }) => ({
        completion: text,
        verdict: score > 0.5 ? "correct" : answer === null ? "no-answer" : "incorrect",
      })),
    ),
  };
}

function degenerateRows(cases: readonly DegenerateCase[]): DegenerateRow[] {
  if (cases.length === 0) return [];
  const [usual, ...others] = degenerateSensitivity(cases);
  return [
    degenerateRow(usual!, null),
    ...others.map((each) => degenerateRow(each, departure(usual!.parameters, each.parameters))),
  ];
}

function degenerateRow({ share, byKind }: DegenerateShare, variation: string | null): DegenerateRow {
  return { variation, share, loop: byKind.loop, noAnswer: byKind["no-answer"], notText: byKind["not-text"] };
}

type Parameters = DegenerateShare["parameters"];

const parameterWords: readonly (readonly [keyof Parameters, string])[] = [
  ["lineRepeats", "equal lines"],
  ["characterRepeats", "equal runs of characters"],
  ["loopCharacters", "characters of loop"],
  ["unreadableShare", "share of unreadable characters"],
  ["nearLoopShare", "share of distinct ends: loops that vary"],
];

/** How a definition differs from the one in use, in words. */
function departure(usual: Parameters, other: Parameters): string {
  return parameterWords
    .filter(([name]) => usual[name] !== other[name])
    .map(([name, words]) => `${other[name]} ${words}`)
    .join(", ");
}

/** Quantile of sorted values, linear between neighbours. */
function quantile(sorted: readonly number[], fraction: number): number {
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)]!;
  return below + (sorted[Math.ceil(position)]! - below) * (position - Math.floor(position));
}
