import type { ChatMessage } from "../tokenizer/chat-template.ts";
import { answer, type AnswerForm } from "./answer.ts";
import { ApiError } from "./api-error.ts";
import { choicesOf, encodeText, newId, type Prompt } from "./choices.ts";
import type { Exchange } from "./exchange.ts";
import { parseChatBody, type ChatBody } from "./request-bodies.ts";
import type { ServingContext } from "./serving-context.ts";
import { chatLogprobs } from "./token-text.ts";

/** `POST /v1/chat/completions`: the model's next turn of a conversation, in its chat template. */
export async function chatCompletions(
  exchange: Exchange,
  json: unknown,
  context: ServingContext,
): Promise<void> {
  const body = parseChatBody(json);
  const prompt = promptOf(body, context);
  await answer(exchange, context, {
    choices: choicesOf([prompt], body, context),
    promptTokens: prompt.promptIds.length,
    form: formOf(body, context),
    streams: body.stream === true,
    streamsUsage: body.stream_options?.include_usage === true,
  });
}

function promptOf(body: ChatBody, context: ServingContext): Prompt {
  const { tokenizer } = context.model;
  if (!tokenizer.hasChatTemplate) {
    throw new ApiError(
      "serving/no-chat-template",
      "This model has no chat template: it is a base model. Use /v1/completions.",
      { status: 400, param: "messages" },
    );
  }
  const text = tokenizer.applyChatTemplate(body.messages.map(messageOf), {
    addGenerationPrompt: true,
    variables: body.chat_template_kwargs ?? {},
  });
  const promptIds = encodeText(text, context);
  const room = Math.max(context.queue.capacity - promptIds.length, 1);
  return {
    promptIds,
    echo: null,
    scorePrompt: false,
    likeliest: body.logprobs === true ? (body.top_logprobs ?? 0) : null,
    maxNewTokens: body.max_completion_tokens ?? body.max_tokens ?? room,
  };
}

function messageOf({ role, content }: ChatBody["messages"][number]): ChatMessage {
  const text = typeof content === "string" ? content : (content ?? []).map((part) => part.text).join("");
  // OpenAI's newer name of the same role; templates know the older one.
  return { role: role === "developer" ? "system" : role, content: text };
}

function formOf(body: ChatBody, { modelName, texts }: ServingContext): AnswerForm {
  const head = { id: newId("chatcmpl"), created: Math.floor(Date.now() / 1000), model: modelName };
  const begun = new Set<number>();
  return {
    head: (kind) => ({ ...head, object: kind === "whole" ? "chat.completion" : "chat.completion.chunk" }),
    choice: ({ index, text, tokens, finish }) => ({
      index,
      message: { role: "assistant", content: text, refusal: null },
      logprobs: body.logprobs === true ? chatLogprobs(tokens, texts) : null,
      finish_reason: finish,
    }),
    chunkChoice: ({ index, text, tokens, finish }) => {
      const role = begun.has(index) ? {} : { role: "assistant" };
      begun.add(index);
      return {
        index,
        delta: { ...role, content: text },
        logprobs: body.logprobs === true ? chatLogprobs(tokens, texts) : null,
        finish_reason: finish,
      };
    },
  };
}
