import { expect, test } from "vitest";
import { listenForInterrupt } from "./interrupt.ts";

test("the first Ctrl-C aborts, the second ends the process", () => {
  const listeners: (() => void)[] = [];
  const exits: number[] = [];
  const told: string[] = [];
  const source = {
    on: (_: string, listener: () => void) => listeners.push(listener),
    exit: (code: number) => void exits.push(code),
  };
  const signal = listenForInterrupt(source, (line) => void told.push(line));
  listeners[0]!();
  expect([signal.aborted, exits, told.length]).toEqual([true, [], 1]);
  listeners[0]!();
  expect(exits).toEqual([130]);
});
