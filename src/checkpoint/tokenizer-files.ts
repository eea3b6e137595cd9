import { existsSync } from "node:fs";
import { join } from "node:path";
import { ggufFileAt } from "./formats/gguf/find-gguf.ts";
import { readGgufHeader } from "./formats/gguf/header.ts";
import { tokenizerOfMetadata } from "./formats/gguf/tokenizer-of-metadata.ts";
import { readJsonObject, readTextFile } from "./json-file.ts";

/** What a model says about its tokenizer: parsed files of its directory; empty objects stand for those that are absent. */
export interface TokenizerFiles {
  /** Where `tokenizer` comes from, for messages. */
  readonly path: string;
  /** `tokenizer.json`. */
  readonly tokenizer: Readonly<Record<string, unknown>>;
  /** `tokenizer_config.json`. */
  readonly tokenizerConfig: Readonly<Record<string, unknown>>;
  /** `generation_config.json`. */
  readonly generationConfig: Readonly<Record<string, unknown>>;
  /** `config.json`. */
  readonly modelConfig: Readonly<Record<string, unknown>>;
  /** `chat_template.jinja`. */
  readonly chatTemplate: string | null;
}

/**
 * Reads the tokenizer files of a model directory, or what a GGUF file has inside.
 *
 * @throws {BitmendError} `checkpoint/bad-json`, `checkpoint/bad-gguf`, `checkpoint/unsupported-gguf` or `files/...`.
 */
export function tokenizerFilesAt(path: string): TokenizerFiles {
  const gguf = ggufFileAt(path);
  if (gguf !== null) return filesOfGguf(gguf);
  const template = join(path, "chat_template.jinja");
  return {
    path: join(path, "tokenizer.json"),
    tokenizer: readJsonObject(join(path, "tokenizer.json")),
    tokenizerConfig: readOptional(join(path, "tokenizer_config.json")),
    generationConfig: readOptional(join(path, "generation_config.json")),
    modelConfig: readOptional(join(path, "config.json")),
    chatTemplate: existsSync(template) ? readTextFile(template) : null,
  };
}

function filesOfGguf(path: string): TokenizerFiles {
  const header = readGgufHeader(path);
  const embedding = header.tensors.get("token_embd.weight");
  return {
    path,
    ...tokenizerOfMetadata(header),
    modelConfig: embedding === undefined ? {} : { vocab_size: embedding.shape[0] },
    chatTemplate: null,
  };
}

function readOptional(path: string): Record<string, unknown> {
  return existsSync(path) ? readJsonObject(path) : {};
}
