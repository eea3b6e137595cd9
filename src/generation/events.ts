/** Why a completion ended: at a stop token or string, or at the token limit. */
export type FinishReason = "stop" | "length";

/** One finished completion. */
export interface CompletionEvent {
  readonly type: "completion";
  /** Of the request. */
  readonly id: string;
  /** New tokens, without the stop token. */
  readonly tokenIds: readonly number[];
  /** How many they were, where a server says the number and not the tokens. */
  readonly tokens?: number;
  /** The new tokens as text, cut before the first stop string. */
  readonly text: string;
  readonly finish: FinishReason;
}

/** How far a generation is. */
interface ProgressEvent {
  readonly type: "progress";
  readonly finished: number;
  readonly total: number;
  /** New tokens per second since the start. */
  readonly tokensPerSecond: number;
}

/** What `generate()` yields. */
export type GenerationEvent = CompletionEvent | ProgressEvent;

/** What `generate()` returns. */
export interface GenerationSummary {
  readonly completions: number;
  /** New tokens over all completions, stop tokens not counted. */
  readonly tokens: number;
  readonly seconds: number;
}
