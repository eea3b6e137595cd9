import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Attempt } from "./attempt.ts";
import { shareRequests } from "./share-requests.ts";

/** What one attempt of a server does; a server goes through its list again and again. */
type Behaviour = "answers" | "is busy" | "fails";

test("property: however servers stumble, each request is answered once, and no server works on more than it may", async () => {
  // Never eight failures in a row, and never six for one request.
  const behaviour = fc.constantFrom<Behaviour>("answers", "answers", "is busy", "fails");
  const script = fc.array(behaviour, { maxLength: 4 }).map((list): Behaviour[] => [...list, "answers"]);
  const cases = fc.record({
    scripts: fc.array(script, { minLength: 1, maxLength: 3 }),
    count: fc.nat(25),
    concurrency: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ scripts, count, concurrency }) => {
      const running = scripts.map(() => 0);
      const turns = scripts.map(() => 0);
      const failures = new Map<string, number>();
      const attempt = async (server: string, { id }: { readonly id: string }): Promise<Attempt<string>> => {
        const index = Number(server);
        running[index]!++;
        expect(running[index]).toBeLessThanOrEqual(concurrency);
        await new Promise(setImmediate);
        running[index]!--;
        const behaviours = scripts[index]!;
        const turn = behaviours[turns[index]!++ % behaviours.length]!;
        if (turn === "answers" || (turn === "fails" && failures.get(id) === 5)) {
          return { type: "answer", answer: `answer to ${id}` };
        }
        if (turn === "fails") failures.set(id, (failures.get(id) ?? 0) + 1);
        const blame = turn === "fails" ? "request" : "server";
        return { type: "passing", reason: turn, blame, pauseMs: 0 };
      };
      const requests = Array.from({ length: count }, (_, index) => ({ id: String(index) }));
      const servers = scripts.map((_, index) => String(index));
      const answers = shareRequests(requests, { servers, concurrency, attempt, firstPauseMs: 0 });
      const got = [];
      for await (const { request, answer } of answers) got.push([Number(request.id), answer] as const);
      expect(got.toSorted(([left], [right]) => left - right)).toEqual(
        requests.map(({ id }) => [Number(id), `answer to ${id}`]),
      );
    }),
    { numRuns: 30 },
  );
});
