import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint, type Checkpoint } from "../../src/checkpoint/checkpoint.ts";
import { dequantize } from "../../src/checkpoint/dequantize.ts";
import { expectedTensors } from "../../src/checkpoint/expected-tensors.ts";
import { openGguf } from "../../src/checkpoint/formats/gguf/open-gguf.ts";
import { writeGguf, type GgufSummary } from "../../src/checkpoint/formats/gguf/write-gguf.ts";
import type { Bits, QuantizedMatrix } from "../../src/checkpoint/quantized-matrix.ts";
import { tokenizerFilesAt } from "../../src/checkpoint/tokenizer-files.ts";
import { QWEN_2, tokenizerFromRanks } from "../../src/tokenizer/tiktoken.ts";
import { loadTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { BitmendError } from "../../src/util/errors.ts";
import { randomStream, type RandomStream } from "../../src/util/random.ts";
import { convertLlama2c } from "../../tools/convert-llama2c.ts";
import { corruptBytes } from "./corrupt.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-gguf-"));
afterAll(() => rmSync(work, { recursive: true }));

const text = "GATE to a HE<|im_end|>\n";

/** One of the tiny models, with a byte-level tokenizer of its vocabulary's size. */
function tinyModel(name: string): string {
  const directory = join(work, name);
  if (existsSync(directory)) return directory;
  cpSync(join(import.meta.dirname, "../golden/tiny", name), directory, { recursive: true });
  const bytes = Array.from({ length: 43 }, (_, index) => Buffer.of([10, 32][index] ?? 63 + index));
  const ranks = [...bytes, Buffer.from("HE"), Buffer.from(" HE")];
  const lines = ranks.slice(0, 45).map((token, rank) => `${token.toString("base64")} ${rank}`);
  writeFileSync(
    join(directory, "tokenizer.json"),
    JSON.stringify(tokenizerFromRanks(lines.join("\n"), QWEN_2)),
  );
  const settings = { eos_token: "<|im_end|>", chat_template: "{{ messages[0].content + eos_token }}" };
  writeFileSync(join(directory, "tokenizer_config.json"), JSON.stringify(settings));
  return directory;
}

function write(
  source: Checkpoint,
  from: string,
  { path, lossy = false }: { path: string; lossy?: boolean },
): GgufSummary {
  const writer = writeGguf({ source, path, tokenizer: tokenizerFilesAt(from), name: "test", lossy });
  for (;;) {
    const next = writer.next();
    if (next.done === true) return next.value;
  }
}

const models = ["llama", "llama-bias-linear", "qwen2", "qwen3"];

describe.each(models)("a tiny %s comes back from its GGUF file as it was", (name) => {
  it("in full precision: configuration, every parameter, tokenizer, chat template", () => {
    const directory = tinyModel(name);
    const source = openCheckpoint(directory);
    const path = join(work, `${name}.gguf`);
    write(source, directory, { path });
    const copy = openGguf(path);
    // The token that ends a text by tokenizer_config.json comes first, then that of config.json.
    expect(copy.config).toEqual({ ...source.config, eosTokenIds: [47, 2] });
    expect(copy.quantization).toBeNull();
    for (const parameter of expectedTensors(source.config).keys()) {
      expect(copy.readFloat32(parameter)).toEqual(source.readFloat32(parameter));
    }
    const [before, after] = [loadTokenizer(directory), loadTokenizer(path)];
    expect(after.encode(text)).toEqual(before.encode(text));
    expect(after.decode(after.encode(text))).toBe(before.decode(before.encode(text)));
    expect(after.eosTokenIds).toEqual(before.eosTokenIds);
    const template = [[{ role: "user", content: "HE" }], { addGenerationPrompt: true }] as const;
    expect(after.applyChatTemplate(...template)).toEqual(before.applyChatTemplate(...template));
  });

  it("with low-bit weights of every width, groups of its whole rows", () => {
    const directory = tinyModel(name);
    const { source, matrices } = lowBit(openCheckpoint(directory));
    const path = join(work, `${name}-low-bit.gguf`);
    const { inexact } = write(source, directory, { path });
    expect(inexact.size).toBe(0);
    const copy = openGguf(path);
    for (const [module, matrix] of matrices) {
      const values = copy.readFloat32(`${module}.weight`).map((value) => value + 0);
      expect(values).toEqual(dequantize(matrix).map((value) => value + 0));
      if (matrix.columns % 32 === 0) expect(copy.readQuantized(module).rows).toBe(matrix.rows);
    }
  });
});

/** The checkpoint with random symmetric matrices in place of its linears, every width in turn. */
function lowBit(checkpoint: Checkpoint): {
  source: Checkpoint;
  matrices: ReadonlyMap<string, QuantizedMatrix>;
} {
  const widths: readonly Bits[] = [2, 3, 4, 5, 6, 8];
  const matrices = new Map<string, QuantizedMatrix>();
  for (const [name, shape] of expectedTensors(checkpoint.config)) {
    const [rows, columns] = shape;
    if (!name.endsWith("_proj.weight") || rows === undefined || columns === undefined) continue;
    const random = randomStream("gguf", name);
    const bits = widths[matrices.size % widths.length]!;
    matrices.set(name.replace(/\.weight$/u, ""), {
      bits,
      rows,
      columns,
      groupSize: columns,
      symmetric: true,
      codes: Uint8Array.from({ length: rows * columns }, () => random.integer(2 ** bits)),
      scales: Float32Array.from({ length: rows }, () => Math.f16round(0.01 + 0.1 * random.next())),
      zeroPoints: new Uint8Array(rows).fill(2 ** (bits - 1)),
    });
  }
  return { matrices, source: withMatrices(checkpoint, matrices) };
}

function withMatrices(checkpoint: Checkpoint, matrices: ReadonlyMap<string, QuantizedMatrix>): Checkpoint {
  const modules = [...matrices].map(([name, matrix]) => {
    const { bits, rows, columns, groupSize, symmetric } = matrix;
    const scheme = { bits, groupSize, symmetric };
    const read = () => ({ kind: "quantized", matrix }) as const;
    return [name, { name, scheme, rows, columns, format: "test", bytes: 0, read }] as const;
  });
  return { ...checkpoint, quantization: new Map(modules) };
}

describe("what GGUF does not hold", () => {
  it("is refused before anything is written, every module with its reason, and stored with its error if asked for", () => {
    const directory = tinyModel("qwen3");
    const { source, matrices } = lowBit(openCheckpoint(directory));
    const halved = [...matrices].slice(0, 2).map(([name, matrix]) => {
      const scales = Float32Array.from(
        { length: 2 * matrix.rows },
        (_, group) => matrix.scales[Math.floor(group / 2)]!,
      );
      const zeroPoints = new Uint8Array(scales.length).fill(2 ** (matrix.bits - 1));
      return [name, { ...matrix, groupSize: matrix.columns / 2, scales, zeroPoints }] as const;
    });
    const narrow = withMatrices(source, new Map(halved));
    const path = join(work, "refused.gguf");
    expect(() => write(narrow, directory, { path })).toThrowErrorMatchingInlineSnapshot(
      `[BitmendError: writeGguf(): expected weights that GGUF holds exactly, but model.layers.0.self_attn.q_proj: the blocks of 32 that every type has do not fit groups of 16; model.layers.0.self_attn.k_proj: the blocks of 32 that every type has do not fit groups of 16. Pass --lossy to store the nearest, with the error stated.]`,
    );
    expect(readdirSync(work).filter((name) => name.startsWith("refused"))).toEqual([]);
    const { inexact, types } = write(narrow, directory, { path, lossy: true });
    expect([...inexact.keys()]).toEqual(halved.map(([name]) => name));
    for (const [name, { relativeSquaredError }] of inexact) {
      expect(types.get(name)).toBe("Q8_0");
      expect(relativeSquaredError).toBeGreaterThan(0);
      expect(relativeSquaredError).toBeLessThan(1e-4);
    }
  });
});

const stories = join(import.meta.dirname, "../../../shared/data/checkpoints/stories260k");

describe.skipIf(!existsSync(stories))(
  "a SentencePiece tokenizer (../shared/data/checkpoints/stories260k)",
  () => {
    it("comes back with the same tokens, as scores instead of merges", () => {
      const directory = join(work, "stories");
      const files = { weights: join(stories, "stories260K.bin"), tokenizer: join(stories, "tok512.bin") };
      convertLlama2c(files, directory);
      const path = join(work, "stories.gguf");
      write(openCheckpoint(directory), directory, { path });
      const [before, after] = [loadTokenizer(directory), loadTokenizer(path)];
      for (const story of [
        "Once upon a time, there was a little girl.",
        "  two  spaces\n\u{1F999} über",
        "<s>x</s>",
      ]) {
        expect(after.encode(story)).toEqual(before.encode(story));
        expect(after.decode(after.encode(story))).toBe(before.decode(before.encode(story)));
      }
      expect(after.eosTokenIds).toEqual([2]);
    });
  },
);

describe("corrupted GGUF files are refused with a BitmendError, or used: no crash, no hang, no memory beyond their size", () => {
  const foreign = join(import.meta.dirname, "../golden/gguf/written-by-gguf-py.gguf");
  const damaged = join(work, "damaged.gguf");
  const originals = new Map<string, Uint8Array>();
  beforeAll(() => {
    originals.set("of gguf-py", new Uint8Array(readFileSync(foreign)));
    const directory = tinyModel("llama");
    const { source } = lowBit(openCheckpoint(directory));
    write(source, directory, { path: damaged });
    originals.set("of ours", new Uint8Array(readFileSync(damaged)));
  });

  it.each([
    ["of gguf-py", 1300],
    ["of ours", 1200],
  ] as const)("%s, %i times", (which, count) => {
    const original = originals.get(which)!;
    const unexpected: string[] = [];
    let refused = 0;
    for (let number = 0; number < count; number++) {
      writeFileSync(damaged, corruptGguf(original, randomStream("corrupt-gguf", which, number)));
      const result = outcome(damaged);
      if (result === "refused") refused += 1;
      else if (result !== "fine") unexpected.push(`${number}: ${result}`);
    }
    expect(unexpected).toEqual([]);
    expect(refused).toBeGreaterThan(count / 4);
  });
});

/** Damage anywhere, in the head, or a hostile number in the place of one of 4 or 8 bytes of the head. */
function corruptGguf(bytes: Uint8Array, random: RandomStream): Uint8Array {
  const way = random.integer(4);
  if (way === 0) return corruptBytes(bytes, random);
  const headLength = Math.min(3000, bytes.length);
  if (way === 1) {
    const head = corruptBytes(bytes.subarray(0, headLength), random);
    return new Uint8Array(Buffer.concat([head, bytes.subarray(headLength)]));
  }
  const copy = Uint8Array.from(bytes);
  const view = new DataView(copy.buffer);
  const at = random.next() < 0.2 ? random.pick([4, 8, 16]) : random.integer(headLength - 8);
  const number = random.pick([
    0,
    1,
    2,
    7,
    13,
    64,
    255,
    2 ** 20,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 40,
    2 ** 53,
    2 ** 63,
  ]);
  if (way === 2) view.setUint32(at, number, true);
  else view.setBigUint64(at, BigInt(number), true);
  return copy;
}

/** "fine", "refused", or what went wrong. */
function outcome(path: string): string {
  const fileBytes = statSync(path).size;
  const before = process.memoryUsage().arrayBuffers;
  const started = performance.now();
  let result = "fine";
  try {
    const checkpoint = openGguf(path);
    for (const name of expectedTensors(checkpoint.config).keys()) checkpoint.readFloat32(name);
    for (const module of checkpoint.quantization?.values() ?? []) module.read();
    const tokenizer = loadTokenizer(path);
    tokenizer.decode(tokenizer.encode(text));
    if (tokenizer.hasChatTemplate)
      tokenizer.applyChatTemplate([{ role: "user", content: "hi" }], { addGenerationPrompt: true });
  } catch (error) {
    result =
      error instanceof BitmendError
        ? "refused"
        : `not a BitmendError: ${error instanceof Error ? error.stack : String(error)}`;
  }
  // The window over the head is at most the file; blocks widen to 16 times their bytes.
  const allocated = process.memoryUsage().arrayBuffers - before;
  if (allocated > 40 * fileBytes + 2 ** 22)
    return `${result}, but ${allocated} bytes allocated for ${fileBytes}`;
  const milliseconds = performance.now() - started;
  return milliseconds > 2000 ? `${result}, but after ${milliseconds} ms` : result;
}
