import { expect, test } from "vitest";
import { distinctWindowShare } from "./distinct-windows.ts";
import { endsAbruptly } from "./ends-abruptly.ts";

test.each([
  "It is 4.",
  "Thus \\[ x = 4 \\]",
  "a: 2+2=4\n#### 4",
  "The answer is 12",
  "**4**",
  "```\nprint(4)\n```",
  "<think>hm</think>It is 4.",
  "答案是四。",
])("%j is whole", (text) => expect(endsAbruptly(text)).toBe(false));

test.each(["", " \n", "It is", "so 12 + 3", "Wait,", "<think>It is 4.", "The answer is 4\n\nBut wait, I"])(
  "%j ends abruptly",
  (text) => expect(endsAbruptly(text)).toBe(true),
);

test("a loop that counts has few distinct ends, ordinary and short texts have many", () => {
  const counting = Array.from({ length: 200 }, (_, index) => `So it is ${index % 3}, which is impossible.`);
  expect(distinctWindowShare(counting.join("\n"))).toBeLessThan(0.15);
  const varied = Array.from({ length: 200 }, (_, index) => `${(index * 7919) % 9973} by ${index ** 3}`);
  expect(distinctWindowShare(varied.join("\n"))).toBeGreaterThan(0.9);
  expect(distinctWindowShare("no no no")).toBe(1);
});
