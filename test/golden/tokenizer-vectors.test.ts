import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { LLAMA_3, QWEN_2, tokenizerFromRanks, type TiktokenFamily } from "../../src/tokenizer/tiktoken.ts";
import { loadTokenizer, type Tokenizer } from "../../src/tokenizer/tokenizer.ts";

const data = join(import.meta.dirname, "../../../shared/data/tokenizers");
const caseSchema = z.object({ vocab: z.string(), text: z.string(), ids: z.array(z.int()) });
const directory = mkdtempSync(join(tmpdir(), "bitmend-tokenizers-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** Vocabularies that share a ranks file; the rows of one start with Llama 3's BOS. */
const families = [
  {
    ranks: "llama3/tokenizer.model",
    family: LLAMA_3,
    vocabularies: ["llama-bpe", "Xenova/llama3-tokenizer", "Xenova/llama3-tokenizer-new"],
  },
  { ranks: "qwen/qwen.tiktoken", family: QWEN_2, vocabularies: ["qwen2", "Xenova/Qwen1.5-0.5B-Chat"] },
];

function build(ranks: string, family: TiktokenFamily): Tokenizer {
  const json = tokenizerFromRanks(readFileSync(join(data, ranks), "utf8"), family);
  writeFileSync(join(directory, "tokenizer.json"), JSON.stringify(json));
  return loadTokenizer(directory);
}

const available = existsSync(data);
const rows = available ? readFileSync(join(data, "cases.jsonl"), "utf8").trimEnd().split("\n") : [];
const cases = rows.map((row) => caseSchema.parse(JSON.parse(row)));

describe.skipIf(!available)("vectors of llama.cpp and transformers.js (needs ../shared/data)", () => {
  describe.each(families)("$ranks", ({ ranks, family, vocabularies }) => {
    let tokenizer: Tokenizer;
    beforeAll(() => {
      tokenizer = build(ranks, family);
    });

    it.each(vocabularies)("%s", (vocabulary) => {
      const own = cases.filter(({ vocab }) => vocab === vocabulary);
      expect(own.length).toBeGreaterThan(10);
      const got = own.map(({ text }) => ({ text, ids: tokenizer.encode(text) }));
      const expected = own.map(({ text, ids }) => ({ text, ids: ids[0] === 128_000 ? ids.slice(1) : ids }));
      expect(got).toEqual(expected);
    });

    it("decodes what it encoded", () => {
      const texts = cases.filter(({ vocab }) => vocabularies.includes(vocab)).map(({ text }) => text);
      const decoded = texts.map((text) => tokenizer.decode(tokenizer.encode(text)));
      expect(decoded).toEqual(
        family.normalizer === null ? texts : texts.map((text) => text.normalize("NFC")),
      );
    });
  });
});
