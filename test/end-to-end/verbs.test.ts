/** @file The verbs on files, as people start them: each one's result is the next one's input. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import type { CompareResult, EvaluateResult, QuantizeResult, RestoreResult } from "../../src/index.ts";
import { bitmend, type Outcome } from "./bitmend.ts";
import { skipped, testModel } from "./test-model.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-verbs-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const at = (name: string): string => join(work, name);
const model = testModel ?? "";

/** The one object a verb prints with --json. */
async function object<Result>(...argv: readonly string[]): Promise<Result> {
  const outcome = await bitmend([...argv, "--json"]);
  expect(outcome).toMatchObject({ ended: 0, stderr: "" });
  expect(outcome.stdout.trim().split("\n")).toHaveLength(1);
  return JSON.parse(outcome.stdout) as Result;
}

/** A verb that is to refuse. */
async function refused(code: string, ...argv: readonly string[]): Promise<Outcome> {
  const outcome = await bitmend(argv);
  expect(outcome).toMatchObject({ ended: code === "cli/usage" ? 2 : 1, stdout: "" });
  if (code !== "cli/usage") expect(outcome.stderr).toContain(`[${code}]`);
  return outcome;
}

/** Every file of weights, and what each linear lost. */
function weightsOf(directory: string): Map<string, string> {
  const names = readdirSync(directory).filter((name) => /safetensors|quantization/u.test(name));
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), "base64")]));
}

const threads = ["--threads", "2"] as const;
const gptq = ["quantize", model, "--method", "gptq", "--bits", "2", "--calibration-sequences", "6"] as const;
const asked = ["--problems", "16", "--seed", "3"] as const;

describe.skipIf(testModel === null)(`verbs on files${skipped}`, () => {
  test("quantize: a low-bit directory, the same when it is killed and started again", async () => {
    const result = await object<QuantizeResult>(...gptq, "--output", at("w2"), ...threads);
    const { config, quantization } = openCheckpoint(at("w2"));
    expect(quantization?.size).toBe(7 * config.layerCount);
    expect(result.variant).toMatchObject({ name: "w2-g64-gptq", bits: 2, method: "gptq" });
    expect(result.modules.every(({ outputError }) => outputError !== null && outputError > 0)).toBe(true);
    const killed = await bitmend([...gptq, "--output", at("again"), ...threads], {
      onProgress: (stderr) => (stderr.includes("Quantizing") ? "SIGKILL" : undefined),
    });
    expect(killed.ended).toBe("SIGKILL");
    await object<QuantizeResult>(...gptq, "--output", at("again"), ...threads);
    expect(weightsOf(at("again"))).toEqual(weightsOf(at("w2")));
  });

  test("quantize without text prints each linear's weight error", async () => {
    const { ended, stdout } = await bitmend([
      "quantize",
      model,
      "--method",
      "rtn",
      "--bits",
      "3",
      "-o",
      at("w3"),
    ]);
    expect(ended).toBe(0);
    expect(stdout).toMatch(/layer +weights +q +k +v +o +gate +up +down/u);
    expect(stdout).toContain("name it with --calibration");
    expect(
      Math.max(...stdout.split("\n").map((line) => (line.includes(work) ? 0 : line.length))),
    ).toBeLessThan(81);
  });

  test("evaluate: variants share a directory, and a second call has nothing left to do", async () => {
    const full = await object<EvaluateResult>("evaluate", model, ...asked, "-o", at("eval"), ...threads);
    expect(full).toMatchObject({ n: 16, variant: { name: "full" }, problems: { seed: 3, split: "test" } });
    const low = await object<EvaluateResult>("evaluate", at("w2"), "-o", at("eval"), ...threads);
    expect(low).toMatchObject({ n: 16, variant: { name: "w2-g64-gptq" }, problems: { seed: 3 } });
    expect(full.byLevel.reduce((sum, [, , n]) => sum + n, 0)).toBe(16);
    const lines = readFileSync(join(at("eval"), "completions.jsonl"), "utf8");
    expect(await object("evaluate", at("w2"), "-o", at("eval"), ...threads)).toEqual(low);
    expect(readFileSync(join(at("eval"), "completions.jsonl"), "utf8")).toBe(lines);
  });

  test("evaluate: Ctrl-C keeps what is answered, and the same command goes on", async () => {
    const argv = ["evaluate", model, "--problems", "200", "-o", at("stopped"), "--threads", "1"];
    const answered = (): number =>
      readFileSync(join(at("stopped"), "verdicts.jsonl"), "utf8").split("\n").length;
    let isSent = false;
    const { ended, stderr } = await bitmend(argv, {
      onProgress: (text) => {
        if (isSent || !text.includes("Measuring")) return undefined;
        isSent = true;
        return "SIGINT";
      },
    });
    expect(ended).toBe(130);
    expect(stderr).toContain(`go on with:\n  bitmend ${argv.join(" ")}`);
    expect(existsSync(join(at("stopped"), "lock"))).toBe(false);
    expect(await object<EvaluateResult>(...argv)).toMatchObject({ n: 200 });
    expect(answered()).toBe(201);
  });

  test("weights made elsewhere: the person says how", async () => {
    cpSync(at("w3"), at("foreign"), { recursive: true });
    for (const record of ["quantization.json", "variant.json"]) rmSync(join(at("foreign"), record));
    const argv = ["evaluate", at("foreign"), "--problems", "4", "-o", at("theirs"), ...threads] as const;
    await refused("verbs/unknown-origin", ...argv);
    expect(existsSync(at("theirs"))).toBe(false);
    const { variant } = await object<EvaluateResult>(...argv, "--made-by", "rtn");
    expect(variant).toMatchObject({ name: "w3-g64-rtn", bits: 3, groupSize: 64 });
  });

  test("compare: the same problems, one directory or two; other problems are refused by name", async () => {
    const one = await object<CompareResult>("compare", at("eval"));
    expect(one.comparisons.map(({ variant }) => variant.name)).toEqual(["full", "w2-g64-gptq"]);
    expect(JSON.parse(readFileSync(one.file!, "utf8"))).toEqual(one.comparisons);
    await object("evaluate", at("w2"), ...asked, "-o", at("apart"), ...threads);
    const two = await object<CompareResult>("compare", at("eval"), at("apart"));
    const shared = two.comparisons.filter(({ variant }) => variant.name.endsWith("/w2-g64-gptq"));
    expect(shared).toHaveLength(2);
    expect(shared[0]?.lost).toEqual(shared[1]?.lost);
    await object("evaluate", at("w2"), "--problems", "4", "--seed", "4", "-o", at("other"), ...threads);
    const { stderr } = await refused("verbs/different-problems", "compare", at("eval"), at("other"));
    expect(stderr).toMatch(/16 only in .*4 only in .*seed: 3 in the first, 4 in the second/su);
  });

  test("diagnose: every failure has a type, and shown ones their first wrong step", async () => {
    const { failures, cases } = await object<{ failures: number; cases: { expected: string }[] }>(
      "diagnose",
      at("eval"),
      "--show",
      "2",
    );
    const lines = readFileSync(join(at("eval"), "diagnoses.jsonl"), "utf8")
      .trim()
      .split("\n");
    expect(lines).toHaveLength(failures);
    expect(cases).toHaveLength(2);
    const { stdout } = await bitmend(["diagnose", at("eval"), "--show", "2"]);
    expect(stdout).toContain("right answer: ");
  });

  test.each([
    { by: "qat", set: ["steps=2", "problems=12", "batchSize=2"] },
    { by: "dpo", set: ["candidates=24", "pairs=4", "epochs=1", "batchSize=2", "rank=2"] },
    { by: "sft", set: ["candidates=24", "pairs=4", "epochs=1", "batchSize=2", "rank=2"] },
  ])("restore by $by: what it makes can be evaluated and knows its name", async ({ by, set }) => {
    const settings = set.flatMap((setting) => ["--set", setting]);
    const restore = ["restore", model, "--quantized", at("w2"), "--by", by, "-o", at(by)] as const;
    const { evaluate, variant } = await object<RestoreResult>(...restore, ...settings, ...threads);
    expect(variant.name).toBe(`w2-g64-gptq+${by}`);
    const adapter = evaluate.adapter === null ? [] : ["--adapter", evaluate.adapter];
    const again = ["evaluate", evaluate.model, ...adapter, "-o", at("eval"), ...threads] as const;
    const measured = await object<EvaluateResult>(...again);
    expect(measured.variant).toEqual(variant);
  });

  test("bad input is refused before any work, and nothing is left behind", async () => {
    const leak = at("leak.jsonl");
    const lines = [
      { question: "What is 2 + 2?", answer: 4 },
      { question: "what is 2 + 2", answer: 4, split: "train" },
    ];
    writeFileSync(leak, lines.map((line) => JSON.stringify(line)).join("\n"));
    const quantize = ["quantize", model, "--method", "gptq", "--bits", "3", "-o", at("none")] as const;
    await refused("verbs/no-model", "quantize", at("nowhere"), ...quantize.slice(2));
    await refused("verbs/bad-recipe", ...quantize, "--group-size", "48");
    await refused("verbs/bad-recipe", ...quantize, "--calibration-sequences", "0");
    await refused("tasks/exhausted", ...quantize, "--task", `file:${leak}`);
    const few = ["--task", `file:${leak}`, "--calibration-sequences", "1"];
    await refused("training/evaluation-leak", ...quantize, ...few);
    await refused("quantization/already-quantized", "quantize", at("w2"), ...quantize.slice(2));
    await refused("verbs/other-settings", ...quantize.slice(0, -1), at("w2"));
    await refused("verbs/output-is-source", ...quantize.slice(0, -1), join(model, "low"));
    await refused("files/not-found", ...quantize.slice(0, -1), join(leak, "low"));
    await refused("cli/usage", "quantize", model, "--bits", "5", "--method", "rtn", "-o", at("none"));
    await refused("verbs/variant-taken", "evaluate", at("w3"), "-o", at("eval"), "--variant", "full");
    await refused("verbs/other-settings", "evaluate", model, "-o", at("eval"), "--seed", "9");
    await refused("verbs/no-records", "compare", at("w2"));
    await refused("verbs/no-baseline", "compare", at("eval"), "--baseline", "fulll");
    const restore = ["restore", model, "--by", "qat", "-o", at("none"), "--quantized"] as const;
    await refused("verbs/not-quantized", ...restore, model);
    await refused("verbs/bad-recipe", ...restore, at("w2"), "--set", "stepz=3");
    expect(existsSync(at("none"))).toBe(false);
  });
});
