import { stripVTControlCharacters } from "node:util";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openProgress } from "./progress.ts";
import { ProgressRate } from "./progress-rate.ts";

let written: string[];
let nowMs: number;
beforeEach(() => {
  written = [];
  nowMs = 0;
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function write(text: string): void {
  written.push(text);
}

function open(options: { interactive: boolean; columns?: number; silent?: boolean; unicode?: boolean }) {
  const { interactive, columns = 80, silent = false, unicode = interactive } = options;
  const terminal = { interactive, colors: interactive, unicode, columns: () => columns, write };
  return openProgress(terminal, { silent, now: () => nowMs });
}

test("in a pipe: one line at the start, one about every ten seconds, one at the end, no control codes", () => {
  const progress = open({ interactive: false });
  const stage = progress.stage("Evaluate 3-bit GPTQ", { total: 1000, unit: "problems" });
  for (let done = 10; done <= 1000; done += 10) {
    nowMs += 250;
    stage.update(done);
  }
  stage.finish("78.0 %");
  progress.tell("Report: report.html");
  expect(written.join("")).toMatchInlineSnapshot(`
    "Evaluate 3-bit GPTQ: 1,000 problems
      400/1,000, 40/s, 0:15 left
      800/1,000, 40/s, 0:05 left
    Evaluate 3-bit GPTQ: done in 0:25, 78.0 %
    Report: report.html
    "
  `);
});

test("in a terminal: the line is redrawn in place and erased before anything else is written", () => {
  const progress = open({ interactive: true });
  const stage = progress.stage("Train", { total: 200, unit: "steps" });
  nowMs = 2000;
  stage.update(50, "loss 0.31");
  expect(stripVTControlCharacters(written.at(-1)!)).toMatchInlineSnapshot(`
    "
    Train  ━━━━────────────  50/200  25/s  0:06 left  loss 0.31"
  `);
  stage.finish("loss 0.05");
  expect(written.slice(-2).map(stripVTControlCharacters)).toMatchInlineSnapshot(`
    [
      "
    ",
      "Train  loss 0.05                                                           0:02
    ",
    ]
  `);
  expect(written.every((text) => text.startsWith("\r") || text.endsWith("\n"))).toBe(true);
});

test("without a total: a counter and the time, no bar", () => {
  const stage = open({ interactive: true, unicode: false }).stage("Search", { unit: "failures" });
  nowMs = 3000;
  stage.update(60);
  expect(stripVTControlCharacters(written.at(-1)!)).toMatchInlineSnapshot(`
    "
    Search  60 failures  20/s  0:03"
  `);
});

test("the clock moves on while one unit takes long", () => {
  open({ interactive: true }).stage("Solve", { total: 2 });
  const before = written.length;
  nowMs = 2000;
  vi.advanceTimersByTime(2000);
  expect(written.length).toBeGreaterThan(before);
});

test("a new stage ends the one before; silence is silent; a finished stage stays finished", () => {
  const progress = open({ interactive: false });
  const first = progress.stage("One");
  progress.stage("Two").finish();
  first.update(1);
  first.finish("again");
  expect(written.join("")).toBe("One ...\nOne: done in 0:00\nTwo ...\nTwo: done in 0:00\n");
  written = [];
  using silent = open({ interactive: true, silent: true });
  silent.stage("Three").finish("x");
  silent.tell("y");
  expect(written).toEqual([]);
});

test("work that an earlier sitting finished counts as done, not as speed", () => {
  const rate = new ProgressRate(0, 900);
  expect(rate.perSecond(0)).toBeNull();
  rate.add(1000, 910);
  expect(rate.perSecond(1000)).toBe(10);
});

test("property: no line is wider than the window or 80 columns", () => {
  const text = fc.string({ maxLength: 120 });
  fc.assert(
    fc.property(
      fc.record({
        name: text,
        note: text,
        columns: fc.integer({ min: 20, max: 200 }),
        interactive: fc.boolean(),
      }),
      fc.nat(5_000_000),
      ({ name, note, columns, interactive }, done) => {
        written = [];
        nowMs = 0;
        const stage = open({ interactive, columns }).stage(name, { total: 5_000_000, unit: "tokens" });
        nowMs = 20_000;
        stage.update(done, note);
        stage.finish(note);
        for (const line of stripVTControlCharacters(written.join("")).split(/[\r\n]/))
          expect(line.length).toBeLessThan(Math.min(81, Math.max(21, columns)));
      },
    ),
  );
});
