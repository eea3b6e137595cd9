import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runs } from "./quantize-settings.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-resume-"));
afterAll(() => rmSync(work, { recursive: true }));
const source = join(import.meta.dirname, "../golden/tiny/qwen3");
const script = fileURLToPath(new URL("quantize-worker.ts", import.meta.url));
const contents = (directory: string): Map<string, string> =>
  new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "hex")]));

/** Runs the child until its event number `killAt`, or to its end; returns its events and whether it was killed. */
async function quantize(
  directory: string,
  run: string,
  killAt = Number.POSITIVE_INFINITY,
): Promise<{ events: string[]; killed: boolean }> {
  const child = spawn(process.execPath, [script, source, directory, run], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<NodeJS.Signals | number | null>((resolve) => {
    child.on("exit", (status, signal) => resolve(signal ?? status));
  });
  const events: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    events.push(line);
    if (events.length === killAt) child.kill("SIGKILL");
  }
  const outcome = await exited;
  expect(outcome === 0 || outcome === "SIGKILL").toBe(true);
  return { events, killed: outcome === "SIGKILL" };
}

describe.each(Object.keys(runs))(
  "%s, killed with SIGKILL and started again, ends with the same bytes",
  (run) => {
    const whole = join(work, run, "whole");
    beforeAll(async () => {
      await quantize(whole, run);
    });

    // Per layer: 7 modules with their progress, then layer-done; events 1 and 2 are the estimate and the start.
    test.each(run === "gptq" ? [1, 2, 10, 16, 17, 21, 31] : [16, 17])(
      "killed at event %i",
      async (killAt) => {
        const directory = join(work, run, `killed-${killAt}`);
        await quantize(directory, run, killAt);
        expect((await quantize(directory, run)).killed).toBe(false);
        expect(contents(directory)).toEqual(contents(whole));
      },
    );

    test.runIf(run === "gptq")(
      "killed again and again, at moments that have nothing to do with its events",
      async () => {
        const directory = join(work, run, "often");
        for (const milliseconds of [150, 250, 300, 350, 400, 450]) {
          const child = spawn(process.execPath, [script, source, directory, run], { stdio: "ignore" });
          const exited = new Promise((resolve) => child.on("exit", resolve));
          // oxlint-disable-next-line eslint/no-await-in-loop -- one attempt after the other
          await Promise.race([delay(milliseconds), exited]);
          child.kill("SIGKILL");
          // oxlint-disable-next-line eslint/no-await-in-loop -- one attempt after the other
          await exited;
        }
        await quantize(directory, run);
        expect(contents(directory)).toEqual(contents(whole));
      },
    );
  },
);

test("activations on disk and in memory give the same bytes", () => {
  const [kept, spilled] = ["gptq", "gptq with activations on disk"].map((run) =>
    contents(join(work, run, "whole")),
  );
  expect(spilled).toEqual(kept);
});
