import { z } from "zod";

/** One completion as a server gave it. */
export interface RemoteAnswer {
  /** Thoughts that the server sent apart stand before the answer, in think tags. */
  readonly text: string;
  readonly finish: "stop" | "length";
  /** As the server counted them; null where it did not say. */
  readonly promptTokens: number | null;
  /** New tokens, thoughts included; likewise. */
  readonly completionTokens: number | null;
}

/** Foreign fields are left alone, and those that are read may be absent: servers differ. */
const answerSchema = z.object({
  choices: z
    .array(
      z.object({
        message: z
          .object({
            content: z.string().nullish(),
            refusal: z.string().nullish(),
            reasoning_content: z.string().nullish(),
            reasoning: z.string().nullish(),
          })
          .optional(),
        text: z.string().optional(),
        finish_reason: z.string().nullish(),
      }),
    )
    .min(1),
  usage: z
    .object({
      prompt_tokens: z.int().min(0).optional(),
      completion_tokens: z.int().min(0).optional(),
    })
    .nullish(),
});

/**
 * Reads a body of /chat/completions or /completions; null for anything else, a choice without text among it.
 *
 * vLLM and SGLang send thoughts as `reasoning_content` or `reasoning` when they are started with a parser for them.
 */
export function parseAnswer(body: string): RemoteAnswer | null {
  const parsed = answerSchema.safeParse(parseJson(body));
  if (!parsed.success) return null;
  const { message, text, finish_reason: reason } = parsed.data.choices[0]!;
  if (message === undefined && text === undefined) return null;
  const thoughts = message?.reasoning_content ?? message?.reasoning ?? "";
  const said = message?.content ?? message?.refusal ?? text ?? "";
  const finish = reason === "length" ? "length" : "stop";
  return {
    text: thoughts === "" ? said : withThoughts(thoughts, said, finish),
    finish,
    promptTokens: parsed.data.usage?.prompt_tokens ?? null,
    completionTokens: parsed.data.usage?.completion_tokens ?? null,
  };
}

/** Thoughts that the limit cut stay open, as the model left them. */
function withThoughts(thoughts: string, said: string, finish: RemoteAnswer["finish"]): string {
  if (said === "" && finish === "length") return `<think>${thoughts}`;
  return `<think>${thoughts}</think>${said}`;
}

/** The server's own words in an error's body, on one line; empty where there are none. */
export function errorWords(body: string): {
  readonly message: string;
  readonly code: string;
  readonly parameter: string;
} {
  const parsed = errorSchema.safeParse(parseJson(body));
  const said = parsed.success ? (parsed.data.error ?? parsed.data) : {};
  const { message, code, param } =
    typeof said === "string" ? { message: said } : { code: null, param: null, ...said };
  return {
    message: oneLine(message ?? (parsed.success ? "" : body)),
    code: String(code ?? ""),
    parameter: param ?? "",
  };
}

const saidSchema = z.object({
  message: z.string().nullish(),
  code: z.union([z.string(), z.number()]).nullish(),
  param: z.string().nullish(),
});
const errorSchema = saidSchema.extend({ error: z.union([z.string(), saidSchema]).nullish() });

/** Words from outside go to a terminal: no control characters, and not many. */
function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim()
    .slice(0, 300)
    .replace(/\.$/u, "");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
