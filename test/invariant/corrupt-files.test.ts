import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkFinite } from "../../src/checkpoint/check-finite.ts";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { expectedTensors, layerLinearNames } from "../../src/checkpoint/expected-tensors.ts";
import { quantizedModelWriter } from "../../src/checkpoint/quantized-model-writer.ts";
import { QWEN_2, tokenizerFromRanks } from "../../src/tokenizer/tiktoken.ts";
import { loadTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { BitmendError } from "../../src/util/errors.ts";
import { randomStream, type RandomStream } from "../../src/util/random.ts";
import { corruptBytes, corruptJson, corruptSafetensors } from "./corrupt.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-corrupt-"));
afterAll(() => rmSync(work, { recursive: true }));
const dense = join(work, "dense");
const quantized = join(work, "quantized");

const chatTemplate =
  "{% for m in messages %}{% if loop.first %}{{ bos_token }}{% endif %}{{ m.role + m.content | trim }}{% endfor %}";

/** A dense model in one file and a low-bit model in shards, each with tokenizer and chat template. */
beforeAll(() => {
  cpSync(join(import.meta.dirname, "../golden/tiny/qwen3"), dense, { recursive: true });
  rmSync(join(dense, "logits.json"));
  const joins = ["th", "he", "the", " the"].map((text) => Buffer.from(text).toString("base64"));
  const bytes = Array.from({ length: 40 }, (_, byte) =>
    Buffer.of(byte === 39 ? 32 : 97 + byte).toString("base64"),
  );
  const ranks = [...bytes, ...joins].map((token, rank) => `${token} ${rank}`).join("\n");
  writeFileSync(join(dense, "tokenizer.json"), JSON.stringify(tokenizerFromRanks(ranks, QWEN_2)));
  const settings = {
    bos_token: "<|im_start|>",
    eos_token: { content: "<|im_end|>" },
    chat_template: chatTemplate,
  };
  writeFileSync(join(dense, "tokenizer_config.json"), JSON.stringify(settings));
  writeQuantized();
});

function writeQuantized(): void {
  const source = openCheckpoint(dense);
  const shapes = expectedTensors(source.config);
  const modules = [0, 1].flatMap((layer) => layerLinearNames(layer));
  const scheme = { bits: 3, groupSize: 8, symmetric: false } as const;
  const schemes = new Map(modules.map((module) => [module, scheme]));
  const writer = quantizedModelWriter({ source, directory: quantized, schemes, identity: "test" });
  for (const layer of [0, 1]) {
    const matrices = layerLinearNames(layer).map((module) => {
      const [rows, columns] = [shapes.get(`${module}.weight`)![0]!, shapes.get(`${module}.weight`)![1]!];
      const groups = rows * (columns / scheme.groupSize);
      const codes = new Uint8Array(rows * columns).fill(5);
      const matrix = { ...scheme, rows, columns, codes, zeroPoints: new Uint8Array(groups).fill(3) };
      return [module, { ...matrix, scales: new Float32Array(groups).fill(0.25) }] as const;
    });
    writer.writeShard(layer, { matrices: new Map(matrices) });
  }
  writer.writeShard(null, { matrices: new Map() });
  writer.finish();
}

/** Uses everything in a directory. */
function useAll(directory: string): void {
  const checkpoint = openCheckpoint(directory);
  checkFinite(checkpoint);
  for (const name of expectedTensors(checkpoint.config).keys()) {
    const module = name.replace(/\.weight$/u, "");
    if (checkpoint.quantization?.has(module) === true) checkpoint.readQuantized(module);
    else checkpoint.readFloat32(name);
  }
  const tokenizer = loadTokenizer(directory);
  tokenizer.decode(tokenizer.encode("the hat <|im_end|> \u{1F999}\n"));
  if (tokenizer.hasChatTemplate) {
    tokenizer.applyChatTemplate([{ role: "user", content: "hi" }], { addGenerationPrompt: true });
  }
}

/** "fine", "refused", or what went wrong. */
function outcome(directory: string): string {
  const fileBytes = readdirSync(directory).reduce(
    (sum, name) => sum + statSync(join(directory, name)).size,
    0,
  );
  const before = process.memoryUsage().arrayBuffers;
  const started = performance.now();
  let result = "fine";
  try {
    useAll(directory);
  } catch (error) {
    result = error instanceof BitmendError ? "refused" : `not a BitmendError: ${String(error)}`;
  }
  // Reading widens 16 bits to 32 and 3 bits to 8, and the bytes pass through twice; the rest of the run may be collected late.
  const allocated = process.memoryUsage().arrayBuffers - before;
  if (allocated > 10 * fileBytes) return `${result}, but ${allocated} bytes allocated for ${fileBytes}`;
  const milliseconds = performance.now() - started;
  return milliseconds > 2000 ? `${result}, but after ${milliseconds} ms` : result;
}

type Corrupt = (content: Uint8Array, random: RandomStream) => Uint8Array;

const corruptText: Corrupt = (content, random) =>
  random.next() < 0.5
    ? corruptBytes(content, random)
    : new TextEncoder().encode(corruptJson(new TextDecoder().decode(content), random));

const index = "model.safetensors.index.json";
const targets = [
  { directory: dense, file: "model.safetensors", corrupt: corruptSafetensors, count: 700 },
  { directory: quantized, file: "model-00001-of-00003.safetensors", corrupt: corruptSafetensors, count: 500 },
  { directory: quantized, file: index, corrupt: corruptText, count: 300 },
  { directory: dense, file: "config.json", corrupt: corruptText, count: 400 },
  { directory: quantized, file: "config.json", corrupt: corruptText, count: 400 },
  { directory: dense, file: "tokenizer.json", corrupt: corruptText, count: 500 },
  { directory: dense, file: "tokenizer_config.json", corrupt: corruptText, count: 200 },
];

describe("corrupted files are refused with a BitmendError, or used: no crash, no hang, no memory beyond their size", () => {
  it("uses the files as they are", () => {
    expect([outcome(dense), outcome(quantized)]).toEqual(["fine", "fine"]);
  });

  it.each(targets)("$count times $file", ({ directory, file, corrupt, count }) => {
    const path = join(directory, file);
    const original = new Uint8Array(readFileSync(path));
    const unexpected: string[] = [];
    let refused = 0;
    for (let number = 0; number < count; number++) {
      writeFileSync(
        path,
        corrupt(original, randomStream("corrupt", directory === dense ? 0 : 1, file, number)),
      );
      const result = outcome(directory);
      if (result === "refused") refused += 1;
      else if (result !== "fine") unexpected.push(`${number}: ${result}`);
    }
    writeFileSync(path, original);
    expect(unexpected).toEqual([]);
    // Flips inside weights, scores or comments leave a sound file; most damage must be noticed.
    expect(refused).toBeGreaterThan(count / 4);
  });
});
