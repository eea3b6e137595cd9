/** @file Several samples of a problem, and thoughts with a budget, as people ask for them. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { EvaluateResult } from "../../src/index.ts";
import { completionSchema, verdictSchema, type VerdictRecord } from "../../src/runs/records.ts";
import { readJsonLines } from "../../src/util/json-lines.ts";
import { bitmend } from "./bitmend.ts";
import { skipped, testModel } from "./test-model.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-samples-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const at = (...names: readonly string[]): string => join(work, ...names);
const model = testModel ?? "";
const gsm8k = join(import.meta.dirname, "../golden/parquet/gsm8k.parquet");

async function evaluated(directory: string, ...argv: readonly string[]): Promise<EvaluateResult> {
  const shared = ["--output", at(directory), "--threads", "2", "--json"];
  const outcome = await bitmend(["evaluate", ...argv, ...shared]);
  expect(outcome).toMatchObject({ ended: 0, stderr: "" });
  return JSON.parse(outcome.stdout) as EvaluateResult;
}

const linesOf = (directory: string, name: string): string[] =>
  readFileSync(at(directory, name), "utf8").trimEnd().split("\n");
const verdictsOf = (directory: string): VerdictRecord[] => [
  ...readJsonLines(at(directory, "verdicts.jsonl"), verdictSchema),
];
const completionsOf = (directory: string) => [
  ...readJsonLines(at(directory, "completions.jsonl"), completionSchema),
];

/** Every choice of `size` of the items. */
function choices<Item>(items: readonly Item[], size: number): Item[][] {
  if (size === 0) return [[]];
  return items.flatMap((item, index) =>
    choices(items.slice(index + 1), size - 1).map((rest) => [item, ...rest]),
  );
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe.skipIf(testModel === null)(`samples and thoughts${skipped}`, () => {
  const sampled = ["--samples", "3", "--temperature", "0.9", "--problems", "12"] as const;

  test("three samples of 12 problems: records, mean@3 and pass@k by counting, and what was lost is asked again alone", async () => {
    const result = await evaluated("a", model, ...sampled);
    const verdicts = verdictsOf("a");
    expect(completionsOf("a")).toHaveLength(36);
    const keys = verdicts.map(({ problem, sample = 0 }) => `${problem} ${sample}`);
    expect(new Set(keys)).toHaveLength(36);
    const byProblem = [...Map.groupBy(verdicts, ({ problem }) => problem).values()];
    expect(
      byProblem.map((all) => all.map(({ sample = 0 }) => sample).toSorted((left, right) => left - right)),
    ).toEqual(Array.from({ length: 12 }, () => [0, 1, 2]));
    const right = byProblem.map((all) => all.map(({ verdict }) => verdict === "correct"));
    expect(result.sampled).toMatchObject({ problems: 12, samples: 3 });
    expect(result.accuracy).toBeCloseTo(mean(right.flat().map(Number)), 12);
    // pass@k by its definition: at least one of k, over all choices of k.
    const passAtK = [1, 2, 3].map((k) => [
      k,
      mean(right.map((all) => mean(choices(all, k).map((some) => Number(some.includes(true)))))),
    ]);
    for (const [index, [k, value]] of passAtK.entries()) {
      expect(result.sampled!.passAtK[index]![0]).toBe(k);
      expect(result.sampled!.passAtK[index]![1]).toBeCloseTo(value!, 12);
    }
    // Nothing is open: nothing is asked, nothing written.
    const written = linesOf("a", "completions.jsonl");
    expect(await evaluated("a", model, ...sampled)).toEqual(result);
    expect(linesOf("a", "completions.jsonl")).toEqual(written);

    // As a kill leaves it: 17 completions, the last without its verdict, and half a line.
    cpSync(at("a"), at("b"), { recursive: true });
    writeFileSync(
      at("b", "completions.jsonl"),
      `${written.slice(0, 17).join("\n")}\n${written[17]!.slice(0, 9)}`,
    );
    writeFileSync(at("b", "verdicts.jsonl"), `${linesOf("a", "verdicts.jsonl").slice(0, 16).join("\n")}\n`);
    expect(await evaluated("b", model, ...sampled)).toEqual({ ...result, directory: at("b") });
    const again = linesOf("b", "completions.jsonl");
    expect(again.slice(0, 17)).toEqual(written.slice(0, 17));
    expect(again.toSorted()).toEqual(written.toSorted());
    expect(linesOf("b", "verdicts.jsonl").toSorted()).toEqual(linesOf("a", "verdicts.jsonl").toSorted());
  });

  test("a code task without python3 is refused before anything is generated", async () => {
    const data = at("HumanEval.jsonl");
    const row = { task_id: "one/0", entry_point: "one", canonical_solution: "    return 1\n" };
    const prompt = 'def one():\n    """Gives 1."""\n';
    const check = "def check(candidate):\n    assert candidate() == 1\n";
    writeFileSync(data, `${JSON.stringify({ ...row, prompt, test: check })}\n`);
    const argv = ["evaluate", model, "--task", "humaneval", "--data", data, "--max-new-tokens", "4"];
    const outcome = await bitmend([...argv, "--threads", "2", "--output", at("e")], {
      environment: { PATH: at("nothing") },
    });
    expect(outcome).toMatchObject({ ended: 1, stdout: "" });
    expect(outcome.stderr).toContain("[sandbox/no-python]");
    expect(existsSync(at("e", "completions.jsonl"))).toBe(false);
  });

  test("a template that opens thoughts: without a budget they are truncated, with one the answer is asked for", async () => {
    cpSync(model, at("thinker"), { recursive: true });
    const path = at("thinker", "tokenizer_config.json");
    const config = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    const template =
      "{% for message in messages %}{{ message.content }}\n{% endfor %}{% if add_generation_prompt %}<think>\n{% endif %}";
    writeFileSync(path, JSON.stringify({ ...config, chat_template: template }));
    const asked = [at("thinker"), "--task", "gsm8k", "--data", gsm8k, "--max-new-tokens", "4"];

    const truncated = await evaluated("c", ...asked);
    expect(truncated).toMatchObject({ n: 2, accuracy: 0, truncated: 2, thoughtsTruncated: 2 });
    for (const { text, tokens, finish } of completionsOf("c")) {
      expect(text).toMatch(/^<think>\n/u);
      expect([tokens, finish]).toEqual([4, "length"]);
    }
    for (const verdict of verdictsOf("c")) {
      expect(verdict).toMatchObject({ verdict: "no-answer", extracted: null, thoughtsTruncated: true });
      expect(verdict.reason).toBe("the token limit ended the text inside its thoughts");
    }

    const closed = await evaluated("d", ...asked, "--thinking-tokens", "4", "--variant", "budget");
    expect(closed).toMatchObject({ n: 2, truncated: 2, thoughtsTruncated: 0 });
    const first = new Map(completionsOf("c").map(({ problem, text }) => [problem, text]));
    for (const { problem, text } of completionsOf("d")) {
      // The same thoughts, the closing words once, and an answer after them.
      expect(text.startsWith(first.get(problem)!)).toBe(true);
      expect(text.split("\n</think>\n\n")).toHaveLength(2);
      expect(text.split("\n</think>\n\n")[1]).not.toBe("");
    }
    for (const verdict of verdictsOf("d")) expect(verdict.thoughtsTruncated).toBeUndefined();
    const compared = await bitmend(["compare", at("c"), at("d")]);
    expect(compared).toMatchObject({ ended: 0, stderr: "" });
    expect(compared.stdout).toMatch(/truncated +thinking +abrupt/u);
    // Both were cut off, only those without a budget inside their thoughts.
    const shares = [...compared.stdout.matchAll(/tokens(?: +\S+){4} +(\S+) +(\S+) +\S+$/gmu)];
    expect(shares.map(([, cut, thinking]) => [cut, thinking])).toEqual([
      ["100.0", "100.0"],
      ["100.0", "0.0"],
    ]);
    // Another budget is another measurement.
    const other = ["--thinking-tokens", "9", "--output", at("d"), "--variant", "other"];
    const outcome = await bitmend(["evaluate", ...asked, ...other]);
    expect(outcome.stderr).toContain("[verbs/other-settings]");
  });
});
