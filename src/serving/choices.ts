/** @file From a request's body to requests for the queue: what both endpoints have in common. */
import { randomInt, randomUUID } from "node:crypto";
import type { SamplingOptions } from "../generation/sampling.ts";
import type { ChoiceRequest } from "./answer.ts";
import { ApiError } from "./api-error.ts";
import type { CommonBody } from "./request-bodies.ts";
import type { ServingContext } from "./serving-context.ts";

/** So many logits of one prompt are held at once when it is scored. */
const MAX_PROMPT_LOGITS_BYTES = 2 ** 30;

/** A text of more is refused before it is encoded, which blocks the process and can take more than linear time. */
const MAX_CHARACTERS_PER_TOKEN = 16;

/** One prompt, and what is wanted of it. */
export interface Prompt {
  readonly promptIds: readonly number[];
  readonly echo: string | null;
  readonly scorePrompt: boolean;
  readonly likeliest: number | null;
  readonly maxNewTokens: number;
}

/**
 * `n` requests for every prompt. Each is named by its number among those of its prompt: the same prompt, seed and settings give the same
 * tokens as `generate()` with that id, in whatever request they stand.
 *
 * @throws {ApiError} 429 when there is no room for so many now, 400 when there never is.
 */
export function choicesOf(
  prompts: readonly Prompt[],
  body: CommonBody,
  context: ServingContext,
): ChoiceRequest[] {
  for (const prompt of prompts) refuseTooLong(prompt, context);
  const { n } = body;
  const count = prompts.length * (n ?? 1);
  refuseTooMany(count, context);
  const seed = body.seed ?? randomInt(2 ** 47);
  const stop = {
    ...(typeof body.stop === "string" ? { strings: [body.stop] } : { strings: body.stop ?? [] }),
    ...(body.ignore_eos === true ? { tokenIds: [] } : {}),
  };
  const sampling = samplingOf(body);
  return prompts.flatMap(({ echo, ...prompt }) =>
    Array.from({ length: n ?? 1 }, (_, choice) => ({
      echo,
      request: { ...prompt, id: String(choice), seed, sampling, stop },
    })),
  );
}

/** Text that may be too long to be worth encoding. */
export function encodeText(text: string, { model, queue }: ServingContext): number[] {
  if (text.length > queue.capacity * MAX_CHARACTERS_PER_TOKEN)
    throw tooLong(`The prompt has ${text.length} characters`, queue.capacity);
  return model.tokenizer.encode(text);
}

/** Names an answer. */
export function newId(prefix: string): string {
  return `${prefix}-${randomUUID().replaceAll("-", "")}`;
}

/** OpenAI's default temperature is 1; `top_k` -1 is vLLM's word for all. */
function samplingOf(body: CommonBody): SamplingOptions {
  const { temperature, top_p: topP, top_k: topK, min_p: minP, repetition_penalty: repetitionPenalty } = body;
  return {
    temperature: temperature ?? 1,
    topP: topP ?? 1,
    topK: Math.max(topK ?? 0, 0),
    minP: minP ?? 0,
    ...(repetitionPenalty === null || repetitionPenalty === undefined ? {} : { repetitionPenalty }),
  };
}

function refuseTooLong(
  { promptIds, maxNewTokens, scorePrompt }: Prompt,
  { queue, model }: ServingContext,
): void {
  const size = model.config.vocabularySize;
  const foreign = promptIds.find((tokenId) => tokenId >= size);
  if (foreign !== undefined) {
    throw new ApiError("serving/bad-request", `Token ${foreign} is outside the vocabulary of ${size}.`, {
      status: 400,
      param: "prompt",
    });
  }
  if (promptIds.length === 0)
    throw new ApiError("serving/bad-request", "The prompt is empty.", { status: 400, param: "prompt" });
  if (promptIds.length + maxNewTokens > queue.capacity) {
    throw tooLong(
      `The prompt has ${promptIds.length} tokens and ${maxNewTokens} new ones are wanted`,
      queue.capacity,
    );
  }
  const most = Math.floor(MAX_PROMPT_LOGITS_BYTES / (4 * size));
  if (scorePrompt && promptIds.length > most) throw tooLong(`A prompt that is scored`, most);
}

function tooLong(what: string, most: number): ApiError {
  return new ApiError("serving/too-long", `${what}; this server takes at most ${most} tokens in all.`, {
    status: 400,
    apiCode: "context_length_exceeded",
    param: "prompt",
  });
}

function refuseTooMany(count: number, { queue, limits }: ServingContext): void {
  const room = queue.slots + limits.maxWaiting;
  if (count > room) {
    throw new ApiError(
      "serving/too-many-choices",
      `The request asks for ${count} completions; this server takes at most ${room} at a time.`,
      { status: 400, param: "n" },
    );
  }
  if (queue.running + queue.waiting + count > room) {
    throw new ApiError("serving/busy", "The server is busy; try again later.", {
      status: 429,
      apiCode: "rate_limit_exceeded",
    });
  }
}
