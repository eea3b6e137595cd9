import type { FinishReason } from "../generation/events.ts";
import type { QueuedRequest } from "../generation/generation-queue.ts";
import { TextStream } from "../generation/text-stream.ts";
import type { Exchange } from "./exchange.ts";
import type { ServingContext } from "./serving-context.ts";
import type { PlacedToken } from "./token-text.ts";

/** One of the texts an answer consists of. */
export interface ChoiceRequest {
  readonly request: QueuedRequest;
  /** The prompt as text, where the answer is to begin with it. */
  readonly echo: string | null;
}

/** Text and tokens that belong together: a whole choice, or the next piece of one. */
export interface ChoicePart {
  readonly index: number;
  readonly text: string;
  readonly tokens: readonly PlacedToken[];
  /** UTF-16 units of the choice before this part. */
  readonly offset: number;
  readonly finish: FinishReason | null;
}

interface Usage {
  readonly prompt_tokens: number;
  /** Stop tokens included: they were computed. */
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** How an endpoint writes answers. */
export interface AnswerForm {
  /** The fields before `choices`, of a whole answer or of a chunk of a stream. */
  readonly head: (kind: "whole" | "chunk") => object;
  readonly choice: (part: ChoicePart) => object;
  readonly chunkChoice: (part: ChoicePart) => object;
}

export interface AnswerOptions {
  readonly choices: readonly ChoiceRequest[];
  /** Prompt tokens, each prompt counted once. */
  readonly promptTokens: number;
  readonly form: AnswerForm;
  readonly streams: boolean;
  readonly streamsUsage: boolean;
}

/** Completes every choice and sends the answer, whole or as a stream. */
export async function answer(
  exchange: Exchange,
  context: ServingContext,
  options: AnswerOptions,
): Promise<void> {
  const { choices, promptTokens, form, streams, streamsUsage } = options;
  const usageField = streamsUsage ? { usage: null } : {};
  const send = (part: ChoicePart): void =>
    exchange.sendEvent({ ...form.head("chunk"), choices: [form.chunkChoice(part)], ...usageField });
  context.metrics.promptTokens += promptTokens;
  const running = choices.map(async (choice, index) =>
    runChoice(choice, { index, context, send: streams ? send : null, signal: exchange.signal }),
  );
  // The first failure ends the others: nobody would read them.
  for (const each of running) each.catch((error: Error) => exchange.giveUp(error));
  const finished = await Promise.all(running);
  const completionTokens = finished.reduce((sum, { newTokens }) => sum + newTokens, 0);
  const usage: Usage = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
  if (!streams) {
    const whole = finished.map(({ part }) => form.choice(part));
    exchange.send(200, { ...form.head("whole"), choices: whole, usage });
    return;
  }
  if (streamsUsage) exchange.sendEvent({ ...form.head("chunk"), choices: [], usage });
  exchange.endEvents();
}

interface ChoiceRun {
  readonly index: number;
  readonly context: ServingContext;
  /** Takes the parts of a stream; null: only the whole is wanted. */
  readonly send: ((part: ChoicePart) => void) | null;
  readonly signal: AbortSignal;
}

async function runChoice(
  { request, echo }: ChoiceRequest,
  { index, context, send, signal }: ChoiceRun,
): Promise<{ part: ChoicePart; newTokens: number }> {
  const { queue, model, metrics, texts } = context;
  const started = performance.now();
  const stream = new TextStream(model.tokenizer, request.stop?.strings);
  const tokens: PlacedToken[] = [];
  let [newTokens, sent, offset] = [0, 0, 0];
  const flush = (text: string, finish: FinishReason | null): void => {
    const fresh = tokens.slice(sent);
    send?.({ index, text, tokens: fresh, offset, finish });
    sent = tokens.length;
    offset += fresh.reduce((sum, { tokenId }) => sum + texts.of(tokenId).length, 0);
  };
  let owesEcho = echo !== null;
  for await (const event of queue.complete({ ...request, signal })) {
    if (event.type === "prompt") {
      for (const [place, score] of event.scores.entries())
        tokens.push({ tokenId: request.promptIds[place]!, score });
      continue;
    }
    if (owesEcho && send !== null) flush(echo!, null);
    owesEcho = false;
    if (event.type === "completion") {
      const text = (echo ?? "") + event.text;
      flush(stream.rest(event.text), event.finish);
      return { part: { index, text, tokens, offset: 0, finish: event.finish }, newTokens };
    }
    if (newTokens++ === 0) metrics.observeFirstToken((performance.now() - started) / 1000);
    metrics.newTokens++;
    if (event.score !== null) tokens.push({ tokenId: event.tokenId, score: event.score });
    if (send === null || event.isStop) continue;
    const text = stream.push(event.tokenId);
    if (text !== "") flush(text, null);
  }
  throw signal.reason;
}
