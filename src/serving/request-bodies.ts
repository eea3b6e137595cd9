/**
 * @file What clients may ask: the request bodies of OpenAI's completions and chat completions.
 *
 * https://platform.openai.com/docs/api-reference/completions/create and .../chat/create. A parameter that would change the answer and that
 * bitmend does not have is refused unless it has its neutral value; what only labels a request is accepted and ignored. `top_k`, `min_p`,
 * `repetition_penalty`, `ignore_eos` and `chat_template_kwargs` are vLLM's.
 */
import { z } from "zod";
import { ApiError } from "./api-error.ts";

/** More stop strings or longer ones would cost more than the tokens do. */
const MAX_STOPS = 16;
const MAX_STOP_CHARACTERS = 256;
const MAX_CHOICES = 128;
const MAX_LIKELIEST = 20;

const stopString = z.string().min(1).max(MAX_STOP_CHARACTERS);
const common = {
  model: z.string(),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() })
    .nullish(),
  n: z.int().min(1).max(MAX_CHOICES).nullish(),
  max_tokens: z.int().min(0).nullish(),
  temperature: z.number().min(0).max(100).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().gt(0).nullish(),
  seed: z.int().nullish(),
  stop: z.union([stopString, z.array(stopString).max(MAX_STOPS)]).nullish(),
  ignore_eos: z.boolean().nullish(),
  // Neutral values only.
  presence_penalty: z.literal(0).nullish(),
  frequency_penalty: z.literal(0).nullish(),
  logit_bias: z.strictObject({}).nullish(),
  // Labels.
  user: z.unknown().optional(),
  metadata: z.unknown().optional(),
  store: z.unknown().optional(),
  service_tier: z.unknown().optional(),
  safety_identifier: z.unknown().optional(),
  prompt_cache_key: z.unknown().optional(),
};

const tokenId = z.int().min(0);
const completionsBodySchema = z.strictObject({
  ...common,
  prompt: z.union([
    z.string(),
    z.array(z.string()).min(1),
    z.array(tokenId).min(1),
    z.array(z.array(tokenId).min(1)).min(1),
  ]),
  echo: z.boolean().nullish(),
  logprobs: z.int().min(0).max(MAX_LIKELIEST).nullish(),
  best_of: z.literal(1).nullish(),
  suffix: z.literal("").nullish(),
});

const textPart = z.object({ type: z.literal("text"), text: z.string() });
const chatMessageSchema = z.object({
  role: z.enum(["system", "developer", "user", "assistant"]),
  content: z.union([z.string(), z.array(textPart)]).nullish(),
});
const chatBodySchema = z.strictObject({
  ...common,
  messages: z.array(chatMessageSchema).min(1),
  max_completion_tokens: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(MAX_LIKELIEST).nullish(),
  chat_template_kwargs: z.record(z.string(), z.unknown()).nullish(),
  // Neutral values only.
  tools: z.array(z.never()).nullish(),
  tool_choice: z.enum(["none", "auto"]).nullish(),
  response_format: z.strictObject({ type: z.literal("text") }).nullish(),
  modalities: z.tuple([z.literal("text")]).nullish(),
  parallel_tool_calls: z.unknown().optional(),
});

export type CompletionsBody = z.infer<typeof completionsBodySchema>;
export type ChatBody = z.infer<typeof chatBodySchema>;
/** What both have. */
export type CommonBody = Omit<Pick<CompletionsBody, keyof CompletionsBody & keyof ChatBody>, "logprobs">;

/** @throws {ApiError} 400 that names every parameter at fault. */
export function parseCompletionsBody(json: unknown): CompletionsBody {
  return parse(completionsBodySchema, json);
}

/** @throws {ApiError} 400 that names every parameter at fault. */
export function parseChatBody(json: unknown): ChatBody {
  return parse(chatBodySchema, json);
}

function parse<Body>(schema: z.ZodType<Body>, json: unknown): Body {
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  const issues = error.issues.slice(0, 5);
  const complaints = issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  const [first] = issues[0]?.path ?? [];
  throw new ApiError("serving/bad-request", `This request cannot be answered: ${complaints.join("; ")}.`, {
    status: 400,
    apiCode: "invalid_value",
    param: first === undefined ? null : String(first),
  });
}
