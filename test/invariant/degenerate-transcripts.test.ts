/** @file The definition of degenerate outputs on real texts of quantized models (../shared/data, skipped where it is absent). */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type DegenerateCase, degenerateKind, degenerateSensitivity } from "../../src/grading/degenerate.ts";
import { endsAbruptly } from "../../src/grading/ends-abruptly.ts";
import { extractAnswer } from "../../src/grading/extract-answer.ts";

const path = "../shared/data/transcripts/quantized-reasoning-models.jsonl";
interface Transcript {
  readonly run: string;
  readonly correct: boolean;
  readonly text: string;
}

const verdictOf = ({ correct, text }: Transcript): DegenerateCase["verdict"] =>
  correct ? "correct" : extractAnswer(text).found ? "incorrect" : "no-answer";

// The model closes its thoughts with </think> before it answers: a text without it was cut by the token limit.
const isCut = ({ text }: Transcript): boolean => !text.includes("</think>");

describe.skipIf(!existsSync(path))(`degenerate outputs among the texts of ${path}`, () => {
  const transcripts = (existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : []).map(
    (line) => JSON.parse(line) as Transcript,
  );
  const failures = transcripts.filter(({ correct }) => !correct);
  const failingCases = failures.map((each) => ({ completion: each.text, verdict: verdictOf(each) }));

  test("no correct solution would be called a loop or not text, even if it were graded wrong", () => {
    const correct = transcripts.filter((each) => each.correct);
    expect(correct).toHaveLength(139);
    for (const { text } of correct)
      expect(degenerateKind({ completion: text, verdict: "incorrect" })).toBeNull();
  });

  test("every failing text without an answer is degenerate, most of them as loops", () => {
    const kinds = failingCases
      .filter(({ verdict }) => verdict === "no-answer")
      .map((each) => degenerateKind(each));
    expect(kinds.filter((kind) => kind === "loop").length).toBeGreaterThan(kinds.length / 2);
    expect(kinds).not.toContain(null);
  });

  test("the share depends little on the parameters", () => {
    const shares = degenerateSensitivity(failingCases).map(({ share }) => share);
    // 141 failing texts: 18.4 % by default, 17.7 % to 19.1 % under the variations.
    expect(shares[0]).toBeCloseTo(26 / 141, 3);
    for (const share of shares) expect(Math.abs(share - shares[0]!)).toBeLessThan(0.02);
  });

  test("texts that were cut end abruptly, whole ones do not", () => {
    const [cut, whole] = [transcripts.filter(isCut), transcripts.filter((each) => !isCut(each))];
    expect([cut.length, whole.length]).toEqual([33, 247]);
    // The four others end with a full stop or bracket, as a cut text may; the whole one ends in "Wait,".
    expect(cut.filter(({ text }) => endsAbruptly(text))).toHaveLength(29);
    expect(whole.filter(({ text }) => endsAbruptly(text))).toHaveLength(1);
  });

  test("exact cycles are found in most texts that never came to an end, loops that vary in nearly all, and neither in a whole text", () => {
    const looping = transcripts.map((each) => ({
      isCut: isCut(each),
      loops: degenerateSensitivity(
        [{ completion: each.text, verdict: "incorrect" }],
        [{ nearLoopShare: 0.25 }],
      ).map(({ byKind }) => byKind.loop),
    }));
    const rows = [0, 1].map((row) => ({
      cut: looping.filter((each) => each.isCut && each.loops[row] === 1).length,
      whole: looping.filter((each) => !each.isCut && each.loops[row] === 1).length,
    }));
    // In sample: the share was chosen between the two groups, whose shares lie up to 0.36 and from 0.45 on.
    expect(rows).toEqual([
      { cut: 20, whole: 0 },
      { cut: 28, whole: 0 },
    ]);
  });
});
