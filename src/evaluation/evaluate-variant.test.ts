import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Problem } from "../tasks/problem.ts";
import { consume } from "../util/consume.ts";
import { type EvaluationEvent, type EvaluationSetup, evaluateVariant } from "./evaluate-variant.ts";

const problems: Problem[] = Array.from({ length: 6 }, (_, index) => ({
  id: `p${index}`,
  question: `${index}+1=?`,
  answer: `${index + 1}`,
  split: "test",
}));

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "bitmend-evaluate-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Answers every problem, the odd ones wrongly, last problem first, with the seed in the text; counts what it was asked. */
function setup(asked: string[], overrides: Partial<EvaluationSetup> = {}): EvaluationSetup {
  return {
    variant: "full",
    problems,
    promptIds: (problem) => [problem.question.length],
    seed: 7,
    directory,
    generate: async function* (requests) {
      for (const { id, seed } of requests.toReversed()) {
        asked.push(id);
        const index = Number(id.slice(1));
        const text = `seed: ${seed}\n#### ${index + 1 + (index % 2)}`;
        yield { type: "completion", id, tokenIds: [1, 2, 3], text, finish: "stop" };
        yield { type: "progress", finished: asked.length, total: requests.length, tokensPerSecond: 100 };
      }
    },
    ...overrides,
  };
}

const answerNothing: EvaluationSetup["generate"] = async function* () {
  yield { type: "progress", finished: 0, total: 6, tokensPerSecond: 1 };
};

const linesOf = (name: string): string[] =>
  readFileSync(join(directory, name), "utf8").split("\n").slice(0, -1);

const keep = (lines: readonly string[], count: number): string =>
  lines
    .slice(0, Math.max(0, count))
    .map((line) => `${line}\n`)
    .join("");

describe("evaluateVariant", () => {
  test("what keeps grading from its work is found before anything is asked, and not when all is answered", async () => {
    const asked: string[] = [];
    const failing = {
      prepareGrading: async () => {
        throw new Error("no python3");
      },
    };
    await expect(consume(evaluateVariant(setup(asked, failing)), () => {})).rejects.toThrow("no python3");
    expect(asked).toEqual([]);
    await consume(evaluateVariant(setup(asked)), () => {});
    const { verdicts } = await consume(evaluateVariant(setup(asked, failing)), () => {});
    expect(verdicts).toHaveLength(6);
  });

  test("grades every problem, in problem order, and reports the rate", async () => {
    const events: EvaluationEvent[] = [];
    const { completions, verdicts } = await consume(evaluateVariant(setup([])), (event) =>
      events.push(event),
    );
    expect(completions.map(({ problem }) => problem)).toEqual(problems.map(({ id }) => id));
    expect(verdicts.map(({ verdict }) => verdict === "correct")).toEqual([
      true,
      false,
      true,
      false,
      true,
      false,
    ]);
    expect(events[0]).toMatchObject({ type: "progress", finished: 0, total: 6, secondsLeft: null });
    expect(events.at(-1)).toMatchObject({ finished: 6, correct: 3, tokensPerSecond: 100, secondsLeft: 0 });
  });

  test("killed anywhere, it asks only what is missing and ends with the same records", async () => {
    const whole = await consume(evaluateVariant(setup([])));
    const [completionLines, verdictLines] = [linesOf("completions.jsonl"), linesOf("verdicts.jsonl")];
    for (let kept = 0; kept <= 6; kept++) {
      for (const lostVerdicts of [0, 1]) {
        writeFileSync(join(directory, "completions.jsonl"), keep(completionLines, kept));
        writeFileSync(join(directory, "verdicts.jsonl"), keep(verdictLines, kept - lostVerdicts));
        appendFileSync(join(directory, "verdicts.jsonl"), '{"variant":"fu');
        const asked: string[] = [];
        // oxlint-disable-next-line eslint/no-await-in-loop -- each attempt reads what the last one wrote
        expect(await consume(evaluateVariant(setup(asked)))).toEqual(whole);
        expect(asked).toHaveLength(6 - kept);
      }
    }
  });

  test("another variant gets the same seeds and its own records", async () => {
    const full = await consume(evaluateVariant(setup([])));
    const asked: string[] = [];
    const other = await consume(evaluateVariant(setup(asked, { variant: "w4" })));
    expect(asked).toHaveLength(6);
    expect(other.completions.map(({ text }) => text)).toEqual(full.completions.map(({ text }) => text));
  });

  test("a generator that leaves a problem out is reported", async () => {
    await expect(consume(evaluateVariant(setup([], { generate: answerNothing })))).rejects.toThrow(
      expect.objectContaining({ code: "evaluation/incomplete" }),
    );
  });

  test("an aborted run says so, not that problems are missing", async () => {
    const signal = AbortSignal.abort();
    await expect(
      consume(evaluateVariant(setup([], { generate: answerNothing }), { signal })),
    ).rejects.toThrow("aborted");
  });

  test("no problems, or one twice, are refused before anything is generated", async () => {
    const twice = [problems[0]!, problems[0]!];
    await expect(consume(evaluateVariant(setup([], { problems: [] })))).rejects.toThrow("got none");
    await expect(consume(evaluateVariant(setup([], { problems: twice })))).rejects.toThrow("twice");
  });
});
