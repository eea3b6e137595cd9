/** @file Reasoning models think in tags before they answer; only what comes after counts as the answer. */

/** Opening and closing tags of the thoughts of known model families. */
const tags: readonly (readonly [open: string, close: string])[] = [
  ["<think>", "</think>"], // DeepSeek-R1, Qwen3, QwQ, GLM
  ["<thinking>", "</thinking>"],
  ["<thought>", "</thought>"],
  ["<reasoning>", "</reasoning>"],
  ["<seed:think>", "</seed:think>"], // Seed-OSS
  ["[THINK]", "[/THINK]"], // Magistral
  ["◁think▷", "◁/think▷"], // Kimi
  ["<|begin_of_thought|>", "<|end_of_thought|>"], // Sky-T1
  ["<|channel|>analysis<|message|>", "<|channel|>final<|message|>"], // gpt-oss
];

/** A completion, cut where its thoughts end. */
export interface SplitThoughts {
  /** `none`: no thoughts; `closed`: the model, or a budget, ended them; `open`: the text ends inside them. */
  readonly state: "none" | "closed" | "open";
  /** What comes after the thoughts; empty where they are open. */
  readonly answer: string;
}

/** Cuts a completion after its last closing tag; a template may have opened the thoughts in the prompt. */
export function splitThoughts(completion: string): SplitThoughts {
  let end = -1;
  for (const [, close] of tags) {
    const index = completion.lastIndexOf(close);
    if (index !== -1) end = Math.max(end, index + close.length);
  }
  if (end !== -1) return { state: "closed", answer: completion.slice(end).trim() };
  const start = completion.trimStart();
  if (tags.some(([open]) => start.startsWith(open))) return { state: "open", answer: "" };
  return { state: "none", answer: completion };
}

/** The tags of thoughts that are still open at the end of `text`; null where none are. */
export function openThought(text: string): { readonly open: string; readonly close: string } | null {
  let last: { readonly open: string; readonly close: string; readonly at: number } | null = null;
  for (const [open, close] of tags) {
    const at = text.lastIndexOf(open);
    if (at > text.lastIndexOf(close) && at > (last?.at ?? -1)) last = { open, close, at };
  }
  return last;
}

/** The words of Qwen3's technical report that end thoughts whose budget is used up, with their closing tag; null where none are open. */
export function closeThoughts(text: string): string | null {
  const thought = openThought(text);
  if (thought === null) return null;
  const words =
    "Considering the limited time by the user, I have to give the solution based on the thinking directly now.";
  return `\n\n${words}\n${thought.close}\n\n`;
}
