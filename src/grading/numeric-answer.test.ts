import { expect, test } from "vitest";
import { formatExactNumber } from "./exact-number.ts";
import { numericAnswer } from "./numeric-answer.ts";

const value = (text: string): string | null => {
  const answer = numericAnswer(text);
  return answer === null ? null : formatExactNumber(answer);
};

test.each([
  ["18", "18"],
  ["$1,200.50", "2401/2"],
  [String.raw`\$18`, "18"],
  [String.raw`\frac{3}{4}`, "3/4"],
  [String.raw`\dfrac34`, "3/4"],
  [String.raw`-\frac{1}{2}`, "-1/2"],
  ["18 apples", "18"],
  [String.raw`18\text{ cm}`, "18"],
  ["x = 7", "7"],
  ["12.", "12"],
  [String.raw`25\%`, "25"],
  [String.raw`1{,}000`, "1000"],
  [String.raw`1\,000`, "1000"],
  ["**42**", "42"],
  ["3.0", "3"],
  ["5 m/s", "5"],
])("%j stands for %s", (text, expected) => expect(value(text)).toBe(expected));

test.each([
  "",
  "apples",
  "3x",
  "2^5",
  String.raw`\sqrt{2}`,
  "3 and 4",
  String.raw`\frac{K-1}{L}`,
  "2+3",
  String.raw`3\pi`,
])("%j is no single number", (text) => expect(value(text)).toBeNull());
