import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { makeDirectory } from "../checkpoint/model-directory.ts";
import type { GenerateCompletions } from "../evaluation/evaluate-variant.ts";
import { AnswerCache } from "../remote/answer-cache.ts";
import { remoteCompletions } from "../remote/remote-completions.ts";
import { parseRemoteModel, type RemoteModel } from "../remote/remote-model.ts";
import type { RemotePrompt } from "../remote/request-body.ts";
import { servedModel } from "../remote/served-model.ts";
import { type TokenPrices, TokenUsage } from "../remote/token-usage.ts";
import type { Variant } from "../runs/records.ts";
import type { Problem } from "../tasks/problem.ts";
import type { Task } from "../tasks/task.ts";
import { BitmendError } from "../util/errors.ts";
import type { RunRecipe } from "./run-recipe.ts";
import { fullVariant } from "./run/variants.ts";

/** How a model behind an API is asked. */
export interface RemoteOptions {
  /** Requests that one server works on at once. Default: 16. */
  readonly concurrency?: number | undefined;
  /** Until one answer is whole. Default: 1800. */
  readonly timeoutSeconds?: number | undefined;
  /** Further fields of every request; null leaves out one of ours. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
  readonly prices?: TokenPrices | undefined;
  /** File of answers, shared by evaluations. Default: answers.jsonl beside the records. */
  readonly cache?: string | undefined;
}

/** A model behind an API, ready to be evaluated. */
export interface OpenedRemote {
  readonly variant: Variant;
  /** Hash of all that is known of which model it is and how it is asked. */
  readonly weights: string;
  readonly generate: GenerateCompletions;
  readonly usage: TokenUsage;
}

interface RemoteSetup {
  readonly recipe: RunRecipe;
  readonly task: Task;
  /** Where the records go. */
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens `openai:URL#name`: asks the servers which models they have, and nothing else yet.
 *
 * @throws {BitmendError} `remote/bad-options`, and those of `parseRemoteModel()` and `servedModel()`.
 */
export async function openRemote(
  { recipe, task, directory, signal }: RemoteSetup,
  options: RemoteOptions = {},
): Promise<OpenedRemote> {
  const { concurrency, timeoutSeconds, fields, prices, cache: path } = checkedOptions(options);
  const model = parseRemoteModel(recipe.model);
  const identity = await servedModel(model, { signal });
  const { maxNewTokens, temperature, topP, prompt, thinking } = recipe.generation;
  refuseForeignSettings(recipe, task);
  // vLLM, SGLang and llama.cpp hand these to the chat template.
  const switches = thinking === undefined ? {} : { chat_template_kwargs: { enable_thinking: thinking } };
  const sampling = { maxNewTokens, temperature, topP, fields: { ...switches, ...fields } };
  const usage = new TokenUsage(prices ?? null);
  return {
    variant: { ...fullVariant, name: model.name },
    weights: identityHash({ model, identity, prompt, fields: sampling.fields }),
    usage,
    generate: async function* askRemote(requests, abortable) {
      makeDirectory(directory);
      const cache = await AnswerCache.open(path ?? join(directory, "answers.jsonl"));
      const timeoutMs = 1000 * timeoutSeconds;
      yield* remoteCompletions(
        requests.map(({ id, seed, problem }) => ({
          id,
          seed,
          prompt: promptOf(task, { isPlain: prompt === "plain", problem }),
        })),
        { model, identity, sampling, concurrency, timeoutMs, cache, usage },
        abortable,
      );
    },
  };
}

function promptOf(
  { messages, plainPrompt }: Task,
  { isPlain, problem }: { readonly isPlain: boolean; readonly problem: Problem },
): RemotePrompt {
  if (!isPlain || plainPrompt === undefined) return { type: "chat", messages: messages(problem) };
  return { type: "text", text: plainPrompt.text(problem), stop: plainPrompt.stop };
}

/** Settings that work only where the model is at hand, and those that the task has nothing for. */
function refuseForeignSettings({ generation }: RunRecipe, { name, plainPrompt }: Task): void {
  const complaints = [
    ...(generation.thinkingTokens === undefined
      ? []
      : ["a budget of thoughts, which only the server could keep"]),
    ...(generation.prompt === "plain" && plainPrompt === undefined
      ? [`a plain prompt, which ${name} does not have`]
      : []),
    ...(generation.prompt === "plain" && generation.thinking !== undefined
      ? ["a switch for thoughts without a chat template"]
      : []),
  ];
  if (complaints.length === 0) return;
  throw new BitmendError(
    "remote/bad-options",
    `openRemote(): expected settings for a model behind an API, got ${complaints.join(" and ")}.`,
    { hint: "Some servers have settings of their own: --request '{\"FIELD\": VALUE}'." },
  );
}

/** Fields that decide the shape of an answer, or what is asked, are not a person's to set. */
const OWN_FIELDS = ["model", "messages", "prompt", "stream", "n"];

const optionsSchema = z.strictObject({
  concurrency: z.int().min(1).max(4096).default(16),
  // Timers count to 2^31 ms.
  timeoutSeconds: z.number().positive().max(1_000_000).default(1800),
  fields: z
    .record(z.string(), z.unknown())
    .refine((fields) => OWN_FIELDS.every((name) => !(name in fields)), {
      error: `${OWN_FIELDS.join(", ")} are bitmend's to set`,
    })
    .default({}),
  prices: z.strictObject({ prompt: z.number().min(0), completion: z.number().min(0) }).optional(),
  cache: z.string().optional(),
});

function checkedOptions(options: RemoteOptions): z.infer<typeof optionsSchema> {
  const result = optionsSchema.safeParse(options);
  if (result.success) return result.data;
  throw new BitmendError(
    "remote/bad-options",
    `openRemote(): expected settings that can work, but:\n${z.prettifyError(result.error)}`,
  );
}

/** Not the URLs: the same model may be asked at another place when an evaluation goes on. */
function identityHash({
  model,
  ...rest
}: {
  readonly model: RemoteModel;
  readonly identity: string;
  readonly prompt: string | undefined;
  readonly fields: unknown;
}): string {
  return createHash("sha256")
    .update(JSON.stringify({ name: model.name, ...rest }))
    .digest("hex");
}
