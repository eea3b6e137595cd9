import type { EventQueue } from "./event-queue.ts";
import type { CompletionEvent, GenerationEvent, GenerationSummary } from "./events.ts";

/** Progress comes with completions, at most this often. */
const INTERVAL_MS = 200;

/** Counts what is done and tells it. */
export class GenerationProgress {
  readonly #total: number;
  readonly #events: EventQueue<GenerationEvent>;
  readonly #startedAt = performance.now();
  #reportedAt = this.#startedAt;
  #finished = 0;
  #tokens = 0;

  constructor(total: number, events: EventQueue<GenerationEvent>) {
    this.#total = total;
    this.#events = events;
  }

  countToken(): void {
    this.#tokens++;
  }

  complete(completion: CompletionEvent): void {
    this.#finished++;
    this.#events.push(completion);
    const now = performance.now();
    if (this.#finished < this.#total && now - this.#reportedAt < INTERVAL_MS) return;
    this.#reportedAt = now;
    const tokensPerSecond = (1000 * this.#tokens) / Math.max(now - this.#startedAt, 1);
    this.#events.push({ type: "progress", finished: this.#finished, total: this.#total, tokensPerSecond });
  }

  summary(): GenerationSummary {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    return { completions: this.#finished, tokens: this.#tokens, seconds };
  }
}
