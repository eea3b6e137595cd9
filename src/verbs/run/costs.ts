import { randomUUID } from "node:crypto";
import { z } from "zod";
import { appendJsonLines, readJsonLines } from "../../util/json-lines.ts";
import type { VerbRun } from "../events.ts";
import { recordPath, type RunContext } from "./context.ts";

const costSchema = z.strictObject({
  /** One attempt at the run. */
  sitting: z.string(),
  stage: z.string(),
  /** Since the attempt began. */
  seconds: z.number(),
  peakMemoryBytes: z.number(),
});
type CostRecord = z.infer<typeof costSchema>;

/** A killed attempt is undercounted by at most this much. */
const recordEveryMs = 2000;

/**
 * Passes a run's events on and keeps its time and peak memory in events.jsonl, so that they add up over interrupted attempts.
 *
 * @yields The events as they are.
 */
export async function* recordCosts<Result>(context: RunContext, events: VerbRun<Result>): VerbRun<Result> {
  const path = recordPath(context, "events.jsonl");
  const sitting = randomUUID();
  const startMs = performance.now();
  let stage = "start";
  let recordedMs = startMs;
  const record = (): void => {
    recordedMs = performance.now();
    const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
    const cost: CostRecord = { sitting, stage, seconds: (recordedMs - startMs) / 1000, peakMemoryBytes };
    appendJsonLines(path, [cost]);
  };
  for (;;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- events are sequential by nature
    const next = await events.next();
    if (next.done === true) {
      record();
      return next.value;
    }
    if (next.value.type === "stage") stage = next.value.name;
    if (next.value.type !== "progress" || performance.now() - recordedMs > recordEveryMs) record();
    yield next.value;
  }
}

/** Time and memory of a run over all its attempts. */
export function runCosts(context: Pick<RunContext, "directory">): {
  readonly seconds: number;
  readonly peakMemoryBytes: number;
} {
  const longest = new Map<string, number>();
  let peakMemoryBytes = 0;
  for (const record of readJsonLines(recordPath(context, "events.jsonl"), costSchema)) {
    longest.set(record.sitting, Math.max(longest.get(record.sitting) ?? 0, record.seconds));
    peakMemoryBytes = Math.max(peakMemoryBytes, record.peakMemoryBytes);
  }
  return { seconds: [...longest.values()].reduce((sum, seconds) => sum + seconds, 0), peakMemoryBytes };
}
