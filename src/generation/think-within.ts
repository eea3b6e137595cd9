import type { CompletionEvent, GenerationEvent } from "./events.ts";
import { generate, type GenerateOptions } from "./generate.ts";
import type { LanguageModel } from "./language-model.ts";
import { type GenerationRequest, validateRequests } from "./requests.ts";

/** How long a model may think, and how its thoughts are ended. */
export interface ThinkingBudget {
  /** Tokens after which open thoughts are closed. */
  readonly tokens: number;
  /** What closes the thoughts that are open at the end of a completion; null where none are. */
  readonly closing: (text: string) => string | null;
}

/**
 * Completes every request as `generate()` does, but ends thoughts that reach the budget: they are closed, and the answer is asked for.
 *
 * A completion that is over within the budget is as it would be without. Another goes on for `maxNewTokens` more, after the closing words
 * if its thoughts were still open. The second part draws from a random stream of its own, so that sampling stays repeatable. (Budget forcing:
 * Muennighoff et al. 2025, s1, section 3.1; Qwen3's technical report, section 4.3.)
 *
 * @yields A completion for every request, and progress of the part that runs.
 * @throws {BitmendError} as `generate()`, before any work.
 */
export async function* thinkWithin(
  model: LanguageModel,
  requests: readonly GenerationRequest[],
  { budget, ...options }: GenerateOptions & { readonly budget: ThinkingBudget },
): AsyncGenerator<GenerationEvent, void, void> {
  const { config, positions, tokenizer } = model;
  // Room for the closing words too; what they are depends on the tags.
  const closingRoom = 64;
  validateRequests(requests, {
    maxNewTokens: budget.tokens + closingRoom + options.maxNewTokens,
    vocabularySize: config.vocabularySize,
    positions,
  });
  const byId = new Map(requests.map((request) => [request.id, request]));
  const unfinished: { readonly request: GenerationRequest; readonly tokenIds: readonly number[] }[] = [];
  for await (const event of generate(model, requests, { ...options, maxNewTokens: budget.tokens })) {
    if (event.type !== "completion" || event.finish === "stop") yield event;
    else {
      const closing = budget.closing(event.text);
      const closingIds = closing === null ? [] : tokenizer.encode(closing);
      unfinished.push({ request: byId.get(event.id)!, tokenIds: [...event.tokenIds, ...closingIds] });
    }
  }
  if (unfinished.length === 0) return;
  const answers = unfinished.map(({ request, tokenIds }): GenerationRequest => ({
    ...request,
    // Another name, another random stream.
    id: `${request.id}~answer`,
    promptIds: [...request.promptIds, ...tokenIds],
  }));
  const begun = new Map(answers.map(({ id }, index) => [id, unfinished[index]!]));
  for await (const event of generate(model, answers, options)) {
    yield event.type === "completion" ? joined(event, begun.get(event.id)!, model) : event;
  }
}

function joined(
  event: CompletionEvent,
  { request, tokenIds }: { readonly request: GenerationRequest; readonly tokenIds: readonly number[] },
  { tokenizer }: LanguageModel,
): CompletionEvent {
  // Decoded as one, where no stop string was cut off: a letter may lie across the seam.
  const all = [...tokenIds, ...event.tokenIds];
  const isWhole = tokenizer.decode(event.tokenIds) === event.text;
  const text = isWhole ? tokenizer.decode(all) : tokenizer.decode(tokenIds) + event.text;
  return { ...event, id: request.id, tokenIds: all, text };
}
