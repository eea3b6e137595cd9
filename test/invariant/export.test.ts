import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Checkpoint } from "../../src/checkpoint/checkpoint.ts";
import { dequantize } from "../../src/checkpoint/dequantize.ts";
import { expectedTensors, layerLinearNames } from "../../src/checkpoint/expected-tensors.ts";
import { quantizedModelWriter } from "../../src/checkpoint/quantized-model-writer.ts";
import { openModel } from "../../src/models/open-model.ts";
import { loadTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { consume } from "../../src/util/consume.ts";
import { exportFormats, exportModel, type ExportFormat } from "../../src/verbs/export.ts";
import { randomMatrix, type RandomGrid } from "../random-model.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-export-"));
afterAll(() => rmSync(work, { recursive: true }));
const pocket = join(import.meta.dirname, "../../models/pocket-small");
const at = (name: string): string => join(work, name);
const targetOf = (name: string, format: ExportFormat): string =>
  at(format === "gguf" ? `${name}.gguf` : name);

/** The small pocket model with random codes. */
function writeModel(name: string, gridOf: (module: string) => RandomGrid): void {
  const source = openModel(pocket);
  const shapes = expectedTensors(source.config);
  const modules = [0, 1].flatMap((layer) => layerLinearNames(layer));
  const schemes = new Map(modules.map((module) => [module, gridOf(module)]));
  const writer = quantizedModelWriter({ source, directory: at(name), schemes, identity: name });
  for (const layer of [0, 1]) {
    const matrices = layerLinearNames(layer).map((module) => {
      const [outFeatures, inFeatures] = shapes.get(`${module}.weight`)!;
      const site = { name: module, outFeatures: outFeatures!, inFeatures: inFeatures! };
      const matrix = randomMatrix(site, gridOf(module), 1);
      // Scales of all bits, so that a zero point times one is no number of fp16.
      const scales = matrix.scales.map((scale) => Math.f16round(scale * 1.234_5));
      return [module, { ...matrix, scales }] as const;
    });
    writer.writeShard(layer, { matrices: new Map(matrices) });
  }
  writer.writeShard(null, { matrices: new Map() });
  writer.finish();
}

beforeAll(() => {
  writeModel("symmetric", () => ({ bits: 4, groupSize: 32, symmetric: true }));
  writeModel("asymmetric", () => ({ bits: 4, groupSize: 32, symmetric: false }));
  writeModel("w8a8", () => ({ bits: 8, groupSize: null, symmetric: true, activations: "int8-per-token" }));
  writeModel("mixed", (module) => ({ bits: module.includes("mlp") ? 3 : 8, groupSize: 32, symmetric: true }));
});

/** Names of the parameters that differ. */
function differing(left: Checkpoint, right: Checkpoint): string[] {
  return [...expectedTensors(left.config).keys()].filter((name) => {
    const [before, after] = [left.readFloat32(name), right.readFloat32(name)];
    return before.length !== after.length || before.some((value, index) => value !== after[index]);
  });
}

function chatText(path: string): string {
  const tokenizer = loadTokenizer(path);
  const prompt = tokenizer.applyChatTemplate([{ role: "user", content: "1 + 2?" }], {
    addGenerationPrompt: true,
  });
  return `${prompt}|${tokenizer.encode(prompt).join(" ")}`;
}

function contents(directory: string): Map<string, string> {
  const names = readdirSync(directory).filter((name) => name !== "records");
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), "hex")]));
}

describe.each(exportFormats)("exported as %s", (format) => {
  it("a 4-bit model is the same model, and tokenizes the same, there and back", async () => {
    const output = targetOf(`symmetric-${format}`, format);
    const { inexact, modules } = await consume(exportModel({ model: at("symmetric"), format, output }));
    expect([inexact, modules]).toEqual([[], 14]);
    const source = openModel(at("symmetric"));
    expect(differing(source, openModel(output))).toEqual([]);
    expect(chatText(output)).toBe(chatText(at("symmetric")));
    const back = at(`back-from-${format}`);
    await consume(exportModel({ model: output, format: "compressed-tensors", output: back }));
    expect(differing(source, openModel(back))).toEqual([]);
    expect(chatText(back)).toBe(chatText(at("symmetric")));
  });
});

describe("exportModel", () => {
  it.each(["gguf", "mlx", "onnx"] as const)(
    "writes a full-precision model as %s, number for number",
    async (format) => {
      const output = targetOf(`full-${format}`, format);
      await consume(exportModel({ model: pocket, format, output }));
      expect(differing(openModel(pocket), openModel(output))).toEqual([]);
    },
  );

  it.each([
    ["symmetric", "awq"],
    ["mixed", "gptq"],
    ["mixed", "mlx"],
    ["mixed", "gguf"],
    ["w8a8", "compressed-tensors"],
    ["w8a8", "onnx"],
    ["asymmetric", "awq"],
    ["asymmetric", "gptq-v2"],
    ["asymmetric", "onnx"],
  ] as const)("%s codes are exact in %s", async (model, format) => {
    const output = targetOf(`${model}-exact-${format}`, format);
    await consume(exportModel({ model: at(model), format, output }));
    const [source, written] = [openModel(at(model)), openModel(output)];
    expect(differing(source, written)).toEqual([]);
    const [before, after] = [source, written].map((each) => each.readQuantized("model.layers.0.mlp.up_proj"));
    expect(after!.activations).toBe(before!.activations);
  });

  it.each([
    ["w8a8", "gptq", "checkpoint/inexact"],
    ["w8a8", "gguf", "checkpoint/inexact"],
    ["asymmetric", "mlx", "checkpoint/inexact"],
    ["asymmetric", "gptq", "checkpoint/inexact"],
    ["mixed", "awq", "checkpoint/unwritable"],
  ] as const)("refuses %s codes in %s with every module, and writes nothing", async (model, format, code) => {
    const output = targetOf(`${model}-refused-${format}`, format);
    const attempt = consume(exportModel({ model: at(model), format, output }));
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code }));
    await expect(attempt).rejects.toThrow(/layers\.0\.mlp\.up_proj: .*layers\.1\.mlp\.up_proj: /u);
    expect(existsSync(output)).toBe(false);
  });

  it("states the error of what it stores lossy, as it is in the files", async () => {
    const output = at("lossy-mlx");
    const result = await consume(
      exportModel({ model: at("asymmetric"), format: "mlx", output, lossy: true }),
    );
    expect(result.inexact.length).toBeGreaterThan(0);
    const written = openModel(output);
    for (const { module, relativeSquaredError } of result.inexact) {
      const before = dequantize(openModel(at("asymmetric")).readQuantized(module));
      const after = written.readFloat32(`${module}.weight`);
      const energy = before.reduce((sum, value) => sum + value ** 2, 0);
      const difference = before.reduce((sum, value, index) => sum + (value - after[index]!) ** 2, 0);
      expect(relativeSquaredError).toBeCloseTo(difference / energy, 12);
    }
  });

  it("stopped after a layer it goes on to the same bytes, and refuses a directory of another source", async () => {
    const [whole, stopped] = [at("whole"), at("stopped")];
    await consume(exportModel({ model: at("mixed"), format: "gptq", output: whole }));
    const controller = new AbortController();
    const killed = consume(
      exportModel({ model: at("mixed"), format: "gptq", output: stopped }, { signal: controller.signal }),
      (event) => {
        if (event.type === "progress" && existsSync(join(stopped, "model-00001-of-00003.safetensors")))
          controller.abort();
      },
    );
    await expect(killed).rejects.toThrow(/abort/iu);
    expect(existsSync(join(stopped, "config.json"))).toBe(false);
    await consume(exportModel({ model: at("mixed"), format: "gptq", output: stopped }));
    expect(contents(stopped)).toEqual(contents(whole));
    await expect(
      consume(exportModel({ model: at("symmetric"), format: "gptq", output: whole })),
    ).rejects.toThrow(expect.objectContaining({ code: "verbs/other-settings" }));
  });

  it("refuses to store full precision as a low-bit format, and to overwrite a file", async () => {
    await expect(consume(exportModel({ model: pocket, format: "awq", output: at("none") }))).rejects.toThrow(
      expect.objectContaining({ code: "verbs/nothing-to-store" }),
    );
    await expect(
      consume(exportModel({ model: pocket, format: "gguf", output: join(pocket, "config.json") })),
    ).rejects.toThrow(expect.objectContaining({ code: "verbs/output-exists" }));
  });
});
