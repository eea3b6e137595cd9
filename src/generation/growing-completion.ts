import type { NextToken } from "../models/slot-decoder.ts";
import { randomStream, type RandomStream } from "../util/random.ts";
import type { FinishReason } from "./events.ts";
import type { GenerationRequest } from "./requests.ts";
import { isPlainGreedy, sampleToken, type SamplingOptions } from "./sampling.ts";
import type { SlotCompletion } from "./slot-loop.ts";
import type { StopStrings } from "./stop-rule.ts";

/** What decides a completion besides its request. */
export interface CompletionRules {
  readonly maxNewTokens: number;
  readonly sampling: SamplingOptions;
  readonly stopTokenIds: ReadonlySet<number>;
  readonly stopStrings: StopStrings;
}

/** Who is told. */
export interface CompletionListener {
  /** A token was chosen; `isStop`: it ends the completion and is no part of it. `next` is valid during the call. */
  readonly token: (tokenId: number, details: { readonly isStop: boolean; readonly next: NextToken }) => void;
  /** Called once, with the new tokens without a stop token. */
  readonly finished: (tokenIds: readonly number[], reason: FinishReason) => void;
}

/** One completion in progress: chooses its tokens and knows when it ends. */
export class GrowingCompletion implements SlotCompletion {
  readonly promptIds: readonly number[];
  readonly tokenIds: number[] = [];
  readonly scorePrompt: SlotCompletion["scorePrompt"];
  readonly #rules: CompletionRules;
  readonly #isGreedy: boolean;
  readonly #listener: CompletionListener;
  readonly #seen: Set<number>;
  readonly #random: RandomStream;
  #isOver = false;

  constructor(
    { id, promptIds, seed }: GenerationRequest,
    rules: CompletionRules,
    { scorePrompt = null, ...listener }: CompletionListener & Partial<Pick<SlotCompletion, "scorePrompt">>,
  ) {
    this.promptIds = promptIds;
    this.scorePrompt = scorePrompt;
    this.#rules = rules;
    this.#isGreedy = isPlainGreedy(rules.sampling);
    this.#listener = listener;
    this.#seen = new Set(rules.sampling.repetitionPenalty === undefined ? [] : promptIds);
    this.#random = randomStream(seed, "sampling", id);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    this.#isOver = true;
  }

  advance(next: NextToken): void {
    const { stopTokenIds, stopStrings, maxNewTokens } = this.#rules;
    const tokenId = this.#choose(next);
    const isStop = stopTokenIds.has(tokenId);
    if (!isStop) {
      this.tokenIds.push(tokenId);
      this.#seen.add(tokenId);
    }
    this.#listener.token(tokenId, { isStop, next });
    if (isStop || stopStrings.isReached(this.tokenIds)) this.finish("stop");
    else if (this.tokenIds.length === maxNewTokens) this.finish("length");
  }

  /** Ends it here. */
  finish(reason: FinishReason): void {
    this.#isOver = true;
    this.#listener.finished(this.tokenIds, reason);
  }

  #choose({ best, logits }: NextToken): number {
    if (this.#isGreedy || logits === null) return best;
    return sampleToken(logits, this.#rules.sampling, { seen: this.#seen, random: this.#random });
  }
}
