/** @file The subject as a GGUF file with Q4_0 matrices, for llama.cpp. */
import type { Checkpoint } from "../../src/checkpoint/checkpoint.ts";
import { writeGguf } from "../../src/checkpoint/formats/gguf/write-gguf.ts";
import type { ModelConfig } from "../../src/checkpoint/model-config.ts";
import { readMatrix, type QuantizedModule } from "../../src/checkpoint/quantized-module.ts";
import type { TokenizerFiles } from "../../src/checkpoint/tokenizer-files.ts";
import { parameterSites } from "../../src/models/parameter-sites.ts";
import { QWEN_2, tokenizerFromRanks } from "../../src/tokenizer/tiktoken.ts";
import { GROUP_SIZE, subjectMatrices } from "./subject.ts";

/** Writes the file; a vocabulary of made-up words stands in for a tokenizer, which the measurement never uses. */
export function writeSubject(path: string, config: ModelConfig): void {
  const writer = writeGguf({
    source: subjectCheckpoint(config),
    path,
    tokenizer: madeUpWords(config.vocabularySize),
    name: "bitmend bench",
  });
  while (writer.next().done !== true);
}

function subjectCheckpoint(config: ModelConfig): Checkpoint {
  const sites = new Map(parameterSites(config).map(({ name, shape }) => [name, shape]));
  const modules = [...subjectMatrices(config)].map(([name, matrix]): [string, QuantizedModule] => {
    const [rows, columns] = sites.get(`${name}.weight`)!;
    const scheme = { bits: 4, groupSize: GROUP_SIZE, symmetric: true } as const;
    const read = () => ({ kind: "quantized", matrix: matrix() }) as const;
    return [name, { name, scheme, rows: rows!, columns: columns!, format: "in memory", bytes: 0, read }];
  });
  const quantization = new Map(modules);
  return {
    directory: "",
    config,
    rawConfig: {},
    tensors: new Map(),
    quantization,
    unexpectedTensors: [],
    readFloat32: (name) => new Float32Array(sites.get(name)![0]!).fill(1),
    readQuantized: (module) => readMatrix(quantization.get(module)!),
  };
}

function madeUpWords(size: number): TokenizerFiles {
  const { model: _model, ...parts } = tokenizerFromRanks("IQ== 0", { ...QWEN_2, specialTokens: [] });
  const words = Array.from({ length: size }, (_, id) => [`w${id}`, id] as const);
  return {
    path: "made-up words",
    tokenizer: { ...parts, model: { vocab: Object.fromEntries(words), merges: [["w", "1"]] } },
    tokenizerConfig: { eos_token: "w0" },
    generationConfig: {},
    modelConfig: {},
    chatTemplate: null,
  };
}
