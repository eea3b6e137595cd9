import { expect, test } from "vitest";
import { formatExactNumber } from "../grading/exact-number.ts";
import { equationValue, formatEquation, labelledStep } from "./labelled-step.ts";

const described = (text: string): string => {
  const step = labelledStep(text);
  if (step.kind === "equation") return `${step.label}|${formatEquation(step)}`;
  return step.kind === "answer" ? `answer ${formatExactNumber(step.value)}` : "other";
};

test.each([
  ["cost: 12*4=48", "cost|12*4=48"],
  ["Zoe Tom : 45 + 21 = 66", "Zoe Tom|45+21=66"],
  ["left: 5-9=-4", "left|5-9=-4"],
  ["half: 7÷2=3.5", "half|7/2=7/2"],
  ["#### 12", "answer 12"],
  ["####12", "answer 12"],
])("%j is read as %s", (text, expected) => expect(described(text)).toBe(expected));

test.each([
  "12*4=48",
  "cost: 12*4",
  "cost: 12*4=48 dollars",
  "c0st: 1+1=2",
  "#### ",
  "#### 1 2",
  "#### x",
  "a: 1+2+3=6",
])("%j has another form", (text) => expect(described(text)).toBe("other"));

test("a division by 0 has no value", () => {
  const step = labelledStep("each: 4/0=0");
  expect(step.kind === "equation" && equationValue(step)).toBeNull();
});
