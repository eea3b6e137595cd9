import type { GenerationQueue } from "../generation/generation-queue.ts";
import type { LanguageModel } from "../generation/language-model.ts";
import type { Metrics } from "./metrics.ts";
import type { TokenTexts } from "./token-text.ts";

/** How much one client, and all together, may ask for. */
export interface ServingLimits {
  /** Longest body of a request. */
  readonly maxBodyBytes: number;
  /** Completions that wait for a slot; more are told to come back (429). */
  readonly maxWaiting: number;
}

/** What every request is answered with. */
export interface ServingContext {
  /** As clients name it. */
  readonly modelName: string;
  readonly model: LanguageModel;
  readonly queue: GenerationQueue;
  readonly texts: TokenTexts;
  readonly metrics: Metrics;
  readonly limits: ServingLimits;
  /** Seconds since 1970. */
  readonly startedAt: number;
}
