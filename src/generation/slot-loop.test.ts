import { describe, expect, test } from "vitest";
import type { NextToken, SlotDecoder, StepRow } from "../models/slot-decoder.ts";
import { EventQueue } from "./event-queue.ts";
import type { CompletionEvent, GenerationEvent } from "./events.ts";
import { GenerationProgress } from "./generation-progress.ts";
import { runSlotLoop } from "./slot-loop.ts";
import { StopStrings } from "./stop-rule.ts";

/** A "model" that counts: the next token is the last one plus the sequence's first, so a slot mix-up shows in every later token. */
class CountingDecoder implements SlotDecoder {
  readonly slots: number;
  readonly rowsPerStep: number[] = [];
  readonly #sequences: number[][] = [];

  constructor(slots: number) {
    this.slots = slots;
  }

  async prefill(slot: number, tokenIds: readonly number[]): Promise<NextToken> {
    this.#sequences[slot] = [...tokenIds];
    return this.#next(slot);
  }

  async step(rows: readonly StepRow[]): Promise<NextToken[]> {
    this.rowsPerStep.push(rows.length);
    return rows.map(({ tokenId, position }, slot) => {
      const sequence = this.#sequences[slot]!;
      if (position !== sequence.length) throw new RangeError(`slot ${slot}: position ${position}`);
      sequence.push(tokenId);
      return this.#next(slot);
    });
  }

  moveSlot(from: number, { to, positions }: { to: number; positions: number }): void {
    this.#sequences[to] = this.#sequences[from]!.slice(0, positions);
  }

  async logits(): Promise<Float32Array> {
    return new Float32Array();
  }

  #next(slot: number): NextToken {
    const sequence = this.#sequences[slot]!;
    return { best: sequence.at(-1)! + sequence[0]!, logits: null };
  }
}

function decode(tokenIds: readonly number[]): string {
  return tokenIds.map((tokenId) => `${tokenId} `).join("");
}

async function run(starts: readonly number[], { slots = 4, maxNewTokens = 5, stop = "" } = {}) {
  const queue = new EventQueue<GenerationEvent>();
  const decoder = new CountingDecoder(slots);
  const requests = starts.map((start, index) => ({ id: `${index}`, promptIds: [start], seed: 0 }));
  await runSlotLoop(decoder, requests.values(), {
    maxNewTokens,
    sampling: {},
    stopTokenIds: new Set([12]),
    stopStrings: new StopStrings([stop], { decode }),
    progress: new GenerationProgress(starts.length, queue),
    decode,
    signal: new AbortController().signal,
  });
  queue.close();
  const completions: CompletionEvent[] = [];
  for await (const event of queue) if (event.type === "completion") completions.push(event);
  return { completions: completions.toSorted((a, b) => Number(a.id) - Number(b.id)), decoder };
}

describe("continuous batching", () => {
  test("worked example: multiples until the limit, or until 12 stops", async () => {
    const { completions } = await run([1, 4, 12, 5]);
    expect(completions.map(({ tokenIds, finish }) => [tokenIds, finish])).toEqual([
      [[2, 3, 4, 5, 6], "length"],
      [[8], "stop"],
      [[24, 36, 48, 60, 72], "length"],
      [[10, 15, 20, 25, 30], "length"],
    ]);
  });

  test("a freed slot is refilled and the last slot moves into a gap", async () => {
    const starts = Array.from({ length: 30 }, (_, index) => (index % 7) + 1);
    const { completions, decoder } = await run(starts);
    for (const [index, { tokenIds }] of completions.entries()) {
      const multiples = Array.from({ length: 5 }, (_, step) => starts[index]! * (step + 2));
      const end = multiples.indexOf(12);
      expect(tokenIds).toEqual(end === -1 ? multiples : multiples.slice(0, end));
    }
    expect(Math.max(...decoder.rowsPerStep)).toBe(4);
    expect(decoder.rowsPerStep.at(-1)).toBeLessThanOrEqual(2);
  });

  test("a stop string ends the completion and is cut from its text", async () => {
    const [completion] = (await run([5], { stop: "20" })).completions;
    expect(completion).toEqual({
      type: "completion",
      id: "0",
      tokenIds: [10, 15, 20],
      text: "10 15 ",
      finish: "stop",
    });
  });

  test("a first token that stops leaves no tokens", async () => {
    const [completion] = (await run([6])).completions;
    expect(completion).toMatchObject({ tokenIds: [], text: "", finish: "stop" });
  });
});
