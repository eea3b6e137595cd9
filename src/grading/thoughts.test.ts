import { expect, test } from "vitest";
import { closeThoughts, openThought, splitThoughts } from "./thoughts.ts";

test.each([
  ["<think>a</think> b", "closed", "b"],
  ["a</think>\n\nb", "closed", "b"],
  ["<think>a <think> b", "open", ""],
  ["\n<think>a", "open", ""],
  ["no thoughts: 3", "none", "no thoughts: 3"],
  ["I write <think> in a text", "none", "I write <think> in a text"],
  ["<think>a</think>b<think>c</think>d", "closed", "d"],
  ["<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b", "closed", "b"],
  ["[THINK]a[/THINK]b", "closed", "b"],
])("%j: thoughts are %s", (text, state, answer) => {
  expect(splitThoughts(text)).toEqual({ state, answer });
});

test("what is open at the end is found, and closed with its own tag", () => {
  expect(openThought("x<think>\n")?.close).toBe("</think>");
  expect(openThought("<think>\n\n</think>\n\n")).toBeNull();
  expect(closeThoughts("[THINK]so")).toContain("\n[/THINK]\n\n");
  expect(closeThoughts("done")).toBeNull();
});
