/** @file Mixed precision as people start it: by pattern and by budget, killed and continued, measured afterwards. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { EvaluateResult, PerplexityResult, QuantizeResult } from "../../src/index.ts";
import { openModel } from "../../src/models/open-model.ts";
import { bitmend, type Outcome } from "./bitmend.ts";
import type { KillPoint } from "./kill-at.ts";
import { skipped, testModel } from "./test-model.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-mixed-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const at = (name: string): string => join(work, name);
const model = testModel ?? "";
const killer = join(import.meta.dirname, "kill-at.ts");
const few = ["--calibration", "task:pocket", "--calibration-sequences", "8", "--threads", "2"] as const;
const mixed = ["quantize", model, "--method", "gptq", "--average-bits", "3", ...few] as const;

async function object<Result>(...argv: readonly string[]): Promise<Result> {
  const outcome = await bitmend([...argv, "--json"]);
  expect(outcome).toMatchObject({ ended: 0, stderr: "" });
  return JSON.parse(outcome.stdout) as Result;
}

async function killedAt(directory: string, point: KillPoint): Promise<Outcome> {
  const environment = { BITMEND_KILL_AT: JSON.stringify(point) };
  return bitmend([...mixed, "-o", directory], { node: ["--import", killer], environment });
}

/** Weights and records, but for the lock. */
function contents(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => /\.(?:safetensors|jsonl?)$/u.test(name));
  return new Map(files.map((name) => [name, readFileSync(join(directory, name), "base64")]));
}

const killPoints: readonly KillPoint[] = [
  { moment: "partial", what: "rounded/w3/model-00002", time: 1 },
  { moment: "append", what: "sensitivity", time: 2 },
  { moment: "rename", what: "allocations", time: 1 },
  { moment: "partial", what: "killed/model-00001", time: 1 },
  { moment: "partial", what: "allocations", time: 1 },
];

describe.skipIf(testModel === null)(`mixed precision${skipped}`, () => {
  test("by budget: the mean is kept, widths differ, and prediction stands beside measurement", async () => {
    const { allocation, variant, directory } = await object<QuantizeResult>(...mixed, "-o", at("whole"));
    expect(variant).toMatchObject({ name: "w3-mixed-g64-gptq", bits: null, averageBits: 3 });
    expect(allocation!.averageBits).toBeLessThanOrEqual(3);
    expect(allocation!.measured).toBeGreaterThan(0);
    const modules = openModel(directory).quantization!;
    for (const { modules: names, bits } of allocation!.units)
      for (const name of names) expect(modules.get(name)!.scheme.bits).toBe(bits);
    let [weights, bits] = [0, 0];
    for (const { rows, columns, scheme } of modules.values()) {
      weights += rows * columns;
      bits += rows * columns * scheme.bits;
    }
    expect(bits / weights).toBeCloseTo(allocation!.averageBits, 10);
    expect(existsSync(join(directory, "records/rounded"))).toBe(false);
    const evaluated = await object<EvaluateResult>(
      "evaluate",
      directory,
      "-o",
      at("eval"),
      "--problems",
      "8",
    );
    expect(evaluated.variant).toEqual(variant);
  });

  test("killed at any moment and started again, it ends with the same bytes", async () => {
    for (const point of killPoints) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- one attempt after the other
      expect(await killedAt(at("killed"), point)).toMatchObject({ ended: "SIGKILL" });
    }
    await object<QuantizeResult>(...mixed, "-o", at("killed"));
    expect(contents(at("killed"))).toEqual(contents(at("whole")));
  });

  test("by pattern: other bits and kept modules; an unknown pattern is refused before any work", async () => {
    const argv = ["quantize", model, "--method", "rtn", "--bits", "4", "--keep", "*.0.*"] as const;
    const result = await object<QuantizeResult>(...argv, "--override", "*.down_proj=8", "-o", at("pattern"));
    const modules = openModel(result.directory).quantization!;
    expect([...modules.keys()].filter((name) => name.includes(".0."))).toEqual([]);
    expect(modules.get("model.layers.1.mlp.down_proj")!.scheme.bits).toBe(8);
    expect(modules.get("model.layers.1.mlp.up_proj")!.scheme.bits).toBe(4);
    const refused = await bitmend([...argv, "--keep", "down", "-o", at("none")]);
    expect(refused.ended).toBe(1);
    expect(refused.stderr).toContain("[quantization/unknown-module]");
    expect(existsSync(at("none"))).toBe(false);
  });

  test("the perplexity of answers is measured of full and of low-bit models", async () => {
    const question = "Ann has 3 pens. She buys 4 pens. How many pens does she have now?";
    writeFileSync(at("text.jsonl"), `${chat(question, "now: 3+4=7\n#### 7")}\n`.repeat(4));
    const text = ["--text", at("text.jsonl"), "--length", "64"] as const;
    const full = await object<PerplexityResult>("perplexity", model, ...text);
    const low = await object<PerplexityResult>("perplexity", at("whole"), ...text);
    expect(full.tokens).toBe(low.tokens);
    expect(full.perplexity).toBeGreaterThan(1);
    expect(low.perplexity).not.toBe(full.perplexity);
  });
});

function chat(question: string, answer: string): string {
  return JSON.stringify({
    messages: [
      { role: "user", content: question },
      { role: "assistant", content: answer },
    ],
  });
}
