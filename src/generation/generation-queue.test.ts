import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CountingDecoder } from "../../test/counting-decoder.ts";
import { GenerationQueue, type QueuedRequest } from "./generation-queue.ts";
import type { LanguageModel } from "./language-model.ts";

/** The "model" that counts; each of its decoders is a worker. */
function countingModel(decoders: readonly CountingDecoder[]): LanguageModel {
  const tokenizer = { decode: (ids: readonly number[]) => ids.map((id) => `${id} `).join("") };
  const model = { config: { vocabularySize: 10_000 }, positions: 100, stopTokenIds: [12], tokenizer };
  // The queue uses nothing else.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return { ...model, openDecoders: () => decoders } as unknown as LanguageModel;
}

function request(start: number, rest: Partial<QueuedRequest> = {}): QueuedRequest {
  return { id: "0", promptIds: [start], seed: 0, maxNewTokens: 5, ...rest };
}

/** The tokens of its events, and those of its completion. */
async function complete(queue: GenerationQueue, asked: QueuedRequest): Promise<readonly number[]> {
  const told: number[] = [];
  for await (const event of queue.complete(asked)) {
    if (event.type === "token" && !event.isStop) told.push(event.tokenId);
    if (event.type !== "completion") continue;
    expect(event.tokenIds).toEqual(told);
    return event.tokenIds;
  }
  throw new Error("no completion");
}

async function turns(count: number): Promise<void> {
  // oxlint-disable-next-line eslint/no-await-in-loop -- one turn of the event loop's microtasks after another
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}

function multiples(start: number, count = 5): number[] {
  const all = Array.from({ length: count }, (_, step) => start * (step + 2));
  const end = all.indexOf(12);
  return end === -1 ? all : all.slice(0, end);
}

describe("the generation queue", () => {
  test("worked example: requests with limits of their own, and one that is only scored", async () => {
    await using queue = new GenerationQueue(countingModel([new CountingDecoder(2)]), {
      slots: 2,
      capacity: 50,
    });
    const asked = [request(1), request(4), request(5, { maxNewTokens: 2 }), request(7, { maxNewTokens: 0 })];
    expect(await Promise.all(asked.map(async (each) => complete(queue, each)))).toEqual([
      [2, 3, 4, 5, 6],
      [8],
      [10, 15],
      [],
    ]);
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  test("property: whoever comes and goes when, the others get their own tokens and every slot is freed", async () => {
    const clients = fc.array(
      fc.record({ start: fc.integer({ min: 1, max: 9 }), delay: fc.nat(12), leavesAfter: fc.nat(20) }),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(clients, fc.integer({ min: 1, max: 3 }), async (all, workers) => {
        const decoders = Array.from({ length: workers }, () => new CountingDecoder(2));
        await using queue = new GenerationQueue(countingModel(decoders), { slots: 4, capacity: 50 });
        const run = async ({ start, delay, leavesAfter }: (typeof all)[number]): Promise<void> => {
          await turns(delay);
          const leaving = new AbortController();
          const asked = request(start, { maxNewTokens: 8, signal: leaving.signal });
          const leave = async (): Promise<void> => {
            await turns(leavesAfter);
            leaving.abort(new Error("gone"));
          };
          // Half of them stay.
          if (leavesAfter < 10) void leave();
          const [outcome] = await Promise.allSettled([complete(queue, asked)]);
          if (outcome.status === "fulfilled") expect(outcome.value).toEqual(multiples(start, 8));
          else expect([leavesAfter < 10, String(outcome.reason)]).toEqual([true, "Error: gone"]);
        };
        await Promise.all(all.map(run));
        expect([queue.running, queue.waiting]).toEqual([0, 0]);
        expect(await complete(queue, request(3))).toEqual(multiples(3).slice(0, 5));
      }),
      { numRuns: 30 },
    );
  });

  test("when the model fails, every request hears why, later ones too", async () => {
    const decoder = new CountingDecoder(2);
    decoder.step = async () => {
      throw new Error("out of memory");
    };
    await using queue = new GenerationQueue(countingModel([decoder]), { slots: 2, capacity: 50 });
    const asked = [1, 2, 3, 5].map(async (start) => complete(queue, request(start)));
    for (const { status } of await Promise.allSettled(asked)) expect(status).toBe("rejected");
    await expect(queue.failed).rejects.toThrow("out of memory");
    await expect(complete(queue, request(1))).rejects.toThrow("out of memory");
  });

  test("what it cannot run is refused before any work", async () => {
    await using queue = new GenerationQueue(countingModel([new CountingDecoder(2)]), {
      slots: 2,
      capacity: 6,
    });
    await expect(complete(queue, request(1, { maxNewTokens: 6 }))).rejects.toMatchObject({
      code: "generation/bad-request",
    });
    await expect(complete(queue, request(1, { maxNewTokens: -1 }))).rejects.toMatchObject({
      code: "generation/bad-options",
    });
    await expect(complete(queue, request(1, { signal: AbortSignal.abort() }))).rejects.toThrow("aborted");
  });

  test("closing ends whoever waits or runs", async () => {
    const decoder = new CountingDecoder(1);
    decoder.step = async () => new Promise(() => {});
    const queue = new GenerationQueue(countingModel([decoder]), { slots: 1, capacity: 50 });
    const asked = [1, 2].map(async (start) => complete(queue, request(start)));
    void queue[Symbol.asyncDispose]();
    for (const outcome of await Promise.allSettled(asked))
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "generation/closed" } });
  });
});
