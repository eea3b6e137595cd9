import { Tokenizer as HubTokenizer } from "@huggingface/tokenizers";
import { isJsonObject } from "../checkpoint/json-file.ts";
import { tokenizerFilesAt, type TokenizerFiles } from "../checkpoint/tokenizer-files.ts";
import { BitmendError } from "../util/errors.ts";
import {
  compileChatTemplate,
  type ChatMessage,
  type ChatTemplate,
  type ChatTemplateOptions,
} from "./chat-template.ts";
import { badTokenizer, checkTokenizerFile, type TokenizerFacts } from "./tokenizer-file.ts";

/** Text to token ids and back. */
export interface Tokenizer {
  /** Ids of `text`; special tokens written in the text count as such, none are added. */
  readonly encode: (text: string) => number[];
  /** Text of `ids`, special tokens left out unless asked for; ids without a token (padding of the vocabulary) give nothing. */
  readonly decode: (ids: readonly number[], options?: { readonly skipSpecialTokens?: boolean }) => string;
  /** One more than the largest id; the embedding matrix may have more rows. */
  readonly vocabularySize: number;
  /** Ids that end a generation, ascending. */
  readonly eosTokenIds: readonly number[];
  /** What stands around a document of plain text, as the model was trained on such. */
  readonly documentFrame: DocumentFrame;
  readonly hasChatTemplate: boolean;
  /** Renders a conversation as prompt text, to be encoded with {@link Tokenizer.encode}. */
  readonly applyChatTemplate: (messages: readonly ChatMessage[], options: ChatTemplateOptions) => string;
}

/** Token ids around a document: those that the tokenizer itself adds; where it adds none, `<|endoftext|>`, else an end token, after it. */
interface DocumentFrame {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/**
 * Loads tokenizer.json, tokenizer_config.json, chat_template.jinja, generation_config.json and config.json of the directory at `location`,
 * all but the first of which may be absent, or what a GGUF file has inside.
 *
 * Departures from transformers: 1. decoding never "cleans up" spaces (`clean_up_tokenization_spaces`): text decodes to what was
 * written. 2. Ids that end a generation are the union of those in generation_config.json (else config.json) and `eos_token`.
 *
 * @throws {BitmendError} `tokenizer/bad-file`, `tokenizer/vocabulary-mismatch` when an id has no row in the embedding matrix,
 * `tokenizer/bad-chat-template`, and those of `tokenizerFilesAt()`.
 */
export function loadTokenizer(location: string): Tokenizer {
  const files = tokenizerFilesAt(location);
  const { path, tokenizer: file, tokenizerConfig: config, generationConfig, modelConfig } = files;
  const facts = checkTokenizerFile(file, path);
  const specialTokens = specialTokensOf(config);
  const eosTokenIds = eosIds(facts, {
    eosToken: specialTokens["eos_token"],
    configs: [generationConfig, modelConfig],
  });
  refuseMismatch(path, { facts, vocabularySize: modelConfig["vocab_size"], eosTokenIds });
  const hub = buildHubTokenizer(path, { file, config });
  const chatTemplate = readChatTemplate(files, specialTokens);
  return {
    encode: (text) => (text === "" ? [] : hub.encode(text, { add_special_tokens: false }).ids),
    decode: (ids, { skipSpecialTokens = true } = {}) => {
      const known = ids.filter((id) => facts.ids.has(id));
      if (known.length === 0) return "";
      return hub.decode(known, {
        skip_special_tokens: skipSpecialTokens,
        clean_up_tokenization_spaces: false,
      });
    },
    vocabularySize: facts.vocabularySize,
    eosTokenIds,
    documentFrame: documentFrame(hub, facts, eosTokenIds),
    hasChatTemplate: chatTemplate !== null,
    applyChatTemplate: (messages, options) => {
      if (chatTemplate === null) throw noTemplate(location);
      return chatTemplate(messages, options);
    },
  };
}

/** The part of the library that is used; its own declarations do not resolve under `nodenext`. */
interface HubApi {
  readonly encode: (text: string, options: { add_special_tokens: boolean }) => { ids: number[] };
  readonly decode: (
    ids: number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ) => string;
}

function buildHubTokenizer(
  path: string,
  { file, config }: { file: TokenizerFiles["tokenizer"]; config: TokenizerFiles["tokenizerConfig"] },
): HubApi {
  try {
    const hub: HubApi = new HubTokenizer(file, config);
    // Patterns are compiled when first used: find out now.
    hub.encode("1 a", { add_special_tokens: false });
    return hub;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw badTokenizer(path, [reason.slice(0, 200)], cause);
  }
}

function documentFrame(hub: HubApi, { idOf }: TokenizerFacts, eosTokenIds: readonly number[]): DocumentFrame {
  const text = "a";
  const bare = hub.encode(text, { add_special_tokens: false }).ids;
  const framed = hub.encode(text, { add_special_tokens: true }).ids;
  const start = framed.findIndex((_, first) => bare.every((id, index) => framed[first + index] === id));
  if (framed.length > bare.length && start !== -1)
    return { before: framed.slice(0, start), after: framed.slice(start + bare.length) };
  const end = idOf.get("<|endoftext|>") ?? eosTokenIds[0];
  return { before: [], after: end === undefined ? [] : [end] };
}

/** `bos_token` and its like, each a string or an object with `content`. */
function specialTokensOf(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [key, value] of Object.entries(config)) {
    if (!key.endsWith("_token")) continue;
    const content = isJsonObject(value) ? value["content"] : value;
    if (typeof content === "string") tokens[key] = content;
  }
  return tokens;
}

function eosIds(
  { idOf }: TokenizerFacts,
  { eosToken, configs }: { eosToken: string | undefined; configs: readonly Record<string, unknown>[] },
): number[] {
  const given = configs
    .map((config) => config["eos_token_id"])
    .find((value) => value !== undefined && value !== null);
  const listed: unknown[] = Array.isArray(given) ? given : [given];
  const ids = new Set(listed.filter((id) => typeof id === "number"));
  const ofToken = eosToken === undefined ? undefined : idOf.get(eosToken);
  if (ofToken !== undefined) ids.add(ofToken);
  return [...ids].toSorted((left, right) => left - right);
}

function refuseMismatch(
  path: string,
  {
    facts,
    vocabularySize,
    eosTokenIds,
  }: { facts: TokenizerFacts; vocabularySize: unknown; eosTokenIds: readonly number[] },
): void {
  if (typeof vocabularySize !== "number") return;
  const offences: string[] = [];
  if (facts.vocabularySize > vocabularySize)
    offences.push(`the tokenizer has ids up to ${facts.vocabularySize - 1}`);
  const outside = eosTokenIds.filter((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize);
  if (outside.length > 0) offences.push(`eos_token_id is ${outside.slice(0, 10).join(", ")}`);
  if (offences.length === 0) return;
  throw new BitmendError(
    "tokenizer/vocabulary-mismatch",
    `loadTokenizer(): ${path}: expected ids below vocab_size=${vocabularySize} of config.json, but ${offences.join(" and ")}.`,
    { hint: "The tokenizer belongs to another model." },
  );
}

/** `chat_template.jinja` wins over `chat_template`, a string or a list of named templates of which "default" is taken. */
function readChatTemplate(
  { path, tokenizerConfig, chatTemplate }: TokenizerFiles,
  specialTokens: Readonly<Record<string, string>>,
): ChatTemplate | null {
  if (chatTemplate !== null) return compileChatTemplate(chatTemplate, { where: path, specialTokens });
  const { chat_template: given } = tokenizerConfig;
  const named: unknown[] = Array.isArray(given) ? given : [];
  const chosen = named.find((item) => isJsonObject(item) && item["name"] === "default");
  const source = isJsonObject(chosen) ? chosen["template"] : given;
  if (typeof source !== "string") return null;
  return compileChatTemplate(source, { where: path, specialTokens });
}

function noTemplate(location: string): BitmendError {
  return new BitmendError(
    "tokenizer/no-chat-template",
    `applyChatTemplate(): expected a chat template in ${location}, got none.`,
    { hint: "This is a base model: give it plain text, or add chat_template.jinja." },
  );
}
