import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bitmend, type Outcome } from "./bitmend.ts";
import type { KillPoint } from "./kill-at.ts";
import { contents, findings, onlyRun } from "./run-result.ts";
import { skipped, testModel } from "./test-model.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-kill-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const recipe = join(import.meta.dirname, "small-recipe.ts");
const killer = join(import.meta.dirname, "kill-at.ts");

async function run(runs: string, point?: KillPoint): Promise<Outcome> {
  const argv = ["run", recipe, "--threads", "2", "--runs", runs, "--json"];
  if (point === undefined) return bitmend(argv);
  const environment = { BITMEND_KILL_AT: JSON.stringify(point) };
  return bitmend(argv, { node: ["--import", killer], environment });
}

/** One after the other in the same run, each in an attempt of its own. */
const points: readonly (readonly [doing: string, KillPoint["moment"], what: string, time: number])[] = [
  ["measuring full precision", "append", String.raw`/completions\.jsonl .*:"full"`, 7],
  ["between completion and verdict", "append", String.raw`/verdicts\.jsonl `, 3],
  ["solving calibration problems", "append", String.raw`train/completions`, 5],
  ["writing a shard", "partial", String.raw`w3-g64-rtn/model-00002`, 1],
  ["between record and shard", "rename", String.raw`w3-g64-gptq/quantization\.json`, 2],
  ["in the middle of GPTQ", "partial", String.raw`w3-g64-gptq/model-00002`, 1],
  ["after GPTQ", "rename", String.raw`w3-g64-gptq/config\.json`, 1],
  ["recording layer errors", "append", String.raw`layer-errors`, 1],
  ["measuring a variant", "append", String.raw`/completions\.jsonl .*gptq`, 5],
  ["writing the comparisons", "partial", String.raw`comparisons\.json`, 1],
  ["sampling solutions", "append", String.raw`/completions\.jsonl .*full~1`, 2],
  ["diagnosing", "append", String.raw`diagnoses`, 1],
  ["looking for medicine", "append", String.raw`train/verdicts.*gptq`, 4],
  ["after the medicine set", "rename", String.raw`medicine`, 1],
  ["early in DPO", "append", String.raw`training\.jsonl .*\+dpo`, 3],
  ["writing the state of DPO", "partial", String.raw`\+dpo/training`, 1],
  ["late in DPO", "append", String.raw`training\.jsonl .*\+dpo`, 2],
  ["between adapter and its configuration", "rename", String.raw`\+dpo/adapter_model`, 1],
  ["after DPO", "rename", String.raw`\+dpo/adapter_config`, 1],
  ["measuring a mended variant", "append", String.raw`/verdicts\.jsonl .*\+dpo`, 2],
  ["imitating", "append", String.raw`training\.jsonl .*\+sft`, 2],
  ["late in QAT", "append", String.raw`training\.jsonl .*w2-g64-gptq\+qat`, 52],
  ["writing what QAT made", "partial", String.raw`w2-g64-gptq\+qat/model-00002`, 1],
  ["after QAT", "rename", String.raw`w2-g64-gptq\+qat/config\.json`, 1],
  ["diagnosing mended variants", "append", String.raw`diagnoses`, 1],
  ["between report and summary", "rename", String.raw`report\.html`, 1],
  ["writing the summary", "partial", String.raw`summary\.json`, 1],
];

describe.skipIf(testModel === null)(`a run${skipped}`, () => {
  const whole = join(work, "whole");
  const killed = join(work, "killed");
  test("has an unbroken one to be compared with", async () => {
    expect(await run(whole)).toMatchObject({ ended: 0 });
  });

  test.each(points)("is killed with SIGKILL %s", async (_doing, ...[moment, what, time]) => {
    expect(await run(killed, { moment, what, time })).toMatchObject({ ended: "SIGKILL", stdout: "" });
    expect(existsSync(join(onlyRun(killed), "summary.json"))).toBe(false);
  });

  test("and ends with the summary and the files of an unbroken one", async () => {
    const { ended, stdout } = await run(killed);
    expect(ended).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(findings(onlyRun(killed)));
    expect(findings(onlyRun(killed))).toEqual(findings(onlyRun(whole)));
    expect(contents(onlyRun(killed))).toEqual(contents(onlyRun(whole)));
    const names = [...contents(onlyRun(killed)).keys()];
    expect(names.filter((name) => /\.partial$|^lock$|training\.safetensors$/u.test(name))).toEqual([]);
    expect(existsSync(join(onlyRun(killed), "report.html"))).toBe(true);
  });
});
