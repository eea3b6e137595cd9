import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkFinite } from "../../src/checkpoint/check-finite.ts";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { expectedTensors, layerLinearNames } from "../../src/checkpoint/expected-tensors.ts";
import { quantizedModelWriter } from "../../src/checkpoint/quantized-model-writer.ts";
import { QWEN_2, tokenizerFromRanks } from "../../src/tokenizer/tiktoken.ts";
import { loadTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { corruptSafetensors } from "./corrupt.ts";
import { corruptText, damageFile, outcomeOf } from "./damage-file.ts";

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
    const outcomes = [dense, quantized].map((directory) =>
      outcomeOf({ directory, use: () => useAll(directory) }),
    );
    expect(outcomes).toEqual(["fine", "fine"]);
  });

  it.each(targets)("$count times $file", ({ directory, file, corrupt, count }) => {
    const { refused, unexpected } = damageFile(file, {
      directory,
      use: () => useAll(directory),
      corrupt,
      count,
    });
    expect(unexpected).toEqual([]);
    // Flips inside weights, scores or comments leave a sound file; most damage must be noticed.
    expect(refused).toBeGreaterThan(count / 4);
  });
});
