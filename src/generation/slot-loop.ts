/**
 * @file Continuous batching over one decoder: a finished completion leaves its slot, the next request takes it at once.
 *
 * A completion must not depend on its neighbours. Prompts run alone, so their arithmetic is that of their own shape; steps run with at least
 * two rows and a power of two of them, for which the engine's matrix products give every row the same bits (test/invariant).
 */
import type { NextToken, SlotDecoder } from "../models/slot-decoder.ts";

/** A completion that takes part in a slot loop. */
export interface SlotCompletion {
  readonly promptIds: readonly number[];
  /** New tokens so far. */
  readonly tokenIds: readonly number[];
  /** Nothing (more) is wanted of it: it is complete, or nobody waits for it any more. */
  readonly isOver: boolean;
  /** Takes the logits [prompt tokens, vocabularySize] after every prompt token, before any new token; null: they are not wanted. */
  readonly scorePrompt: ((logits: Float32Array) => Promise<void>) | null;
  /** Takes the token after the last one. */
  readonly advance: (next: NextToken) => void;
}

/** Where completions come from; several loops may share one source. */
export interface CompletionSource {
  /** The next one, if there is one now. */
  readonly take: () => SlotCompletion | undefined;
  /** Called when a loop has nothing to do: resolves to true when there may be something to take, to false when there never will be. */
  readonly wait: () => Promise<boolean>;
}

/** Takes completions from `source` and runs them to their end until none will come. */
export async function runSlotLoop(
  decoder: SlotDecoder,
  source: CompletionSource,
  signal: AbortSignal,
): Promise<void> {
  const active: SlotCompletion[] = [];
  for (;;) {
    signal.throwIfAborted();
    releaseFinished(decoder, active);
    /* oxlint-disable eslint/no-await-in-loop -- every token depends on the one before */
    await admit(decoder, { source, active, signal });
    if (active.length === 0) {
      if (await source.wait()) continue;
      return;
    }
    const rows = active.map(({ promptIds, tokenIds }) => ({
      tokenId: tokenIds.at(-1)!,
      position: promptIds.length + tokenIds.length - 1,
    }));
    const next = await decoder.step(rows);
    /* oxlint-enable eslint/no-await-in-loop */
    for (const [slot, completion] of active.entries())
      if (!completion.isOver) completion.advance(next[slot]!);
  }
}

/** Fills free slots; a completion that its first token already ends never occupies one. */
async function admit(
  decoder: SlotDecoder,
  { source, active, signal }: { source: CompletionSource; active: SlotCompletion[]; signal: AbortSignal },
): Promise<void> {
  while (active.length < decoder.slots) {
    signal.throwIfAborted();
    const completion = source.take();
    if (completion === undefined) return;
    const { promptIds, scorePrompt } = completion;
    /* oxlint-disable eslint/no-await-in-loop -- one prompt at a time, see the file's comment */
    if (scorePrompt !== null && !completion.isOver)
      await scorePrompt(await decoder.logits(promptIds, active.length));
    if (completion.isOver) continue;
    const next = await decoder.prefill(active.length, promptIds);
    /* oxlint-enable eslint/no-await-in-loop */
    if (!completion.isOver) completion.advance(next);
    if (!completion.isOver) active.push(completion);
  }
}

/** Keeps the active slots in front, so that a step computes no more rows than it must. */
function releaseFinished(decoder: SlotDecoder, active: SlotCompletion[]): void {
  // From the back, so that the completion moved into a freed slot is one that goes on.
  for (let slot = active.length - 1; slot >= 0; slot--) {
    if (!active[slot]!.isOver) continue;
    const last = active.pop()!;
    if (slot === active.length) continue;
    active[slot] = last;
    decoder.moveSlot(active.length, {
      to: slot,
      positions: last.promptIds.length + last.tokenIds.length - 1,
    });
  }
}
