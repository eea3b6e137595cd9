import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { QWEN_2, tokenizerFromRanks } from "./tiktoken.ts";
import { loadTokenizer } from "./tokenizer.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-tokenizer-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** All bytes, then three joins: "ab", "bc", "abc" can be made of two splits, the left one is listed first. */
const tokens = [
  ...Array.from({ length: 256 }, (_, byte) => [byte]),
  ...["ab", "bc", "abc", " a"].map((text) => [...Buffer.from(text)]),
];
const ranks = tokens.map((bytes, rank) => `${Buffer.from(bytes).toString("base64")} ${rank}`).join("\n");

function write(name: string, content: unknown): void {
  writeFileSync(join(directory, name), typeof content === "string" ? content : JSON.stringify(content));
}

beforeEach(() => {
  rmSync(directory, { recursive: true });
  mkdirSync(directory);
  write("tokenizer.json", tokenizerFromRanks(ranks, QWEN_2));
});

describe("tokenizerFromRanks", () => {
  it("joins the pair of lowest rank first (worked example)", () => {
    const { encode, decode, vocabularySize } = loadTokenizer(directory);
    expect(encode("abc")).toEqual([258]);
    expect(encode("bcab")).toEqual([257, 256]);
    expect(encode("xabc a")).toEqual([120, 258, 259]);
    expect(decode(encode("xabc é 漢字🦙"))).toBe("xabc é 漢字🦙");
    expect(vocabularySize).toBe(263);
  });

  it("names a line that is wrong", () => {
    expect(() => tokenizerFromRanks("IQ== 0\nIg== 7\n", QWEN_2)).toThrow(/line 2: .*rank 1/u);
    expect(() => tokenizerFromRanks("", QWEN_2)).toThrow(
      expect.objectContaining({ code: "tokenizer/bad-ranks" }),
    );
  });
});

describe("loadTokenizer", () => {
  it("reads special tokens in text as such, adds none, and leaves them out of decoded text", () => {
    const { encode, decode } = loadTokenizer(directory);
    const ids = encode("<|im_start|>a<|im_end|>");
    expect(ids).toEqual([261, 97, 262]);
    expect(decode(ids)).toBe("a");
    expect(decode(ids, { skipSpecialTokens: false })).toBe("<|im_start|>a<|im_end|>");
  });

  it("says what stands around a document: what the tokenizer adds itself, else an end after it", () => {
    const file = tokenizerFromRanks(ranks, QWEN_2);
    expect(loadTokenizer(directory).documentFrame).toEqual({ before: [], after: [260] });
    const begin = { id: "<|im_start|>", ids: [261], tokens: ["<|im_start|>"] };
    const single = [
      { SpecialToken: { id: "<|im_start|>", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
    ];
    const processor = {
      type: "TemplateProcessing",
      single,
      pair: [],
      special_tokens: { "<|im_start|>": begin },
    };
    write("tokenizer.json", { ...file, post_processor: processor });
    expect(loadTokenizer(directory).documentFrame).toEqual({ before: [261], after: [] });
  });

  it("decodes nothing for nothing, and for ids without a token", () => {
    const { encode, decode } = loadTokenizer(directory);
    expect(encode("")).toEqual([]);
    expect(decode([])).toBe("");
    expect(decode([999, 97])).toBe("a");
  });

  it("does not clean up spaces, whatever the file says", () => {
    write("tokenizer_config.json", { clean_up_tokenization_spaces: true });
    const { encode, decode } = loadTokenizer(directory);
    expect(decode(encode("x = 1 , y ."))).toBe("x = 1 , y .");
  });

  it("collects the ids that end a generation", () => {
    write("tokenizer_config.json", { eos_token: { content: "<|im_end|>" } });
    expect(loadTokenizer(directory).eosTokenIds).toEqual([262]);
    write("config.json", { vocab_size: 300, eos_token_id: 5 });
    expect(loadTokenizer(directory).eosTokenIds).toEqual([5, 262]);
    write("generation_config.json", { eos_token_id: [260, 262] });
    expect(loadTokenizer(directory).eosTokenIds).toEqual([260, 262]);
  });

  it.each([
    ["ids beyond the vocabulary", { vocab_size: 262 }],
    ["an end token beyond it", { vocab_size: 300, eos_token_id: 300 }],
  ])("refuses %s", (_, config) => {
    write("config.json", config);
    expect(() => loadTokenizer(directory)).toThrow(
      expect.objectContaining({ code: "tokenizer/vocabulary-mismatch" }),
    );
  });

  it("prefers chat_template.jinja, and takes the default of named templates", () => {
    const { hasChatTemplate, applyChatTemplate } = loadTokenizer(directory);
    const apply = (): string => loadTokenizer(directory).applyChatTemplate([], { addGenerationPrompt: true });
    expect(hasChatTemplate).toBe(false);
    expect(() => applyChatTemplate([], { addGenerationPrompt: true })).toThrow(
      expect.objectContaining({ code: "tokenizer/no-chat-template" }),
    );
    const named = [
      { name: "tool_use", template: "tools" },
      { name: "default", template: "{{ eos_token }}" },
    ];
    write("tokenizer_config.json", { chat_template: named, eos_token: "<|im_end|>" });
    expect(apply()).toBe("<|im_end|>");
    write("chat_template.jinja", "file");
    expect(apply()).toBe("file");
  });

  it.each([
    ["no vocabulary", { model: { type: "BPE", merges: [] }, added_tokens: [] }],
    ["another model", { model: { type: "Unigram", vocab: {}, merges: [] }, added_tokens: [] }],
    ["a huge id", { model: { vocab: { a: 1e12 }, merges: [] }, added_tokens: [] }],
    [
      "an unknown part",
      { model: { vocab: { a: 0 }, merges: [] }, added_tokens: [], normalizer: { type: "?" } },
    ],
    [
      "an unknown pattern",
      {
        model: { vocab: { a: 0 }, merges: [] },
        added_tokens: [],
        normalizer: { type: "Replace", pattern: { Glob: "*" } },
      },
    ],
    ["parts missing", { model: { vocab: { a: 0 }, merges: [] }, added_tokens: [] }],
  ])("refuses a file with %s", (_, json) => {
    write("tokenizer.json", json);
    expect(() => loadTokenizer(directory)).toThrow(expect.objectContaining({ code: "tokenizer/bad-file" }));
  });
});
