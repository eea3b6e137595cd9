/**
 * @file The `quantization_config` block of compressed-tensors models, read and written.
 *
 * Source: {@link https://github.com/vllm-project/compressed-tensors} 0.20, `quantization/{quant_config,quant_args}.py`, `utils/match.py`,
 * `compressors/format.py`.
 */
import { BitmendError } from "../../util/errors.ts";
import { ConfigReader } from "../config-reader.ts";
import { isJsonObject } from "../json-file.ts";
import type { Bits } from "../quantized-matrix.ts";
import { moduleTargets, noTargets, type ModuleTargets } from "./module-targets.ts";

/** How the weights of a linear layer are quantized. */
export interface QuantizationScheme {
  readonly bits: Bits;
  /** Consecutive input features that share a scale; `null` for one scale per output row. */
  readonly groupSize: number | null;
  readonly symmetric: boolean;
  /** As in `QuantizedMatrix`. */
  readonly activations?: "int8-per-token";
}

/** How compressed-tensors lays out the weights of a module. */
export type PackedForm = "pack-quantized" | "int-quantized";

/** Whether codes of a run follow each other without a gap ("dense") or never cross a word ("loose", before version 0.18). */
export type Packer = "dense" | "loose";

/** What the settings say of one module. */
interface ModuleSettings {
  readonly scheme: QuantizationScheme;
  readonly form: PackedForm;
  readonly packer: Packer;
}

/** Finds the settings of a module, null for one that stays as it is. */
export type SettingsOf = (module: string) => ModuleSettings | null;

/** The form of weights with this scheme: rounded activations are said only beside whole integers. */
export function formOf({ activations }: Pick<QuantizationScheme, "activations">): PackedForm {
  return activations === undefined ? "pack-quantized" : "int-quantized";
}

/**
 * Reads the block; null for another format's.
 *
 * @throws {BitmendError} `checkpoint/unsupported-quantization` names every key that is not supported.
 */
export function parseQuantizationConfig(block: unknown, where: string): SettingsOf | null {
  if (!isJsonObject(block) || block["quant_method"] !== "compressed-tensors") return null;
  const reader = new ConfigReader(block, "quantization_config.");
  refuseOtherSettings(reader);
  const packer = packerOf(reader.value("version"));
  const groups = reader.value("config_groups");
  const settings: { targets: ModuleTargets; settings: ModuleSettings }[] = [];
  if (isJsonObject(groups) && Object.keys(groups).length <= MAX_GROUPS) {
    for (const [name, group] of Object.entries(groups)) {
      const inner = reader.inside(`config_groups.${name.slice(0, 60)}`, isJsonObject(group) ? group : {});
      settings.push({
        targets: parseTargets(inner, "targets"),
        settings: { ...parseGroup(inner, reader.value("format")), packer },
      });
    }
  } else reader.refuse("config_groups", `expected an object of at most ${MAX_GROUPS} groups`);
  const ignored = parseTargets(reader, "ignore");
  if (reader.complaints.length > 0) {
    throw new BitmendError(
      "checkpoint/unsupported-quantization",
      `parseQuantizationConfig(): ${where}: expected compressed-tensors weights of integers, got ${reader.complaints.slice(0, 20).join("; ")}.`,
      {
        hint: "bitmend reads integer weights of 2, 3, 4, 5, 6 or 8 bits, without or with dynamic 8-bit activations; quantize the original model instead.",
      },
    );
  }
  return (module) => {
    if (ignored.match(module) !== null) return null;
    const found = settings.flatMap(({ targets, settings: own }) => {
      const rank = targets.match(module);
      return rank === null ? [] : [{ rank, own }];
    });
    return found.toSorted((left, right) => (left.rank < right.rank ? -1 : 1))[0]?.own ?? null;
  };
}

const MAX_GROUPS = 1000;

/** Writes the block. Modules of one scheme are named by class when all share it, else one by one. */
export function quantizationConfig(
  schemes: ReadonlyMap<string, QuantizationScheme>,
  ignore: readonly string[],
): Record<string, unknown> {
  const alike = Map.groupBy(
    schemes,
    ([, { bits, groupSize, symmetric, activations }]) => `${bits}/${groupSize}/${symmetric}/${activations}`,
  );
  const groups = [...alike.values()].map((members, index) => {
    const [, scheme] = members[0]!;
    const modules = members.map(([module]) => module);
    const named = modules.filter((module) => module === "model.embed_tokens");
    return [
      `group_${index}`,
      {
        targets: alike.size === 1 ? ["Linear", ...named] : modules,
        input_activations: scheme.activations === undefined ? null : ACTIVATIONS_BLOCK,
        output_activations: null,
        format: formOf(scheme),
        weights: weightsBlock(scheme),
      },
    ];
  });
  const forms = new Set([...schemes.values()].map(formOf));
  return {
    quant_method: "compressed-tensors",
    format: forms.size > 1 ? "mixed-precision" : [...forms][0],
    quantization_status: "compressed",
    global_compression_ratio: null,
    kv_cache_scheme: null,
    ignore,
    config_groups: Object.fromEntries(groups),
  };
}

function weightsBlock({ bits, groupSize, symmetric }: QuantizationScheme): Record<string, unknown> {
  return {
    num_bits: bits,
    type: "int",
    symmetric,
    strategy: groupSize === null ? "channel" : "group",
    group_size: groupSize,
    dynamic: false,
    actorder: null,
    block_structure: null,
    observer: "minmax",
    observer_kwargs: {},
  };
}

/** Dynamic scales a token, of 8-bit integers. */
const ACTIVATIONS_BLOCK = {
  num_bits: 8,
  type: "int",
  symmetric: true,
  strategy: "token",
  group_size: null,
  dynamic: true,
  actorder: null,
  block_structure: null,
  observer: null,
  observer_kwargs: {},
};

function refuseOtherSettings(reader: ConfigReader): void {
  const only = (key: string, allowed: readonly unknown[]): void => {
    const value = reader.value(key);
    if (!allowed.includes(value)) reader.refuse(key, `${shown(value)} is not supported`);
  };
  only("format", [...FORMS, "mixed-precision"]);
  only("quantization_status", ["compressed", null]);
  only("kv_cache_scheme", [null]);
  for (const key of ["sparsity_config", "transform_config"]) {
    const value = reader.value(key) ?? {};
    const isEmpty = isJsonObject(value) && Object.keys(value).length === 0;
    if (!isEmpty) reader.refuse(key, `${shown(value)} is not supported`);
  }
}

/** By the version of the library that wrote the file; ours say none. */
function packerOf(version: unknown): Packer {
  const minor =
    typeof version === "string" ? /^0\.(?<minor>\d{1,3})\./u.exec(version)?.groups?.["minor"] : undefined;
  return minor !== undefined && Number(minor) < 18 ? "loose" : "dense";
}

const FORMS: readonly unknown[] = ["pack-quantized", "int-quantized"] satisfies readonly PackedForm[];

/** One entry of `config_groups`; its own `format` wins over that of the whole block. */
function parseGroup(group: ConfigReader, wholeFormat: unknown): Omit<ModuleSettings, "packer"> {
  const activations = parseActivations(group);
  if (group.value("output_activations") !== null)
    group.refuse("output_activations", "quantized activations are not supported");
  const scheme = parseWeights(group, activations);
  const format = group.value("format") ?? (wholeFormat === "mixed-precision" ? formOf(scheme) : wholeFormat);
  if (!FORMS.includes(format)) group.refuse("format", `${shown(format)} is not supported`);
  return { scheme, form: format === "int-quantized" ? "int-quantized" : "pack-quantized" };
}

function parseActivations(group: ConfigReader): "int8-per-token" | undefined {
  const given = group.value("input_activations");
  if (given === null) return undefined;
  const inner = group.inside("input_activations", isJsonObject(given) ? given : {});
  for (const [key, expected] of Object.entries({
    num_bits: 8,
    type: "int",
    symmetric: true,
    strategy: "token",
    dynamic: true,
  })) {
    const value = inner.value(key) ?? (key === "type" ? "int" : key === "symmetric" ? true : null);
    if (value !== expected) inner.refuse(key, `${shown(value)} is not supported (${expected} is)`);
  }
  return "int8-per-token";
}

function parseWeights(group: ConfigReader, activations: "int8-per-token" | undefined): QuantizationScheme {
  const given = group.value("weights");
  const weights = group.inside("weights", isJsonObject(given) ? given : {});
  const bits = weights.integer("num_bits", { most: 8 });
  const supported = asBits(bits);
  if (supported === null) weights.refuse("num_bits", `${bits} is not supported (2, 3, 4, 5, 6 and 8 are)`);
  if ((weights.value("type") ?? "int") !== "int") weights.refuse("type", "only int is supported");
  if (weights.boolean("dynamic", false)) weights.refuse("dynamic", "dynamic weights are not supported");
  const order = weights.value("actorder");
  // With static groups the columns lie in their natural order; other groups come with a `weight_g_idx`.
  if (![null, false, true, "weight", "static", "group", "dynamic"].includes(asActivationOrder(order)))
    weights.refuse("actorder", `${shown(order)} is not supported`);
  const scheme = {
    bits: supported ?? 8,
    symmetric: weights.boolean("symmetric", true),
    ...(activations === undefined ? {} : { activations }),
  };
  const size = weights.value("group_size");
  const strategy = weights.value("strategy") ?? (size === null || size === -1 ? "channel" : "group");
  if (strategy === "channel") return { ...scheme, groupSize: null };
  if (strategy !== "group") weights.refuse("strategy", `${shown(strategy)} is not supported`);
  return { ...scheme, groupSize: weights.integer("group_size") };
}

function asBits(bits: number): Bits | null {
  return [2, 3, 4, 5, 6, 8].find((width): width is Bits => width === bits) ?? null;
}

function asActivationOrder(value: unknown): string | boolean | null {
  return value === null || typeof value === "string" || typeof value === "boolean" ? value : "unknown";
}

function parseTargets(reader: ConfigReader, key: string): ModuleTargets {
  const values = reader.value(key) ?? [];
  if (!Array.isArray(values) || !values.every((value) => typeof value === "string")) {
    reader.refuse(key, "expected a list of module names");
    return noTargets;
  }
  const targets = moduleTargets(values);
  if (typeof targets === "string") {
    reader.refuse(key, targets);
    return noTargets;
  }
  return targets;
}

function shown(value: unknown): string {
  return value === null ? "nothing" : (JSON.stringify(value)?.slice(0, 60) ?? "nothing");
}
