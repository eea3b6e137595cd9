import { z } from "zod";
import { verdictRecord } from "../../evaluation/verdict-record.ts";
import { generate } from "../../generation/generate.ts";
import type { VerdictRecord } from "../../runs/records.ts";
import { appendJsonLines, readJsonLines } from "../../util/json-lines.ts";
import { randomStream } from "../../util/random.ts";
import type { VerbRun } from "../events.ts";
import { generateOptions, recordPath, type RunContext } from "./context.ts";
import { loader, promptEncoder } from "./evaluate-stage.ts";

const referenceSchema = z.strictObject({
  problem: z.string(),
  /** 1-based round of sampling. */
  round: z.int(),
  text: z.string(),
  correct: z.boolean(),
});

const samplingTemperature = 0.8;

/**
 * Right solutions of the problems that the full model failed greedily: it is sampled until one sample is right, so that a quantized
 * model's failure there can be held against a right solution too.
 *
 * @yields Progress in problems solved.
 */
export async function* referenceStage(
  context: RunContext,
  fullVerdicts: readonly VerdictRecord[],
): VerbRun<ReadonlyMap<string, readonly string[]>> {
  const path = recordPath(context, "references.jsonl");
  const samples = readJsonLines(path, referenceSchema);
  const failed = fullVerdicts.filter(({ verdict }) => verdict !== "correct").map(({ problem }) => problem);
  const solved = new Map(
    samples.filter(({ correct }) => correct).map(({ problem, text }) => [problem, [text]]),
  );
  const rounds = context.recipe.referenceSamples;
  const tried = new Map<string, number>();
  for (const { problem, round } of samples) tried.set(problem, Math.max(tried.get(problem) ?? 0, round));
  const open = (round: number): string[] =>
    failed.filter((problem) => !solved.has(problem) && (tried.get(problem) ?? 0) < round);
  if (open(rounds).length === 0) return solved;
  const total = failed.length;
  yield {
    type: "stage",
    name: "Sampling right solutions",
    total,
    unit: "problems",
    alreadyDone: solved.size,
  };
  await using model = await loader(context, context.model)();
  const encodePrompt = promptEncoder(context);
  const problemOf = new Map(context.problems.map((problem) => [problem.id, problem]));
  for (let round = 1; round <= rounds; round++) {
    const requests = open(round).map((id) => ({
      id,
      promptIds: encodePrompt(problemOf.get(id)!),
      seed: randomStream(context.recipe.seed, "reference", round, id).integer(2 ** 31),
    }));
    if (requests.length === 0) continue;
    const options = { ...generateOptions(context), sampling: { temperature: samplingTemperature } };
    for await (const event of generate(model, requests, options)) {
      if (event.type !== "completion") continue;
      const { id, text, finish, tokenIds } = event;
      const completion = { variant: "full", problem: id, text, finish, tokens: tokenIds.length };
      const correct = verdictRecord(completion, problemOf.get(id)!).verdict === "correct";
      appendJsonLines(path, [{ problem: id, round, text, correct }]);
      tried.set(id, round);
      if (correct) solved.set(id, [text]);
      yield { type: "progress", done: solved.size };
    }
  }
  yield { type: "stage-done", result: `${solved.size} of ${total} solved by sampling` };
  return solved;
}
