import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { loadTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { convertLlama2c } from "../../tools/convert-llama2c.ts";

const data = join(import.meta.dirname, "../../../shared/data/checkpoints/stories260k");
const files = { weights: join(data, "stories260K.bin"), tokenizer: join(data, "tok512.bin") };
const directory = mkdtempSync(join(tmpdir(), "bitmend-llama2c-"));
afterAll(() => rmSync(directory, { recursive: true }));

describe.skipIf(!existsSync(data))("convertLlama2c (needs ../shared/data)", () => {
  it("makes a directory that opens, with as many parameters as the model has", () => {
    convertLlama2c(files, directory);
    const { tensors, unexpectedTensors } = openCheckpoint(directory);
    const parameters = [...tensors.values()].reduce((sum, { byteLength }) => sum + byteLength / 4, 0);
    expect(unexpectedTensors).toEqual([]);
    expect(parameters).toBe(260_032);
  });

  it("makes a tokenizer that cuts the golden text into the 200 tokens that were generated", () => {
    const { expected } = z
      .object({ expected: z.string() })
      .parse(JSON.parse(readFileSync(join(data, "greedy.json"), "utf8")));
    const tokenizer = loadTokenizer(directory);
    const ids = tokenizer.encode(expected);
    expect(ids).toHaveLength(200);
    expect(tokenizer.decode(ids)).toBe(expected);
    // Bytes without a piece of their own fall back to byte tokens, ids 3 to 258.
    expect(tokenizer.encode("漢")).toEqual([410, 3 + 0xe6, 3 + 0xbc, 3 + 0xa2]);
    expect(tokenizer.decode(tokenizer.encode("café 漢字"))).toBe("café 漢字");
  });

  it("refuses files that are cut off", () => {
    const cut = join(directory, "cut.bin");
    writeFileSync(cut, readFileSync(files.weights).subarray(0, 500_000));
    expect(() => convertLlama2c({ ...files, weights: cut }, directory)).toThrow(
      expect.objectContaining({ code: "tools/bad-llama2c" }),
    );
  });
});
