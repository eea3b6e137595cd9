/**
 * @file Grading speed beside Math-Verify on the cases of ../shared/data/grading, in one run: `node bench/grading.ts PYTHON`.
 *
 * PYTHON is an interpreter with the package math-verify. Both grade every case once before the clock starts.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { join } from "node:path";
import { gradeAnswer } from "../src/grading/math/grade-answer.ts";

const file = join(import.meta.dirname, "../../shared/data/grading/graded-answers.jsonl");
const python = process.argv[2];
if (python === undefined) throw new Error("node bench/grading.ts PYTHON, an interpreter with math-verify");

const cases = readFileSync(file, "utf8")
  .trim()
  .split("\n")
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the data's README says what a line holds
  .map((line) => JSON.parse(line) as { gold: string; pred: string; expected: boolean });

function ours(): number {
  return cases.filter(({ gold, pred }) => gradeAnswer({ gold, answer: pred }).verdict === "correct").length;
}

const program = `
import json, sys, time
from math_verify import parse, verify
cases = [json.loads(line) for line in open(sys.argv[1])]
def once():
    return sum(bool(verify(parse("$" + c["gold"] + "$"), parse("$" + c["pred"] + "$"))) for c in cases)
once()
start = time.perf_counter()
once()
print(time.perf_counter() - start)
`;

ours();
const start = performance.now();
ours();
const ourSeconds = (performance.now() - start) / 1000;
const peer = spawnSync(python, ["-c", program, file], { encoding: "utf8" });
const theirSeconds = Number(peer.stdout.trim());
if (!(theirSeconds > 0)) throw new Error(peer.stderr.slice(-1000));
const perSecond = (seconds: number): number => Math.round(cases.length / seconds);
console.log(
  JSON.stringify({
    cases: cases.length,
    bitmendPerSecond: perSecond(ourSeconds),
    mathVerifyPerSecond: perSecond(theirSeconds),
    ratio: Number((theirSeconds / ourSeconds).toFixed(1)),
    threads: "one each",
    processor: cpus()[0]?.model,
    cores: availableParallelism(),
    load: loadavg()[0],
  }),
);
