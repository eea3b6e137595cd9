/** @file Logs that lm-evaluation-harness and Inspect wrote, read as these programs read them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readHarnessLog } from "../../src/evaluation/logs/harness-log.ts";
import { readInspectLog } from "../../src/evaluation/logs/inspect-log.ts";
import { meanScore, type SampledRun } from "../../src/evaluation/sampled-run.ts";
import { consume } from "../../src/util/consume.ts";
import { compare } from "../../src/verbs/compare.ts";

interface Said {
  readonly file: string;
  readonly model: string;
  readonly accuracy: Readonly<Record<string, number>>;
}
interface Golden {
  readonly source: { readonly program: string };
  readonly harness: readonly Said[];
  readonly inspect: readonly (Said & { readonly epochs: number })[];
}

const at = (name: string): string => fileURLToPath(new URL(`logs/${name}`, import.meta.url));
const golden = JSON.parse(readFileSync(at("said.json"), "utf8")) as Golden;

const accuracy = ({ problems }: SampledRun): number =>
  problems.reduce((sum, problem) => sum + meanScore(problem), 0) / problems.length;

describe(`logs mean what ${golden.source.program} say`, () => {
  test.each(golden.harness)("accuracy in $file", ({ file, accuracy: said }) => {
    for (const [metric, value] of Object.entries(said))
      expect(accuracy(readHarnessLog([at(file)], { name: "x", metric }).run)).toBeCloseTo(value, 14);
  });

  test.each(golden.inspect)("accuracy in $file", ({ file, model, accuracy: said }) => {
    for (const [metric, value] of Object.entries(said)) {
      const { run, remarks } = readInspectLog(at(file), { metric });
      expect(run.name).toBe(`mockllm/${model}`);
      expect(accuracy(run)).toBeCloseTo(value, 14);
      expect(remarks.some((remark) => remark.includes("no score"))).toBe(metric === "careful");
    }
  });

  test("both forms of Inspect's log hold questions, texts, tokens, ends, subjects and levels", () => {
    for (const file of ["full.json", "full-twice.eval"]) {
      const problem = readInspectLog(at(file)).run.problems.find(({ id }) => id === "p3");
      expect(problem).toMatchObject({ question: "What is 3 + 3?", subject: "odd", level: "1" });
      expect(problem?.samples[0]).toEqual({
        score: 1,
        answer: "6",
        text: "3 and 3 make 6.\n#### 6",
        tokens: 10,
        truncated: true,
      });
    }
  });
});

const paths = ["full", "low"].map((name) => at(name));

test("compare: two directories of the harness, and what was lost", async () => {
  const { runs, file, baseline } = await consume(compare({ paths }));
  expect([file, baseline]).toEqual([null, "full"]);
  // full is right on 0 to 4, low on 0, 2 and 4: of two flips, both losses, p = 2 / 2².
  expect(runs[1]?.paired).toMatchObject({ lost: ["sums/1", "sums/3"], won: [], p: 0.5, holmP: 0.5 });
});

test("compare: runs of two tools are paired by their questions", async () => {
  const remarks: string[] = [];
  const mixed = [...paths, at("low.eval"), at("low-twice.json")];
  const { runs } = await consume(compare({ paths: mixed }), (event) => {
    if (event.type === "remark") remarks.push(event.text);
  });
  expect(runs.map(({ name }) => name)).toEqual([
    "full",
    "low",
    "low.eval/mockllm/low",
    "low-twice.json/mockllm/low",
  ]);
  expect(runs[2]?.paired?.lost).toEqual(runs[1]?.paired?.lost);
  // Three comparisons: the smallest p counts three times.
  expect(runs[2]?.paired?.holmP).toBe(1);
  // Samples: right in 101010 and 100110; score 1/2, and problems 0 and 4 solved by more than half.
  expect(runs[3]).toMatchObject({
    summary: { score: 0.5, samples: 2 },
    paired: { test: "permutation-exact" },
  });
  expect(runs[3]?.paired?.lost).toEqual(["sums/1", "sums/2", "sums/3"]);
  expect(remarks.some((text) => text.includes("exact_match,flexible-extract"))).toBe(true);
});

test.each([
  ["verbs/no-records", { paths: [] }],
  ["verbs/no-records", { paths: [at("nothing.jsonl")] }],
  ["verbs/no-records", { paths: [fileURLToPath(import.meta.url)] }],
  ["evaluation/bad-log", { paths: [at("said.json")] }],
  ["evaluation/bad-log", { paths: [...paths, at("low.eval")], metric: "nonesuch" }],
  ["verbs/no-baseline", { paths, baseline: "nobody" }],
  ["evaluation/bad-difference", { paths, difference: 2 }],
])("compare: %s for %j", async (code, options) =>
  expect(consume(compare(options))).rejects.toThrow(expect.objectContaining({ code })),
);
