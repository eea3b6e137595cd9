import { expect, test } from "vitest";
import { wrapText } from "./wrap-text.ts";

test("lines end at spaces, and a path is never broken", () => {
  expect(wrapText("one two three", 7)).toEqual(["one two", "three"]);
  expect(wrapText("see /a/very/long/path there", 7)).toEqual(["see", "/a/very/long/path", "there"]);
  expect(wrapText("short")).toEqual(["short"]);
});
