import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Problem } from "../tasks/problem.ts";
import { consume } from "../util/consume.ts";
import { evaluateVariant } from "./evaluate-variant.ts";
import { sampleSolutions, type SamplingSetup } from "./sample-solutions.ts";

const problems: Problem[] = ["p0", "p1", "p2"].map((id) => ({
  id,
  question: id,
  answer: "1",
  split: "test",
}));

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "bitmend-sample-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Solves problem k from the k-th call on, counted from 0. */
function setup(asked: string[][]): SamplingSetup {
  return {
    variant: "full",
    problems,
    promptIds: () => [1],
    seed: 1,
    directory,
    rounds: 5,
    solvedBy: ["full"],
    generate: async function* (requests) {
      const call = asked.push(requests.map(({ id }) => id)) - 1;
      for (const { id } of requests) {
        const text = Number(id.slice(1)) <= call ? "a: 1*1=1\n#### 1" : "a: 1+1=2\n#### 2";
        yield { type: "completion", id, tokenIds: [1], text, finish: "stop" };
      }
    },
  };
}

test("each round samples what no variant and no earlier round has solved", async () => {
  const asked: string[][] = [];
  const { rounds: _rounds, solvedBy: _solvedBy, ...greedy } = setup(asked);
  await consume(evaluateVariant(greedy));
  expect(await consume(sampleSolutions(setup(asked)))).toEqual(["full~1", "full~2"]);
  expect(asked).toEqual([["p0", "p1", "p2"], ["p1", "p2"], ["p2"]]);
});

test("called again, it asks nothing and names the same rounds", async () => {
  const names = await consume(sampleSolutions(setup([])));
  const asked: string[][] = [];
  expect(await consume(sampleSolutions(setup(asked)))).toEqual(names);
  expect(asked).toEqual([]);
});
