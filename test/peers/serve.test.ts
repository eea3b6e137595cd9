/** @file lm-evaluation-harness and Inspect as clients of `bitmend serve`: the texts and the score of bitmend's own evaluation. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServerProcess, type ServerProcess } from "../../bench/serving/server-process.ts";
import { loadLanguageModel } from "../../src/generation/language-model.ts";
import { scoreTokens } from "../../src/generation/score-tokens.ts";
import type { EvaluateResult } from "../../src/index.ts";
import { pocketTask } from "../../src/tasks/pocket/pocket-task.ts";
import { shippedModels } from "../../src/verbs/resolve-model.ts";
import { missingModules, peersPython } from "../../tools/peers/environment.ts";
import { bitmend, execute } from "../end-to-end/bitmend.ts";

const PROBLEMS = 200;
const given = process.env["BITMEND_EVALUATORS_PYTHON"] ?? "";
const python = given === "" ? await peersPython() : given;
const missing = await missingModules(python, ["lm_eval", "inspect_ai", "transformers"]);

const work = mkdtempSync(join(tmpdir(), "bitmend-serve-peer-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const at = (name: string): string => join(work, name);
const offline = {
  HF_HUB_OFFLINE: "1",
  HF_DATASETS_OFFLINE: "1",
  HF_HOME: at("hf"),
  TOKENIZERS_PARALLELISM: "false",
};
const problems = pocketTask.problems({ split: "test", seed: 3, count: PROBLEMS });

describe.skipIf(missing.length > 0)("evaluators and a served 3-bit model", () => {
  let server: ServerProcess;
  let ours: EvaluateResult;
  const completions = new Map<string, string>();
  beforeAll(async () => {
    // Rounded so far that it solves about half: a score of 99 % would hide differences.
    const quantize = ["quantize", "pocket", "--method", "rtn", "--bits", "3", "-o", at("w3")];
    await bitmend([...quantize, "--threads", "2"]);
    const asked = ["--problems", String(PROBLEMS), "--seed", "3", "--threads", "2", "--json"];
    const evaluated = await bitmend(["evaluate", at("w3"), ...asked, "-o", at("evaluation")]);
    ours = JSON.parse(evaluated.stdout) as EvaluateResult;
    for (const line of linesOf(at("evaluation/completions.jsonl"))) {
      const { problem, text } = line as { problem: string; text: string };
      completions.set(problem, text);
    }
    server = await startServerProcess([at("w3"), "--name", "w3", "--threads", "2"]);
  }, 120_000);
  afterAll(async () => server[Symbol.asyncDispose]());

  /** Runs one task of lm-evaluation-harness and gives its result and samples. */
  async function evaluateWithHarness(
    task: string,
    yaml: string,
    client: readonly string[],
  ): Promise<{ results: Record<string, unknown>; samples: readonly Record<string, unknown>[] }> {
    writeFileSync(at(`${task}.yaml`), yaml);
    const common = ["model=w3", `base_url=${server.url}/completions`, "num_concurrent=16", "max_retries=1"];
    const modelArguments = [...common, ...client].join(",");
    const argv = ["-m", "lm_eval", "run", "--model", "local-completions", "--model_args", modelArguments];
    const output = ["--include_path", work, "--log_samples", "--output_path", at(task)];
    const outcome = await execute([python!, ...argv, "--tasks", task, "--batch_size", "4", ...output], {
      environment: offline,
    });
    if (outcome.ended !== 0) throw new Error(outcome.stderr);
    const folder = join(at(task), readdirSync(at(task))[0]!);
    const file = (start: string): string =>
      join(
        folder,
        readdirSync(folder).find((name) => name.startsWith(start))!,
      );
    const { results } = JSON.parse(readFileSync(file("results_"), "utf8")) as {
      results: Record<string, Record<string, unknown>>;
    };
    return {
      results: results[task]!,
      samples: linesOf(file("samples_")) as Record<string, unknown>[],
    };
  }

  test("lm-evaluation-harness, GSM8K's way (local-completions): same texts, same score", async () => {
    const rows = problems.map(({ id, question, answer }) => ({ id, prompt: promptOf(question), answer }));
    writeFileSync(at("problems.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    const yaml = `task: pocket_gsm8k
dataset_path: json
dataset_kwargs:
  data_files:
    test: ${at("problems.jsonl")}
output_type: generate_until
test_split: test
doc_to_text: "{{prompt}}"
doc_to_target: "{{answer}}"
generation_kwargs:
  until: ["<|end|>"]
  do_sample: false
  temperature: 0.0
  max_gen_toks: 128
filter_list:
  - name: strict-match
    filter:
      - function: regex
        regex_pattern: "#### (\\\\-?[0-9\\\\.\\\\,/]+)"
      - function: take_first
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
`;
    const client = ["tokenizer_backend=None", "tokenized_requests=False"];
    const { results, samples } = await evaluateWithHarness("pocket_gsm8k", yaml, client);
    const theirs = samples.map(({ doc, resps }) => [
      (doc as { id: string }).id,
      (resps as readonly (readonly string[])[])[0]![0]!,
    ]);
    expect(Object.fromEntries(theirs)).toEqual(Object.fromEntries(completions));
    expect(results["exact_match,strict-match"]).toBeCloseTo(ours.accuracy, 12);
    expect(ours.accuracy).toBeGreaterThan(0.3);
    expect(ours.accuracy).toBeLessThan(0.8);
  });

  test("lm-evaluation-harness, log likelihoods of given solutions: the numbers of scoreTokens()", async () => {
    const rows = problems.slice(0, 40).map(({ id, question, solution }) => ({
      id,
      prompt: promptOf(question),
      solution,
    }));
    writeFileSync(at("solutions.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    const yaml = `task: pocket_likelihood
dataset_path: json
dataset_kwargs:
  data_files:
    test: ${at("solutions.jsonl")}
output_type: loglikelihood
test_split: test
doc_to_text: "{{prompt}}"
doc_to_target: "{{solution}}"
target_delimiter: ""
metric_list:
  - metric: perplexity
    aggregation: perplexity
    higher_is_better: false
metadata:
  version: 1.0
`;
    const client = [`tokenizer=${shippedModels["pocket"]!}`, "max_length=256"];
    const { samples } = await evaluateWithHarness("pocket_likelihood", yaml, client);
    await using model = await loadLanguageModel(at("w3"), { threads: 1 });
    const requests = rows.map(({ id, prompt, solution }) => ({
      id,
      promptIds: model.tokenizer.encode(prompt),
      tokenIds: model.tokenizer.encode(solution!),
    }));
    const expected = new Map<string, number>();
    for await (const { id, logProbabilities } of scoreTokens(model, requests))
      expected.set(
        id,
        logProbabilities.reduce((sum, each) => sum + each, 0),
      );
    expect(samples).toHaveLength(rows.length);
    for (const { doc, resps } of samples) {
      const [[[likelihood]]] = resps as [[[string]]];
      // The harness sums in another order.
      expect(Number(likelihood)).toBeCloseTo(expected.get((doc as { id: string }).id)!, 9);
    }
  });

  test("Inspect (its OpenAI-compatible provider, chat): same texts, same score", async () => {
    const rows = problems.map(({ id, question, answer }) => ({ id, input: question, target: answer }));
    writeFileSync(at("inspect.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
    const script = join(import.meta.dirname, "../../tools/peers/evaluate-with-inspect.py");
    const argv: [string, ...string[]] = [python!, script, at("inspect.jsonl"), server.url, "w3", at("logs")];
    const { ended, stdout, stderr } = await execute(argv, { environment: offline });
    if (ended !== 0) throw new Error(stderr);
    const theirs = JSON.parse(stdout.trim().split("\n").at(-1)!) as {
      accuracy: number;
      completions: Record<string, string>;
    };
    expect(theirs.completions).toEqual(Object.fromEntries(completions));
    expect(theirs.accuracy).toBeCloseTo(ours.accuracy, 12);
  });
});

/** As the chat template writes it. */
function promptOf(question: string): string {
  return `<|user|>${question}<|assistant|>`;
}

function linesOf(file: string): unknown[] {
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}
