/** @file Checks of a `tokenizer.json` before a library builds tables from it: it comes from outside. */
import { isJsonObject } from "../checkpoint/json-file.ts";
import { BitmendError } from "../util/errors.ts";

/** Ids above this belong to no vocabulary; a table indexed by them would cost more memory than the file. */
const MAX_TOKEN_ID = 10_000_000;

/** What the checks learn about a tokenizer. */
export interface TokenizerFacts {
  /** One more than the largest id. */
  readonly vocabularySize: number;
  /** Every id that stands for a token. */
  readonly ids: ReadonlySet<number>;
  readonly idOf: ReadonlyMap<string, number>;
}

/**
 * Checks a parsed tokenizer.json; `where` is its path.
 *
 * @throws {BitmendError} `tokenizer/bad-file` lists what is wrong.
 */
export function checkTokenizerFile(json: Readonly<Record<string, unknown>>, where: string): TokenizerFacts {
  const { model, added_tokens: addedTokens } = json;
  if (!isJsonObject(model)) throw badTokenizer(where, ["model is not an object"]);
  const offences: string[] = [];
  const idOf = new Map<string, number>();
  const add = (content: unknown, id: unknown): void => {
    if (typeof content === "string" && isTokenId(id)) idOf.set(content, id);
    else offences.push(`token ${shown(content)} has the id ${shown(id)}`);
  };
  if (model["type"] !== undefined && model["type"] !== "BPE") {
    offences.push(`model type ${shown(model["type"])} is not supported (BPE is)`);
  }
  if (isJsonObject(model["vocab"])) {
    for (const [content, id] of Object.entries(model["vocab"])) add(content, id);
  } else offences.push("model.vocab is not an object");
  if (!Array.isArray(model["merges"]) || !model["merges"].every(isMerge)) {
    offences.push("model.merges is not a list of pairs");
  }
  if (!Array.isArray(addedTokens)) offences.push("added_tokens is not a list");
  else {
    for (const token of addedTokens as unknown[]) {
      if (isJsonObject(token)) add(token["content"], token["id"]);
      else offences.push("an added token is not an object");
    }
  }
  for (const part of ["normalizer", "pre_tokenizer", "decoder"])
    offences.push(...badPatterns(json[part], part));
  if (offences.length > 0) throw badTokenizer(where, offences);
  const ids = new Set(idOf.values());
  let largest = -1;
  for (const id of ids) largest = Math.max(largest, id);
  return { vocabularySize: largest + 1, ids, idOf };
}

/** The error of every unusable tokenizer file. */
export function badTokenizer(where: string, offences: readonly string[], cause?: unknown): BitmendError {
  const more = offences.length > 10 ? `; and ${offences.length - 10} more` : "";
  return new BitmendError(
    "tokenizer/bad-file",
    `loadTokenizer(): ${where}: expected a byte-pair tokenizer, but ${offences.slice(0, 10).join("; ")}${more}.`,
    { hint: "Take tokenizer.json and tokenizer_config.json from the same model.", cause },
  );
}

/** The library prints a warning and splits nothing where a pattern is of a kind it does not know: wrong tokens, silently. */
function badPatterns(node: unknown, path: string): string[] {
  if (Array.isArray(node)) return node.flatMap((child, index) => badPatterns(child, `${path}[${index}]`));
  if (!isJsonObject(node)) return [];
  const { pattern, ...rest } = node;
  const isKnown =
    !isJsonObject(pattern) || [pattern["Regex"], pattern["String"]].some((text) => typeof text === "string");
  const nested = Object.entries(rest).flatMap(([key, child]) => badPatterns(child, `${path}.${key}`));
  return isKnown ? nested : [`${path}.pattern is neither Regex nor String`, ...nested];
}

function isTokenId(id: unknown): id is number {
  return typeof id === "number" && Number.isInteger(id) && id >= 0 && id <= MAX_TOKEN_ID;
}

/** "left right", or since tokenizers 0.20 ["left", "right"]. */
function isMerge(merge: unknown): boolean {
  if (typeof merge === "string") return merge.includes(" ");
  return Array.isArray(merge) && merge.length === 2 && merge.every((part) => typeof part === "string");
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "undefined").slice(0, 60);
}
