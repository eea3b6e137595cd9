import { openThought } from "../../grading/thoughts.ts";
import type { Problem } from "../../tasks/problem.ts";
import type { PlainPrompt } from "../../tasks/task.ts";
import { loadTokenizer, type Tokenizer } from "../../tokenizer/tokenizer.ts";
import { BitmendError } from "../../util/errors.ts";
import { encodePrompt } from "../calibration-texts.ts";
import type { RunContext } from "./context.ts";

/** How a model on this machine is asked the problems of a task. */
export interface PromptForm {
  readonly promptIds: (problem: Problem) => number[];
  /** Strings at which a completion ends, besides the model's own tokens. */
  readonly stop: readonly string[];
  /** The end of every prompt where the chat template opens the thoughts there, else empty: completions are recorded with it. */
  readonly opening: string;
}

/**
 * The form of prompts: the task's messages in the chat template; for a model without one the task's plain prompt, if it has one.
 *
 * @throws {BitmendError} `verbs/no-chat-template`, `verbs/no-plain-prompt` where the recipe asks for what is not there.
 */
export function promptForm({
  model,
  task,
  recipe,
}: Pick<RunContext, "model" | "task" | "recipe">): PromptForm {
  const tokenizer = loadTokenizer(model);
  const { prompt, thinking } = recipe.generation;
  const { plainPrompt, messages } = task;
  if (prompt === "chat" && !tokenizer.hasChatTemplate) {
    throw new BitmendError(
      "verbs/no-chat-template",
      `promptForm(): expected a chat template of ${model}, got none.`,
      {
        hint: "Ask it as a base model: --prompt plain.",
      },
    );
  }
  if (prompt === "plain" && plainPrompt === undefined) {
    throw new BitmendError(
      "verbs/no-plain-prompt",
      `promptForm(): expected prompts for base models of ${task.name}, got none.`,
    );
  }
  const isPlain = prompt === "plain" || (prompt === undefined && !tokenizer.hasChatTemplate);
  if (isPlain && plainPrompt !== undefined) return plainForm(tokenizer, plainPrompt);
  if (thinking === undefined || !tokenizer.hasChatTemplate) {
    const promptIds = (problem: Problem): number[] => encodePrompt(tokenizer, messages(problem));
    return { promptIds, stop: [], opening: tokenizer.hasChatTemplate ? openingOf(tokenizer) : "" };
  }
  // The name that Qwen3, GLM and others read.
  const variables = { enable_thinking: thinking };
  return {
    promptIds: (problem) =>
      tokenizer.encode(
        tokenizer.applyChatTemplate(messages(problem), { addGenerationPrompt: true, variables }),
      ),
    stop: [],
    opening: openingOf(tokenizer, variables),
  };
}

function plainForm(tokenizer: Tokenizer, { text, stop }: PlainPrompt): PromptForm {
  const { before } = tokenizer.documentFrame;
  return { promptIds: (problem) => [...before, ...tokenizer.encode(text(problem))], stop, opening: "" };
}

function openingOf(tokenizer: Tokenizer, variables: Readonly<Record<string, unknown>> = {}): string {
  const prompt = tokenizer.applyChatTemplate([{ role: "user", content: "?" }], {
    addGenerationPrompt: true,
    variables,
  });
  const end = prompt.slice(-64);
  const thought = openThought(end);
  return thought === null ? "" : end.slice(end.lastIndexOf(thought.open));
}
