import { describe, expect, test } from "vitest";
import { CountingDecoder } from "../../test/counting-decoder.ts";
import type { FinishReason } from "./events.ts";
import { GrowingCompletion } from "./growing-completion.ts";
import { runSlotLoop } from "./slot-loop.ts";
import { StopStrings } from "./stop-rule.ts";

function decode(tokenIds: readonly number[]): string {
  return tokenIds.map((tokenId) => `${tokenId} `).join("");
}

async function run(starts: readonly number[], { slots = 4, maxNewTokens = 5, stop = "" } = {}) {
  const decoder = new CountingDecoder(slots);
  const completions: { tokenIds: readonly number[]; finish: FinishReason }[] = [];
  const rules = {
    maxNewTokens,
    sampling: {},
    stopTokenIds: new Set([12]),
    stopStrings: new StopStrings([stop], { decode }),
  };
  const waiting = starts.map(
    (start, index) =>
      new GrowingCompletion({ id: `${index}`, promptIds: [start], seed: 0 }, rules, {
        token: () => {},
        finished: (tokenIds, finish) => void (completions[index] = { tokenIds, finish }),
      }),
  );
  const source = { take: () => waiting.shift(), wait: async () => false };
  await runSlotLoop(decoder, source, new AbortController().signal);
  return { completions, decoder };
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

  test("a stop string ends the completion", async () => {
    const [completion] = (await run([5], { stop: "20" })).completions;
    expect(completion).toEqual({ tokenIds: [10, 15, 20], finish: "stop" });
  });

  test("a first token that stops leaves no tokens", async () => {
    const [completion] = (await run([6])).completions;
    expect(completion).toMatchObject({ tokenIds: [], finish: "stop" });
  });
});
