/**
 * @file Continuous batching over one decoder: a finished completion leaves its slot, the next request takes it at once.
 *
 * A completion must not depend on its neighbours. Prompts run alone, so their arithmetic is that of their own shape; steps run with at least
 * two rows and a power of two of them, for which the engine's matrix products give every row the same bits (test/invariant).
 */
import type { SlotDecoder, NextToken } from "../models/slot-decoder.ts";
import { randomStream, type RandomStream } from "../util/random.ts";
import type { FinishReason } from "./events.ts";
import type { GenerationProgress } from "./generation-progress.ts";
import type { GenerationRequest } from "./requests.ts";
import { sampleToken, type SamplingOptions } from "./sampling.ts";
import type { StopStrings } from "./stop-rule.ts";

/** What all completions of one call have in common. */
export interface SlotLoopOptions {
  readonly maxNewTokens: number;
  readonly sampling: SamplingOptions;
  readonly stopTokenIds: ReadonlySet<number>;
  readonly stopStrings: StopStrings;
  readonly decode: (tokenIds: readonly number[]) => string;
  readonly progress: GenerationProgress;
  readonly signal: AbortSignal;
}

/** A completion in progress. */
interface ActiveCompletion {
  readonly request: GenerationRequest;
  readonly tokenIds: number[];
  readonly seen: Set<number>;
  readonly random: RandomStream;
}

/** Takes requests from `pending`, which other loops may share, until none is left. */
export async function runSlotLoop(
  decoder: SlotDecoder,
  pending: Iterator<GenerationRequest, unknown>,
  options: SlotLoopOptions,
): Promise<void> {
  const active: ActiveCompletion[] = [];
  for (;;) {
    options.signal.throwIfAborted();
    /* oxlint-disable eslint/no-await-in-loop -- every token depends on the one before */
    await admit(decoder, { pending, active, options });
    if (active.length === 0) return;
    const rows = active.map(({ request, tokenIds }) => ({
      tokenId: tokenIds.at(-1)!,
      position: request.promptIds.length + tokenIds.length - 1,
    }));
    const next = await decoder.step(rows);
    /* oxlint-enable eslint/no-await-in-loop */
    // From the back, so that the completion moved into a freed slot has been advanced already.
    for (let slot = active.length - 1; slot >= 0; slot--) {
      if (advance(active[slot]!, next[slot]!, options)) release(decoder, active, slot);
    }
  }
}

/** Fills free slots; a request whose first token already ends it never occupies one. */
async function admit(
  decoder: SlotDecoder,
  {
    pending,
    active,
    options,
  }: { pending: Iterator<GenerationRequest, unknown>; active: ActiveCompletion[]; options: SlotLoopOptions },
): Promise<void> {
  while (active.length < decoder.slots) {
    const taken = pending.next();
    if (taken.done === true) return;
    const { promptIds, seed, id } = taken.value;
    const completion: ActiveCompletion = {
      request: taken.value,
      tokenIds: [],
      seen: new Set(options.sampling.repetitionPenalty === undefined ? [] : promptIds),
      random: randomStream(seed, "sampling", id),
    };
    // oxlint-disable-next-line eslint/no-await-in-loop -- one prompt at a time, see the file's comment
    const next = await decoder.prefill(active.length, promptIds);
    if (!advance(completion, next, options)) active.push(completion);
  }
}

/** Appends the next token and reports the completion when that ends it. */
function advance(completion: ActiveCompletion, next: NextToken, options: SlotLoopOptions): boolean {
  const { sampling, stopTokenIds, stopStrings, maxNewTokens } = options;
  const { tokenIds, seen } = completion;
  const tokenId = next.logits === null ? next.best : sampleToken(next.logits, sampling, completion);
  if (stopTokenIds.has(tokenId)) return finish(completion, "stop", options);
  tokenIds.push(tokenId);
  seen.add(tokenId);
  options.progress.countToken();
  if (stopStrings.isReached(tokenIds)) return finish(completion, "stop", options);
  return tokenIds.length === maxNewTokens && finish(completion, "length", options);
}

function finish(
  { request, tokenIds }: ActiveCompletion,
  reason: FinishReason,
  options: SlotLoopOptions,
): true {
  const text = options.stopStrings.cut(options.decode(tokenIds));
  options.progress.complete({ type: "completion", id: request.id, tokenIds, text, finish: reason });
  return true;
}

/** Keeps the active slots in front, so that a step computes no more rows than it must. */
function release(decoder: SlotDecoder, active: ActiveCompletion[], slot: number): void {
  const last = active.pop()!;
  if (slot === active.length) return;
  active[slot] = last;
  decoder.moveSlot(active.length, {
    to: slot,
    positions: last.request.promptIds.length + last.tokenIds.length - 1,
  });
}
