import { BitmendError } from "../util/errors.ts";
import { EventQueue } from "./event-queue.ts";
import type { CompletionEvent } from "./events.ts";
import { GrowingCompletion, type CompletionRules } from "./growing-completion.ts";
import type { LanguageModel } from "./language-model.ts";
import { validateRequests, type GenerationRequest } from "./requests.ts";
import { validateSampling, type SamplingOptions } from "./sampling.ts";
import { runSlotLoop, type SlotCompletion } from "./slot-loop.ts";
import { StopStrings, type StopOptions } from "./stop-rule.ts";
import { scoreToken, type TokenScore } from "./token-scores.ts";

/** A request with settings of its own. `id` and `seed` name its random stream as in `generate()`; ids need not be unique here. */
export interface QueuedRequest extends GenerationRequest {
  /** 0 is allowed: the prompt is only scored. */
  readonly maxNewTokens: number;
  /** Default: greedy. */
  readonly sampling?: SamplingOptions;
  /** Default: the model's end-of-sequence tokens. */
  readonly stop?: StopOptions;
  /** Score every new token and name so many likeliest ones. Default: null, no scores. */
  readonly likeliest?: number | null;
  /** Score the tokens of the prompt too. Default: false. */
  readonly scorePrompt?: boolean;
  /** Gives up this request alone: its slot is free again at the next step. */
  readonly signal?: AbortSignal;
}

/** What a request hears, in this order: its prompt's scores, each token, the completion. */
export type QueueEvent =
  /** [prompt tokens]; the first has nothing before it and no score. */
  | { readonly type: "prompt"; readonly scores: readonly (TokenScore | null)[] }
  | {
      readonly type: "token";
      readonly tokenId: number;
      /** It ends the completion and is no part of it. */
      readonly isStop: boolean;
      readonly score: TokenScore | null;
    }
  | CompletionEvent;

/** Room of a queue. */
export interface QueueOptions {
  /** Requests that run at the same time, over all workers. */
  readonly slots: number;
  /** Longest sequence, prompt and completion together. */
  readonly capacity: number;
}

/** A request, and who waits for it. */
interface Job {
  readonly completion: GrowingCompletion;
  readonly events: EventQueue<QueueEvent>;
}

/** Scoring a long prompt lets other work of the process through after so many milliseconds. */
const SCORING_SLICE_MS = 10;

/**
 * Runs requests as they come, without end: each joins the running batch when a slot is free and leaves it alone.
 *
 * A completion is that of `generate()` for the same id, prompt, seed and settings, whatever its company.
 */
export class GenerationQueue implements AsyncDisposable {
  readonly slots: number;
  readonly capacity: number;
  readonly #model: LanguageModel;
  readonly #waiting: Job[] = [];
  readonly #running = new Set<Job>();
  readonly #closed = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  readonly #loops: Promise<unknown>;
  /** Loops that have nothing to do wait for it. */
  #wake: PromiseWithResolvers<boolean> | null = null;

  constructor(model: LanguageModel, { slots, capacity }: QueueOptions) {
    this.#model = model;
    this.capacity = capacity;
    const decoders = model.openDecoders({ slots, capacity, wantsLogits: true });
    this.slots = decoders.reduce((sum, decoder) => sum + decoder.slots, 0);
    const source = { take: () => this.#take(), wait: async () => this.#wait() };
    const loops = decoders.map(async (decoder) => runSlotLoop(decoder, source, this.#closed.signal));
    this.#loops = Promise.allSettled(
      loops.map(async (loop) =>
        loop.catch((error: unknown) => {
          if (this.failure === null) this.#failed.reject(error);
          this.#fail(error);
        }),
      ),
    );
    // Who does not ask for it does not want to hear of it.
    this.#failed.promise.catch(() => {});
  }

  /** Requests that wait for a slot. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Requests in slots. */
  get running(): number {
    return this.#running.size;
  }

  /** Rejects when the queue ends by itself: the model failed. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Why no request can run any more; null while they can. */
  get failure(): unknown {
    const { aborted, reason } = this.#closed.signal;
    const cause: unknown = reason;
    return aborted ? cause : null;
  }

  /**
   * Completes one request. A consumer that stops early gives it up.
   *
   * @yields {QueueEvent} see there.
   * @throws {BitmendError} `generation/bad-request`, `generation/bad-options` before any work; what ended the queue; the signal's reason.
   */
  async *complete(request: QueuedRequest): AsyncGenerator<QueueEvent, void, void> {
    this.#validate(request);
    request.signal?.throwIfAborted();
    if (this.failure !== null) throw this.failure;
    const job = this.#job(request);
    const giveUp = (): void => this.#leave(job, request.signal?.reason);
    request.signal?.addEventListener("abort", giveUp, { once: true });
    try {
      this.#waiting.push(job);
      this.#rouse(true);
      yield* job.events;
    } finally {
      request.signal?.removeEventListener("abort", giveUp);
      this.#leave(job);
    }
  }

  /** Ends every request that waits or runs, and stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new BitmendError("generation/closed", "complete(): the queue was closed."));
    await this.#loops;
  }

  #take(): SlotCompletion | undefined {
    const job = this.#waiting.shift();
    if (job !== undefined) this.#running.add(job);
    return job?.completion;
  }

  async #wait(): Promise<boolean> {
    if (this.failure !== null) return false;
    if (this.#waiting.length > 0) return true;
    this.#wake ??= Promise.withResolvers<boolean>();
    return this.#wake.promise;
  }

  #rouse(goesOn: boolean): void {
    this.#wake?.resolve(goesOn);
    this.#wake = null;
  }

  #leave(job: Job, reason: unknown = null): void {
    job.completion.cancel();
    const place = this.#waiting.indexOf(job);
    if (place !== -1) this.#waiting.splice(place, 1);
    this.#running.delete(job);
    job.events.close(reason);
  }

  #fail(error: unknown): void {
    if (!this.#closed.signal.aborted) this.#closed.abort(error);
    this.#rouse(false);
    for (const job of [...this.#waiting, ...this.#running]) this.#leave(job, error);
  }

  #job(request: QueuedRequest): Job {
    const { sampling = {}, stop = {}, maxNewTokens, likeliest = null, scorePrompt = false } = request;
    const { tokenizer, stopTokenIds } = this.#model;
    const events = new EventQueue<QueueEvent>();
    const rules: CompletionRules = {
      maxNewTokens,
      sampling,
      stopTokenIds: new Set(stop.tokenIds ?? stopTokenIds),
      stopStrings: new StopStrings(stop.strings ?? [], tokenizer),
    };
    const completion = new GrowingCompletion(request, rules, {
      scorePrompt: scorePrompt
        ? async (logits) => {
            const scores = await this.#scores(request, logits, () => completion.isOver);
            events.push({ type: "prompt", scores });
            if (maxNewTokens === 0) completion.finish("length");
          }
        : null,
      token: (tokenId, { isStop, next }) => {
        const score = likeliest === null ? null : scoreToken(next.logits!, tokenId, likeliest);
        events.push({ type: "token", tokenId, isStop, score });
      },
      finished: (tokenIds, finish) => {
        const text = rules.stopStrings.cut(tokenizer.decode(tokenIds));
        events.push({ type: "completion", id: request.id, tokenIds, text, finish });
        this.#leave(job);
      },
    });
    const job: Job = { completion, events };
    if (maxNewTokens === 0 && !scorePrompt) completion.finish("length");
    return job;
  }

  async #scores(
    { promptIds, likeliest }: QueuedRequest,
    logits: Float32Array,
    isOver: () => boolean,
  ): Promise<(TokenScore | null)[]> {
    const width = this.#model.config.vocabularySize;
    const scores: (TokenScore | null)[] = [null];
    let sliceStart = performance.now();
    for (let position = 1; position < promptIds.length && !isOver(); position++) {
      const row = logits.subarray((position - 1) * width, position * width);
      scores.push(scoreToken(row, promptIds[position]!, likeliest ?? 0));
      if (performance.now() - sliceStart < SCORING_SLICE_MS) continue;
      // oxlint-disable-next-line eslint/no-await-in-loop -- see SCORING_SLICE_MS
      await new Promise((resolve) => void setImmediate(resolve));
      sliceStart = performance.now();
    }
    return scores;
  }

  #validate(request: QueuedRequest): void {
    const { maxNewTokens, likeliest = null, sampling = {} } = request;
    if (!isCount(maxNewTokens) || !isCount(likeliest ?? 0)) {
      throw new BitmendError(
        "generation/bad-options",
        `complete(): expected whole numbers of at least 0, got maxNewTokens=${maxNewTokens}, likeliest=${likeliest}.`,
      );
    }
    validateSampling(sampling);
    const { vocabularySize } = this.#model.config;
    validateRequests([request], { maxNewTokens, vocabularySize, positions: this.capacity });
  }
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}
