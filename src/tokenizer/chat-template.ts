/**
 * @file Chat templates: Jinja as the transformers library renders it (`utils/chat_template_utils.py`).
 *
 * That means blocks are trimmed, and `raise_exception`, `strftime_now`, `tojson`, `namespace`, `break` and `continue` exist.
 */
import { Template } from "@huggingface/jinja";
import { BitmendError } from "../util/errors.ts";

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface ChatTemplateOptions {
  /** Ends with the opening of an assistant turn. */
  readonly addGenerationPrompt: boolean;
  /** Further variables the template reads, e.g. `enable_thinking` of Qwen3 or `date_string` of Llama 3. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

export type ChatTemplate = (messages: readonly ChatMessage[], options: ChatTemplateOptions) => string;

/** The part of the library that is used; its own declarations do not resolve under `nodenext`. */
interface JinjaApi {
  readonly render: (variables: Readonly<Record<string, unknown>>) => string;
}

/** Far more than any conversation has; a loop bound from a file must not fill the memory. */
const MAX_RANGE = 100_000;

/** The library does not let a variable replace its own `range`; a template may. The newline is trimmed with the block. */
const BOUNDED_RANGE = "{% set range = bitmend_range %}\n";

/**
 * Compiles a template; `specialTokens` are variables such as `bos_token`.
 *
 * @throws {BitmendError} `tokenizer/bad-chat-template` when it does not compile, and, when called, if rendering fails: the template
 * refuses the conversation (`raise_exception`) or uses what does not exist.
 */
export function compileChatTemplate(
  source: string,
  { where, specialTokens }: { where: string; specialTokens: Readonly<Record<string, string>> },
): ChatTemplate {
  const template: JinjaApi = guarded(where, () => new Template(BOUNDED_RANGE + source));
  return (messages, { addGenerationPrompt, variables = {} }) =>
    guarded(where, () =>
      template.render({
        bitmend_range: boundedRange,
        ...specialTokens,
        ...variables,
        messages: messages.map(({ role, content }) => ({ role, content })),
        add_generation_prompt: addGenerationPrompt,
      }),
    );
}

function boundedRange(first: number, second?: number, step = 1): number[] {
  const [start, end] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((end - start) / step));
  if (!(length <= MAX_RANGE)) throw new RangeError(`range() of more than ${MAX_RANGE} values`);
  return Array.from({ length }, (_, index) => start + index * step);
}

function guarded<Result>(where: string, work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BitmendError(
      "tokenizer/bad-chat-template",
      `applyChatTemplate(): ${where}: expected a template that accepts the conversation, got "${reason.slice(0, 300)}".`,
      { hint: "Check the order of roles, or the chat_template of the model.", cause },
    );
  }
}
