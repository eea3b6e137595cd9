/**
 * @file Models that other programs quantized, read by us: our logits are those of the reader that belongs to the format.
 *
 * Both sides compute in float32 from the same stored numbers, so only the order of sums differs: logits reach 10, where float32 resolves 1e-6,
 * at the end of two layers of sums of up to 512 products.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { checkpointSource } from "../../src/models/model-source.ts";
import { openModel } from "../../src/models/open-model.ts";
import { missingModules, peersPython } from "../../tools/peers/environment.ts";
import { readWithPeer, writeWithPeer, type PeerReader, type PeerWriter } from "../../tools/peers/run-peer.ts";
import { distance, ourAnswers, roundedInputsLimits, type Distance } from "./our-answers.ts";
import { calibrationSequences, peerFamilies, questions, writePeerModel } from "./peer-models.ts";

const python = await peersPython();
const missing = await missingModules(python, ["gptqmodel", "llmcompressor", "mlx_lm", "llama_cpp"]);

const folder = mkdtempSync(join(tmpdir(), "bitmend-foreign-"));
afterAll(() => rmSync(folder, { recursive: true }));

const tolerance = 1e-4;

interface Case {
  /** Names the file or directory. */
  readonly name: string;
  /** What the writer is asked. */
  readonly job: Readonly<Record<string, unknown>>;
  /** What the reader is asked besides. */
  readonly reading?: Readonly<Record<string, unknown>>;
  /** Default: the tolerance, and equal tokens. */
  readonly limits?: Distance;
}

const gptqModel: readonly Case[] = [
  gptq("gptq-4-symmetric", { bits: 4, group_size: 64, sym: true, desc_act: false }),
  gptq("gptq-4-act-order", { bits: 4, group_size: 32, sym: false, desc_act: true }),
  gptq("gptq-4-row", { bits: 4, group_size: -1, sym: true, desc_act: false, act_group_aware: false }),
  gptq("gptq-3-v2", { bits: 3, group_size: 64, sym: false, desc_act: false, format: "gptq_v2" }),
  gptq("gptq-8", { bits: 8, group_size: 128, sym: true, desc_act: false }),
  gptq("gptq-2-v2", { bits: 2, group_size: 32, sym: false, desc_act: false, format: "gptq_v2" }),
  gptq("gptq-mixed", {
    bits: 4,
    group_size: 64,
    sym: true,
    desc_act: false,
    dynamic: { "model\\.layers\\.1\\.mlp.*": { bits: 8, group_size: 32 }, "-:.*o_proj": {} },
  }),
  {
    name: "awq-4",
    job: { method: "awq", settings: { bits: 4, group_size: 64, sym: false } },
    reading: { backend: "AWQ_TORCH" },
  },
];

function gptq(name: string, settings: Readonly<Record<string, unknown>>): Case {
  return { name, job: { method: "gptq", settings }, reading: { backend: "GPTQ_TORCH" } };
}

const linears = { targets: ["Linear"], ignore: ["lm_head"] };

/** Settings of weights, as compressed-tensors names them. */
function weights(bits: number, symmetric: boolean, groupSize: number | null) {
  const strategy = groupSize === null ? "channel" : "group";
  return { num_bits: bits, type: "int", symmetric, strategy, group_size: groupSize };
}

function modified(name: string, ...modifiers: readonly Readonly<Record<string, unknown>>[]): Case {
  return { name, job: { modifiers } };
}

function grouped(kind: string, groups: Readonly<Record<string, unknown>>[]) {
  const entries = groups.map((group, index) => [`group_${index}`, group]);
  return { kind, ignore: ["lm_head"], config_groups: Object.fromEntries(entries) };
}

const llmCompressor: readonly Case[] = [
  modified("w4a16", { kind: "quantization", ...linears, scheme: "W4A16" }),
  modified("w4a16-asymmetric", { kind: "quantization", ...linears, scheme: "W4A16_ASYM" }),
  modified("w8a16", { kind: "quantization", ...linears, scheme: "W8A16" }),
  {
    ...modified(
      "w8a8-smoothquant",
      { kind: "smoothquant", smoothing_strength: 0.5 },
      { kind: "quantization", ...linears, scheme: "W8A8" },
    ),
    limits: roundedInputsLimits,
  },
  modified(
    "w4-gptq",
    grouped("gptq", [{ targets: ["Linear"], weights: { ...weights(4, true, 64), actorder: "static" } }]),
  ),
  modified("w3", grouped("quantization", [{ targets: ["Linear"], weights: weights(3, true, 64) }])),
  modified(
    "w2-asymmetric",
    grouped("quantization", [{ targets: ["Linear"], weights: weights(2, false, 32) }]),
  ),
  modified(
    "mixed",
    grouped("quantization", [
      { targets: ["re:.*self_attn.*"], weights: weights(8, true, null) },
      { targets: ["re:.*mlp.*"], weights: weights(4, true, 32) },
    ]),
  ),
  modified("awq", { kind: "awq" }, { kind: "quantization", ...linears, scheme: "W4A16_ASYM" }),
];

const mlxLm: readonly Case[] = [
  { name: "mlx-4", job: { bits: 4, group_size: 64 } },
  { name: "mlx-3", job: { bits: 3, group_size: 32 } },
  { name: "mlx-2-fp16", job: { bits: 2, group_size: 32, dtype: "float16" } },
  { name: "mlx-5", job: { bits: 5, group_size: 64 } },
  { name: "mlx-6", job: { bits: 6, group_size: 64 } },
  { name: "mlx-8", job: { bits: 8, group_size: 128 } },
  { name: "mlx-mixed", job: { group_size: 64, recipe: "mixed_2_6" } },
];

const ggufTypes = [
  "F16",
  "BF16",
  "Q4_0",
  "Q4_1",
  "Q5_0",
  "Q5_1",
  "Q8_0",
  "Q2_0",
  "Q2_K",
  "Q3_K_M",
  "Q4_K_M",
  "Q5_K_M",
];
const llamaCpp: readonly Case[] = [...ggufTypes, "Q6_K", "IQ4_NL", "TQ2_0"].map((type) => ({
  name: `${type}.gguf`,
  job: { type },
}));

const programs: readonly {
  readonly writer: PeerWriter;
  readonly module: string;
  readonly reader: PeerReader;
  readonly cases: readonly Case[];
}[] = [
  { writer: "gptqmodel", module: "gptqmodel", reader: "gptqmodel", cases: gptqModel },
  { writer: "llm-compressor", module: "llmcompressor", reader: "transformers", cases: llmCompressor },
  { writer: "mlx-lm", module: "mlx_lm", reader: "mlx-lm", cases: mlxLm },
  { writer: "llama-cpp", module: "llama_cpp", reader: "llama-cpp", cases: llamaCpp },
];

describe.for(peerFamilies)("%s", (family) => {
  describe.for(programs)("by $writer", ({ writer, module, reader, cases }) => {
    test.skipIf(missing.includes(module))("means the same to us", async ({ annotate }) => {
      const place = join(folder, `${family}-${writer}`);
      const source = join(place, "source");
      writePeerModel(source, family);
      const directories = cases.map(({ name }) => join(place, name));
      const jobs = cases.map(({ job }, index) => ({ ...job, directory: directories[index]! }));
      const calibration = calibrationSequences;
      const unquantized = join(place, "F32.gguf");
      const written = await writeWithPeer(python!, writer, { source, calibration, unquantized, jobs });
      const readings = cases.map(({ reading }, index) => ({
        directory: directories[index]!,
        ...questions,
        ...reading,
      }));
      const { results, versions } = await readWithPeer(python!, reader, readings);
      const findings: string[] = [];
      for (const [index, { name, limits }] of cases.entries()) {
        const theirs = results[index]!;
        // oxlint-disable-next-line eslint/no-await-in-loop -- one model in memory at a time
        const ours = await ourAnswers(checkpointSource(openModel(directories[index]!)), questions);
        const apart = distance(ours.logits, theirs.logits);
        const same = ours.completions.join() === theirs.completions.join();
        findings.push(
          `${name}: logits ${apart.largest.toExponential(1)}, greedy tokens ${same ? "equal" : "differ"}`,
        );
        expect.soft(apart.largest, name).toBeLessThan(limits?.largest ?? tolerance);
        expect.soft(apart.median, name).toBeLessThan(limits?.median ?? tolerance);
        if (limits === undefined) expect.soft(ours.completions, name).toEqual(theirs.completions);
      }
      await annotate(`${findings.join("; ")} (${JSON.stringify({ ...written, ...versions })})`);
    });
  });
});
