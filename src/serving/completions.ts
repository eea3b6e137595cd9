import { answer, type AnswerForm, type ChoicePart } from "./answer.ts";
import { choicesOf, encodeText, newId, type Prompt } from "./choices.ts";
import type { Exchange } from "./exchange.ts";
import { parseCompletionsBody, type CompletionsBody } from "./request-bodies.ts";
import type { ServingContext } from "./serving-context.ts";
import { completionLogprobs } from "./token-text.ts";

/** OpenAI's default. */
const DEFAULT_NEW_TOKENS = 16;

/** `POST /v1/completions`: continues texts or token ids as they are, no chat template. */
export async function completions(exchange: Exchange, json: unknown, context: ServingContext): Promise<void> {
  const body = parseCompletionsBody(json);
  const prompts = promptsOf(body, context);
  await answer(exchange, context, {
    choices: choicesOf(prompts, body, context),
    promptTokens: prompts.reduce((sum, { promptIds }) => sum + promptIds.length, 0),
    form: formOf(body, context),
    streams: body.stream === true,
    streamsUsage: body.stream_options?.include_usage === true,
  });
}

function promptsOf(body: CompletionsBody, context: ServingContext): Prompt[] {
  const { prompt, logprobs } = body;
  const isEchoed = body.echo === true;
  const likeliest = logprobs ?? null;
  const settings = {
    likeliest,
    scorePrompt: isEchoed && likeliest !== null,
    maxNewTokens: body.max_tokens ?? DEFAULT_NEW_TOKENS,
  };
  const { tokenizer } = context.model;
  return listOf(prompt).map((each) => {
    if (typeof each === "string")
      return { ...settings, promptIds: encodeDocument(each, context), echo: isEchoed ? each : null };
    const written = isEchoed ? tokenizer.decode(each, { skipSpecialTokens: false }) : null;
    return { ...settings, promptIds: each, echo: written };
  });
}

function listOf(prompt: CompletionsBody["prompt"]): readonly (string | readonly number[])[] {
  if (typeof prompt === "string") return [prompt];
  return isTokens(prompt) ? [prompt] : prompt;
}

function isTokens(items: readonly unknown[]): items is readonly number[] {
  return items.every((item) => typeof item === "number");
}

/** With the tokens that the tokenizer puts before a document (Llama's begin-of-text), unless the text begins with them. */
function encodeDocument(text: string, context: ServingContext): readonly number[] {
  const tokenIds = encodeText(text, context);
  const { before } = context.model.tokenizer.documentFrame;
  return before.every((tokenId, place) => tokenIds[place] === tokenId) ? tokenIds : [...before, ...tokenIds];
}

function formOf({ logprobs }: CompletionsBody, { modelName, texts }: ServingContext): AnswerForm {
  const head = { id: newId("cmpl"), object: "text_completion", created: seconds(), model: modelName };
  const choice = ({ index, text, tokens, offset, finish }: ChoicePart): object => ({
    index,
    text,
    logprobs:
      logprobs === null || logprobs === undefined ? null : completionLogprobs(tokens, { texts, offset }),
    finish_reason: finish,
  });
  return { head: () => head, choice, chunkChoice: choice };
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
