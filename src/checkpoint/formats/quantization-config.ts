/**
 * @file The `quantization_config` block of compressed-tensors `pack-quantized` models, read and written.
 *
 * Source: {@link https://github.com/vllm-project/compressed-tensors}, `quantization/quant_config.py` and `utils/match.py`.
 */
import { BitmendError } from "../../util/errors.ts";
import { ConfigReader } from "../config-reader.ts";
import { isJsonObject } from "../json-file.ts";
import type { Bits } from "../quantized-matrix.ts";

/** How the weights of a linear layer are quantized. */
export interface QuantizationScheme {
  readonly bits: Bits;
  /** Consecutive input features that share a scale; `null` for one scale per output row. */
  readonly groupSize: number | null;
  readonly symmetric: boolean;
  /** As in `QuantizedMatrix`. */
  readonly activations?: "int8-per-token";
}

/** Finds the scheme of a module, `null` for one that stays as it is. */
export type SchemeOf = (module: string) => QuantizationScheme | null;

/**
 * Reads the block; null for another format's.
 *
 * @throws {BitmendError} `checkpoint/unsupported-quantization` names every key that is not supported.
 */
export function parseQuantizationConfig(block: unknown, where: string): SchemeOf | null {
  if (!isJsonObject(block) || block["quant_method"] !== "compressed-tensors") return null;
  const reader = new ConfigReader(block, "quantization_config.");
  const groups = reader.value("config_groups");
  refuseOtherFormats(reader);
  const schemes: { targets: Target[]; scheme: QuantizationScheme }[] = [];
  if (isJsonObject(groups)) {
    for (const [name, group] of Object.entries(groups)) {
      const inner = reader.inside(`config_groups.${name.slice(0, 60)}`, isJsonObject(group) ? group : {});
      schemes.push({ targets: parseTargets(inner, "targets"), scheme: parseScheme(inner) });
    }
  } else reader.refuse("config_groups", "expected an object");
  const ignored = parseTargets(reader, "ignore");
  if (reader.complaints.length > 0) {
    throw new BitmendError(
      "checkpoint/unsupported-quantization",
      `parseQuantizationConfig(): ${where}: expected compressed-tensors pack-quantized weights, got ${reader.complaints.slice(0, 20).join("; ")}.`,
      {
        hint: "bitmend reads integer weights of 2, 3, 4 or 8 bits with static groups; quantize the original model instead.",
      },
    );
  }
  return (module) => {
    if (ignored.some((target) => target.matches(module))) return null;
    // The most specific target decides: a module named in full, then a pattern, then the class of all linear layers.
    const found = schemes.flatMap(({ targets, scheme }) =>
      targets.filter((target) => target.matches(module)).map((target) => ({ rank: target.rank, scheme })),
    );
    return found.toSorted((left, right) => left.rank - right.rank)[0]?.scheme ?? null;
  };
}

/** Writes the block. Modules of one scheme are named by class when all share it, else one by one. */
export function quantizationConfig(
  schemes: ReadonlyMap<string, QuantizationScheme>,
  ignore: readonly string[],
): Record<string, unknown> {
  const modulesOf = new Map<string, { scheme: QuantizationScheme; modules: string[] }>();
  for (const [module, scheme] of schemes) {
    const key = `${scheme.bits}/${scheme.groupSize}/${scheme.symmetric}`;
    const group = modulesOf.get(key) ?? { scheme, modules: [] };
    group.modules.push(module);
    modulesOf.set(key, group);
  }
  const groups = [...modulesOf.values()].map(({ scheme, modules }, index) => [
    `group_${index}`,
    {
      targets: modulesOf.size === 1 ? ["Linear"] : modules,
      input_activations: null,
      output_activations: null,
      format: "pack-quantized",
      weights: weightsBlock(scheme),
    },
  ]);
  return {
    quant_method: "compressed-tensors",
    format: "pack-quantized",
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

function refuseOtherFormats(reader: ConfigReader): void {
  const only = (key: string, allowed: readonly unknown[]): void => {
    const value = reader.value(key);
    if (!allowed.includes(value))
      reader.refuse(key, `${JSON.stringify(value)?.slice(0, 60)} is not supported`);
  };
  only("format", ["pack-quantized"]);
  only("quantization_status", ["compressed", null]);
  only("kv_cache_scheme", [null]);
}

function parseScheme(group: ConfigReader): QuantizationScheme {
  for (const key of ["input_activations", "output_activations"]) {
    if (group.value(key) !== null) group.refuse(key, "quantized activations are not supported");
  }
  const given = group.value("weights");
  const weights = group.inside("weights", isJsonObject(given) ? given : {});
  const bits = weights.integer("num_bits", { most: 8 });
  const supported = asBits(bits);
  if (supported === null) weights.refuse("num_bits", `${bits} is not supported (2, 3, 4 and 8 are)`);
  if ((weights.value("type") ?? "int") !== "int") weights.refuse("type", "only int is supported");
  if (weights.boolean("dynamic", false)) weights.refuse("dynamic", "dynamic weights are not supported");
  // Static activation order needs no file support: the columns lie in their natural order.
  if (![null, false, "weight", "static"].includes(asActivationOrder(weights.value("actorder")))) {
    weights.refuse("actorder", "only static groups are supported");
  }
  const symmetric = weights.boolean("symmetric", true);
  const size = weights.value("group_size");
  const strategy = weights.value("strategy") ?? (size === null || size === -1 ? "channel" : "group");
  if (strategy === "channel") return { bits: supported ?? 8, groupSize: null, symmetric };
  if (strategy !== "group")
    weights.refuse("strategy", `${JSON.stringify(strategy).slice(0, 60)} is not supported`);
  return { bits: supported ?? 8, groupSize: weights.integer("group_size"), symmetric };
}

function asBits(bits: number): Bits | null {
  return bits === 2 || bits === 3 || bits === 4 || bits === 8 ? bits : null;
}

function asActivationOrder(value: unknown): string | boolean | null {
  return value === null || typeof value === "string" || typeof value === "boolean" ? value : "unknown";
}

interface Target {
  /** Smaller is more specific. */
  readonly rank: 0 | 1 | 2;
  readonly matches: (module: string) => boolean;
}

function parseTargets(reader: ConfigReader, key: string): Target[] {
  const values = reader.value(key) ?? [];
  if (!Array.isArray(values) || values.length > 100_000) {
    reader.refuse(key, "expected a list of module names");
    return [];
  }
  return values.flatMap((value: unknown) => {
    const target = typeof value === "string" ? parseTarget(value) : null;
    if (target === null) reader.refuse(key, `${JSON.stringify(value)?.slice(0, 100)} is not supported`);
    return target ?? [];
  });
}

/** Of the modules that hold a matrix, only the embedding table is no linear layer. */
function isLinear(module: string): boolean {
  return module !== "model.embed_tokens";
}

/** Exact module names, the class `Linear`, and `re:` patterns of literals and `.*` only: a file must not choose how long we search. */
function parseTarget(value: string): Target | null {
  if (value === "Linear") return { rank: 2, matches: isLinear };
  if (!value.startsWith("re:")) return { rank: 0, matches: (module) => module === value };
  const pattern = value.slice(3).replace(/^\^/u, "");
  const literals = pattern.replace(/\$$/u, "").split(".*");
  if (literals.length > 4 || literals.some((literal) => !/^(?:[\w-]|\\?\.)*$/u.test(literal))) return null;
  const expression = new RegExp(`^${pattern}`, "u");
  return { rank: 1, matches: (module) => expression.test(module) };
}
