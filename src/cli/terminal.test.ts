import { expect, test } from "vitest";
import { openTerminal, paint, printable } from "./terminal.ts";

const stream = { isTTY: true, columns: 100, write: () => true };
const open = (environment: Record<string, string>, isTTY = true) =>
  openTerminal({ ...stream, isTTY }, environment);

function seen(environment: Record<string, string>, isTTY = true): boolean[] {
  const { interactive, colors, unicode } = open(environment, isTTY);
  return [interactive, colors, unicode];
}

test("colours and redrawing follow the conventions", () => {
  expect(seen({ TERM: "xterm", LANG: "en_US.UTF-8" })).toEqual([true, true, true]);
  expect(seen({ TERM: "xterm", LANG: "C.utf8", NO_COLOR: "1" })).toEqual([true, false, true]);
  expect(seen({ TERM: "xterm", LANG: "C.UTF-8", NO_COLOR: "" })).toEqual([true, true, true]);
  expect(seen({ TERM: "xterm", LC_ALL: "C", LANG: "en_US.UTF-8" })).toEqual([true, true, false]);
  expect(seen({ TERM: "dumb", LANG: "en_US.UTF-8" })).toEqual([false, false, false]);
  expect(seen({ TERM: "xterm", LANG: "en_US.UTF-8" }, false)).toEqual([false, false, false]);
});

test("paint writes codes only where colours show", () => {
  expect(paint(open({}), "red", "x")).toBe("\u001B[31mx\u001B[39m");
  expect(paint(open({ NO_COLOR: "1" }), "red", "x")).toBe("x");
});

test("text from outside cannot drive the terminal", () => {
  expect(printable("a\u001B]0;title\u0007b\n\u202Ec")).toBe("a?]0;title?b\n?c");
});
