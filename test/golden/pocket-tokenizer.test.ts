import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { decodePocket, pocketEncoder } from "../../src/tasks/pocket/pocket-encoder.ts";
import { writePocketTokenizer } from "../../src/tasks/pocket/write-pocket-tokenizer.ts";
import { loadTokenizer } from "../../src/tokenizer/tokenizer.ts";

interface Golden {
  readonly source: string;
  readonly vocabularySize: number;
  readonly eosTokenId: number;
  readonly padTokenId: number;
  readonly prompt: readonly number[];
  readonly cases: readonly { text: string; ids: number[]; decoded: string }[];
}

const golden = JSON.parse(readFileSync(new URL("pocket-tokenizer.json", import.meta.url), "utf8")) as Golden;
const directory = mkdtempSync(join(tmpdir(), "bitmend-pocket-tokenizer-"));
afterAll(() => rmSync(directory, { recursive: true }));
writePocketTokenizer(directory);

describe(`the pocket tokenizer matches ${golden.source}`, () => {
  const encoder = pocketEncoder();
  const tokenizer = loadTokenizer(directory);

  test("sizes, special ids and the chat prompt", () => {
    expect(encoder.vocabularySize).toBe(golden.vocabularySize);
    expect(encoder.special.end).toBe(golden.eosTokenId);
    expect(encoder.special.pad).toBe(golden.padTokenId);
    const question = golden.cases[0]!.text;
    expect(encoder.prompt(question)).toEqual(golden.prompt);
    const prompt = tokenizer.applyChatTemplate([{ role: "user", content: question }], {
      addGenerationPrompt: true,
    });
    expect(tokenizer.encode(prompt)).toEqual(golden.prompt);
    expect(tokenizer.eosTokenIds).toEqual([golden.eosTokenId]);
    expect(tokenizer.vocabularySize).toBe(golden.vocabularySize);
  });

  test.each(golden.cases)("$text", ({ text, ids, decoded }) => {
    expect(encoder.encode(text)).toEqual(ids);
    expect(decodePocket(ids)).toBe(decoded);
    expect(tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(decoded);
  });
});
