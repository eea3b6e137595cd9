import { BitmendError } from "../util/errors.ts";
import { EventQueue } from "./event-queue.ts";
import type { GenerationEvent, GenerationSummary } from "./events.ts";
import type { LanguageModel } from "./language-model.ts";
import { GenerationProgress } from "./generation-progress.ts";
import { GrowingCompletion, type CompletionRules } from "./growing-completion.ts";
import { validateRequests, type GenerationRequest } from "./requests.ts";
import { isPlainGreedy, validateSampling, type SamplingOptions } from "./sampling.ts";
import { runSlotLoop, type CompletionSource } from "./slot-loop.ts";
import { StopStrings, type StopOptions } from "./stop-rule.ts";

/** Settings of `generate()`. */
export interface GenerateOptions {
  /** Longest completion. */
  readonly maxNewTokens: number;
  /** Sequences that run at the same time, over all workers. Default: 64. More is faster and takes more memory; the tokens stay the same. */
  readonly slots?: number;
  /** Default: greedy. */
  readonly sampling?: SamplingOptions;
  /** Default: the model's end-of-sequence tokens. */
  readonly stop?: StopOptions;
  readonly signal?: AbortSignal;
}

/**
 * Completes every request; completions arrive in the order in which they finish.
 *
 * A completion depends on model, prompt, options, id and seed only: not on the number of slots, the order of requests or their company.
 *
 * @yields {GenerationEvent} a completion for every request, and progress a few times a second.
 * @throws {BitmendError} `generation/bad-options` or `generation/bad-request` before any work.
 */
export async function* generate(
  model: LanguageModel,
  requests: readonly GenerationRequest[],
  options: GenerateOptions,
): AsyncGenerator<GenerationEvent, GenerationSummary, void> {
  const { maxNewTokens, slots = 64, sampling = {}, signal } = options;
  validateOptions({ maxNewTokens, slots });
  validateSampling(sampling);
  const { config, positions } = model;
  validateRequests(requests, { maxNewTokens, vocabularySize: config.vocabularySize, positions });
  const queue = new EventQueue<GenerationEvent>();
  const progress = new GenerationProgress(requests.length, queue);
  const cancelled = new AbortController();
  const source = sourceOf(requests, {
    model,
    progress,
    rules: {
      maxNewTokens,
      sampling,
      stopTokenIds: new Set(options.stop?.tokenIds ?? model.stopTokenIds),
      stopStrings: new StopStrings(options.stop?.strings ?? [], model.tokenizer),
    },
  });
  const stopped = signal === undefined ? cancelled.signal : AbortSignal.any([signal, cancelled.signal]);
  const decoders = model.openDecoders({
    slots: Math.min(slots, Math.max(requests.length, 1)),
    capacity:
      requests.reduce((longest, { promptIds }) => Math.max(longest, promptIds.length), 1) + maxNewTokens,
    wantsLogits: !isPlainGreedy(sampling),
  });
  const loops = Promise.all(decoders.map(async (decoder) => runSlotLoop(decoder, source, stopped)));
  const settled = loops.then(
    () => queue.close(),
    (error: unknown) => queue.close(error),
  );
  try {
    yield* queue;
  } finally {
    // A consumer that stops early must not leave loops running over a model that it may dispose of.
    cancelled.abort();
    await settled;
  }
  return progress.summary();
}

/** The requests one after another, as completions that report to `progress`. */
function sourceOf(
  requests: readonly GenerationRequest[],
  { model, rules, progress }: { model: LanguageModel; rules: CompletionRules; progress: GenerationProgress },
): CompletionSource {
  const pending = requests.values();
  return {
    wait: async () => false,
    take: () => {
      const { value: request } = pending.next();
      if (request === undefined) return undefined;
      return new GrowingCompletion(request, rules, {
        token: (_, { isStop }) => {
          if (!isStop) progress.countToken();
        },
        finished: (tokenIds, finish) => {
          const text = rules.stopStrings.cut(model.tokenizer.decode(tokenIds));
          progress.complete({ type: "completion", id: request.id, tokenIds, text, finish });
        },
      });
    },
  };
}

function validateOptions(options: { maxNewTokens: number; slots: number }): void {
  const offenders = Object.entries(options).filter(([, value]) => !Number.isInteger(value) || value < 1);
  if (offenders.length === 0) return;
  const shown = offenders.map(([name, value]) => `${name}=${value}`).join(", ");
  throw new BitmendError("generation/bad-options", `generate(): expected positive integers, got ${shown}.`);
}
