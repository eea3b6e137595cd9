import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { checkFinite } from "./check-finite.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { writeModelDirectory } from "./model-directory.ts";
import { readTensorBytes, writeSafetensors, type TensorToWrite } from "./safetensors.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-checkpoint-"));
afterAll(() => rmSync(work, { recursive: true }));
const original = join(import.meta.dirname, "../../test/golden/tiny/qwen3");
const directory = join(work, "model");

beforeEach(() => {
  rmSync(directory, { recursive: true, force: true });
  cpSync(original, directory, { recursive: true });
});

const tensors = (): TensorToWrite[] =>
  [...openCheckpoint(original).tensors].map(([name, tensor]) => ({
    name,
    dataType: tensor.dataType,
    shape: tensor.shape,
    data: readTensorBytes(tensor),
  }));

/** Splits the model into two shards with an index and returns their names. */
function split(weightMap?: (name: string, index: number) => string): string[] {
  const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  const all = tensors();
  for (const [which, shard] of shards.entries()) {
    writeSafetensors(
      join(directory, shard),
      all.filter((_, index) => index % 2 === which),
    );
  }
  const files = all.map(({ name }, index) => [name, weightMap?.(name, index) ?? shards[index % 2]]);
  const index = { metadata: { total_size: 1 }, weight_map: Object.fromEntries(files) };
  writeFileSync(join(directory, "model.safetensors.index.json"), JSON.stringify(index));
  rmSync(join(directory, "model.safetensors"));
  return shards;
}

describe("openCheckpoint", () => {
  it("reads a sharded model as the same model", () => {
    const whole = openCheckpoint(original);
    split();
    const sharded = openCheckpoint(directory);
    expect(new Set(sharded.tensors.keys())).toEqual(new Set(whole.tensors.keys()));
    for (const name of whole.tensors.keys())
      expect(sharded.readFloat32(name)).toEqual(whole.readFloat32(name));
  });

  it("lists all missing shards", () => {
    for (const shard of split()) rmSync(join(directory, shard));
    expect(() => openCheckpoint(directory)).toThrow(
      expect.objectContaining({ code: "checkpoint/missing-shards" }),
    );
    expect(() => openCheckpoint(directory)).toThrow(/model-00001-of-00002.*model-00002-of-00002/u);
  });

  it.each([
    ["a path out of the directory", () => "../model.safetensors"],
    ["a shard that lacks the tensor", () => "model-00001-of-00002.safetensors"],
  ])("refuses an index that names %s", (_, weightMap) => {
    split(weightMap);
    expect(() => openCheckpoint(directory)).toThrow(
      expect.objectContaining({ code: "checkpoint/bad-index" }),
    );
  });

  it("lists missing, misshapen and mistyped tensors at once, and reports those it does not know", () => {
    const [first, second, third, ...rest] = tensors();
    writeSafetensors(join(directory, "model.safetensors"), [
      ...rest,
      { ...second!, shape: [...second!.shape, 1] },
      { ...third!, dataType: "I16" },
      { ...first!, name: "model.rotary_emb.inv_freq" },
    ]);
    expect(() => openCheckpoint(directory)).toThrow(
      expect.objectContaining({ code: "checkpoint/missing-tensors" }),
    );
    const offences = new RegExp(
      `${first!.name} is missing.*${second!.name} has shape.*${third!.name} is I16`,
      "u",
    );
    expect(() => openCheckpoint(directory)).toThrow(offences);
    writeSafetensors(join(directory, "model.safetensors"), [...tensors(), { ...first!, name: "extra" }]);
    expect(openCheckpoint(directory).unexpectedTensors).toEqual(["extra"]);
  });

  it("says what a directory without weights lacks", () => {
    rmSync(join(directory, "model.safetensors"));
    expect(() => openCheckpoint(directory)).toThrow(
      expect.objectContaining({ code: "checkpoint/no-weights" }),
    );
    expect(() => openCheckpoint(join(work, "absent"))).toThrow(
      expect.objectContaining({ code: "files/not-found" }),
    );
  });

  it.each([
    ["quant_method", { quant_method: "aqlm" }],
    ["num_bits", { weights: { num_bits: 7 } }],
    ["input_activations", { input_activations: { num_bits: 8 } }],
    ["strategy", { weights: { num_bits: 4, strategy: "tensor" } }],
    ["targets", { targets: ["re:(?=a)"] }],
  ])("refuses quantization it does not support: %s", (key, change) => {
    const { quant_method: method = "compressed-tensors", ...group } = { quant_method: undefined, ...change };
    const block = {
      quant_method: method,
      format: "pack-quantized",
      config_groups: { group_0: { targets: ["Linear"], weights: { num_bits: 4 }, ...group } },
    };
    const path = join(directory, "config.json");
    const config: unknown = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify(Object.assign({}, config, { quantization_config: block })));
    expect(() => openCheckpoint(directory)).toThrow(
      expect.objectContaining({ code: "checkpoint/unsupported-quantization" }),
    );
    expect(() => openCheckpoint(directory)).toThrow(key);
  });
});

describe("checkFinite", () => {
  it("names the tensors that have NaN or infinity, and how many", () => {
    const all = tensors();
    const damaged = all.map((tensor, index) => {
      if (index > 1 || typeof tensor.data === "function") return tensor;
      const words = new Uint16Array(tensor.data.slice().buffer);
      words.set([0x7f_80, 0xff_c0].slice(0, index + 1));
      return { ...tensor, data: new Uint8Array(words.buffer) };
    });
    writeSafetensors(join(directory, "model.safetensors"), damaged);
    const checkpoint = openCheckpoint(directory);
    expect(() => checkFinite(checkpoint)).toThrow(expect.objectContaining({ code: "checkpoint/not-finite" }));
    expect(() => checkFinite(checkpoint)).toThrow(`${all[0]!.name} (1), ${all[1]!.name} (2)`);
    expect(() => checkFinite(openCheckpoint(original))).not.toThrow();
  });
});

describe("writeModelDirectory", () => {
  it("writes a directory that opens as the model it was", () => {
    const { rawConfig, config } = openCheckpoint(original);
    const copy = join(work, "copy", "deep");
    writeFileSync(join(directory, "tokenizer_config.json"), "{}");
    writeModelDirectory(copy, { config: rawConfig, tensors: tensors(), companionsFrom: directory });
    expect(openCheckpoint(copy).config).toEqual(config);
    expect(readFileSync(join(copy, "tokenizer_config.json"), "utf8")).toBe("{}");
  });
});
