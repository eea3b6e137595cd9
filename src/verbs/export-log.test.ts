import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inspectLog, type InspectLogInput, inspectLogName } from "../report/inspect-log.ts";
import { readInspectLog } from "../evaluation/logs/inspect-log.ts";
import type { VerdictRecord } from "../runs/records.ts";
import { fullVariant } from "./run/variants.ts";

const problem = { question: "2+2?", answer: "4", subject: "sums", level: 1 };
const problems = [
  { ...problem, id: "a" },
  { ...problem, id: "b", level: null },
];

/** Two problems of two samples each: a is solved once, b never, the last without an answer. */
function example(): InspectLogInput {
  const verdicts: readonly (readonly [string, number, VerdictRecord["verdict"]])[] = [
    ["b", 1, "no-answer"],
    ["a", 0, "correct"],
    ["a", 1, "incorrect"],
    ["b", 0, "incorrect"],
  ];
  return {
    variant: { ...fullVariant, name: "m" },
    task: { name: "file:/data/my problems.jsonl", version: "1" },
    generation: { maxNewTokens: 64, temperature: 0.5, topP: 1 },
    seed: 1,
    problems,
    completions: verdicts.map(([id, sample]) => {
      const first = sample === 0 ? {} : { sample };
      return {
        variant: "m",
        problem: id,
        ...first,
        text: `text ${id}${sample}`,
        tokens: 5,
        finish: "length",
      };
    }),
    verdicts: verdicts.map(([id, sample, verdict]) => {
      const first = sample === 0 ? {} : { sample };
      const extracted = verdict === "no-answer" ? null : "4";
      return { variant: "m", problem: id, ...first, verdict, extracted, expected: "4", degenerate: null };
    }),
    startedAt: new Date("2026-11-22T05:00:01.5Z"),
    completedAt: new Date("2026-11-22T05:10:00Z"),
  };
}

test("worked example: means of problems, then their mean and its standard error", () => {
  const input = example();
  expect(inspectLogName(input)).toMatch(
    /^2026-11-22T05-00-01\+00-00_file-data-my-problems-jsonl_[A-Za-z0-9]{22}\.json$/u,
  );
  expect(JSON.parse([...inspectLog(input)].join(""))).toMatchObject({
    version: 2,
    status: "success",
    eval: { created: "2026-11-22T05:00:01+00:00", model: "bitmend/m", config: { epochs: 2 } },
    results: {
      total_samples: 4,
      completed_samples: 4,
      // Problems at 1/2 and 0: mean 1/4, deviation 1/4 each, so sqrt((1/16 + 1/16) / 1 / 2) = 1/4.
      scores: [{ metrics: { accuracy: { value: 0.25 }, stderr: { value: 0.25 } } }],
    },
    samples: [
      { id: "a", epoch: 1, scores: { bitmend: { value: "C" } } },
      { id: "a", epoch: 2, scores: { bitmend: { value: "I" } } },
      { id: "b", epoch: 1, scores: { bitmend: { value: "I" } } },
      { id: "b", epoch: 2, scores: { bitmend: { value: "N" } } },
    ],
  });
});

test("what is not answered yet makes it a log that was stopped", () => {
  const input = example();
  const text = [...inspectLog({ ...input, verdicts: input.verdicts.slice(1) })].join("");
  expect(JSON.parse(text)).toMatchObject({ status: "cancelled", results: { completed_samples: 3 } });
});

test("bitmend compares the log like the run it came from", () => {
  const folder = mkdtempSync(join(tmpdir(), "bitmend-log-"));
  const path = join(folder, "log.json");
  writeFileSync(path, [...inspectLog(example())].join(""));
  const { run, remarks } = readInspectLog(path);
  expect(remarks).toEqual([]);
  expect(run.problems.map(({ id, samples }) => [id, samples.map(({ score }) => score)])).toEqual([
    ["a", [1, 0]],
    ["b", [0, 0]],
  ]);
  expect(readFileSync(path, "utf8")).toBe([...inspectLog(example())].join(""));
  rmSync(folder, { recursive: true });
});
