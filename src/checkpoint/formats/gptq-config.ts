/**
 * @file The settings of GPTQ models, read and written: `quantization_config` of config.json, or a `quantize_config.json` beside it.
 *
 * Source: {@link https://github.com/ModelCloud/GPTQModel} 7.7.0, `quantization/config.py` (`from_quant_config`, `dynamic_get`),
 * `models/loader.py`; optimum's `modules_in_block_to_quantize`.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { BitmendError } from "../../util/errors.ts";
import { ConfigReader } from "../config-reader.ts";
import { isJsonObject, readJsonObject } from "../json-file.ts";
import { expressionOf, MAX_EXPRESSIONS, moduleExpression } from "./module-expression.ts";
import { mostFrequentScheme } from "./most-frequent-scheme.ts";
import type { QuantizationScheme } from "./quantization-config.ts";
import { refuseModules } from "./refuse-modules.ts";

/** How one module is stored. */
export interface GptqSettings {
  readonly bits: 2 | 3 | 4 | 8;
  /** Input features of a group; null for one group. */
  readonly groupSize: number | null;
  /** Whether the settings promise zero points of 2^(bits-1). */
  readonly symmetric: boolean;
  /** Whether groups may hold columns that do not lie side by side. */
  readonly activationOrder: boolean;
  /** 1: zero points are stored less one. */
  readonly version: 1 | 2;
}

/** Beside config.json; all of the settings in files of AutoGPTQ. */
const SETTINGS_FILE = "quantize_config.json";

/**
 * Finds the settings of a module, null for one that stays as it is.
 *
 * Returns null when neither config.json, at `configPath`, nor the file beside it speaks of GPTQ.
 *
 * @throws {BitmendError} `checkpoint/unsupported-quantization` names every key that is not supported.
 */
export function readGptqSettings(
  rawConfig: Readonly<Record<string, unknown>>,
  configPath: string,
): ((module: string) => GptqSettings | null) | null {
  const block = rawConfig["quantization_config"] ?? null;
  const inside = isJsonObject(block) && methodOf(block) === "gptq" ? block : null;
  if (inside === null && (block !== null || isJsonObject(rawConfig["quantization"]))) return null;
  const path = join(dirname(configPath), SETTINGS_FILE);
  const beside = existsSync(path) ? readJsonObject(path) : null;
  // Files of AutoGPTQ name no method.
  if (inside === null && (beside === null || (methodOf(beside) ?? "gptq") !== "gptq")) return null;
  const reader = new ConfigReader(
    inside ?? beside ?? {},
    inside === null ? `${SETTINGS_FILE}: ` : "quantization_config.",
  );
  if (inside !== null && beside !== null) refuseContradictions(reader, beside);
  const settingsOf = readModules(reader);
  if (reader.complaints.length === 0) return settingsOf;
  throw new BitmendError(
    "checkpoint/unsupported-quantization",
    `readGptqSettings(): ${configPath}: expected settings of a GPTQ model, got ${reader.complaints.slice(0, 20).join("; ")}.`,
    {
      hint: "bitmend reads GPTQ of 2, 3, 4 and 8 bits, gptq and gptq_v2; take the original model or another quantization of it.",
    },
  );
}

function methodOf(block: Readonly<Record<string, unknown>>): unknown {
  return block["quant_method"] ?? block["method"] ?? null;
}

/** GPTQModel reads the file beside, transformers the block inside: they must agree. */
function refuseContradictions(inside: ConfigReader, beside: Readonly<Record<string, unknown>>): void {
  for (const key of ["bits", "group_size", "sym", "desc_act", "checkpoint_format"]) {
    const [here, there] = [inside.value(key), beside[key] ?? null];
    if (here !== null && there !== null && here !== there) {
      inside.refuse(key, `${shown(here)}, but ${shown(there)} in ${SETTINGS_FILE}`);
    }
  }
}

function readModules(reader: ConfigReader): (module: string) => GptqSettings | null {
  const base = readSettings(reader, null);
  refuseUnknownForms(reader);
  const overrideOf = readOverrides(reader, base);
  const quantizedHead = reader.boolean("lm_head", false);
  const endings = readModuleEndings(reader);
  return (module) => {
    if (module === "model.embed_tokens") return null;
    if (module === "lm_head") return quantizedHead ? overrideOf(module) : null;
    return endings?.some((ending) => module.endsWith(ending)) === false ? null : overrideOf(module);
  };
}

/** Reads what a module is quantized by; what an override does not name is as `base` has it. */
function readSettings(reader: ConfigReader, base: GptqSettings | null): GptqSettings {
  const given = reader.value("bits") ?? base?.bits ?? null;
  const bits = ([2, 3, 4, 8] as const).find((known) => known === given);
  if (bits === undefined) reader.refuse("bits", `${shown(given)} is not supported (2, 3, 4 and 8 are)`);
  const wordType = reader.value("pack_dtype") ?? "int32";
  if (wordType !== "int32") reader.refuse("pack_dtype", `${shown(wordType)} is not supported (int32 is)`);
  return {
    bits: bits ?? 8,
    groupSize: readGroupSize(reader, base),
    symmetric: reader.boolean("sym", base?.symmetric ?? true),
    activationOrder: reader.boolean("desc_act", base?.activationOrder ?? false),
    version: base?.version ?? readVersion(reader),
  };
}

function readGroupSize(reader: ConfigReader, base: GptqSettings | null): number | null {
  const size = reader.value("group_size");
  if (size === null && base !== null) return base.groupSize;
  return size === -1 ? null : reader.integer("group_size");
}

/** Version 1 if the settings do not say. */
function readVersion(reader: ConfigReader): 1 | 2 {
  const [written, alias] = [reader.value("checkpoint_format"), reader.value("format")];
  if (written !== null && alias !== null && written !== alias) {
    reader.refuse("checkpoint_format", `${shown(written)}, but format is ${shown(alias)}`);
  }
  const form = written ?? alias ?? "gptq";
  if (form !== "gptq" && form !== "gptq_v2") {
    reader.refuse("checkpoint_format", `${shown(form)} is not supported (gptq and gptq_v2 are)`);
  }
  return form === "gptq_v2" ? 2 : 1;
}

function refuseUnknownForms(reader: ConfigReader): void {
  if (reader.boolean("is_marlin_format", false)) reader.refuse("is_marlin_format", "is not supported");
  for (const key of ["rotation", "adapter", "activation"]) {
    const value = reader.value(key);
    if (value !== null) reader.refuse(key, `${shown(value)} is not supported`);
  }
}

interface Override {
  readonly fits: (module: string) => boolean;
  /** Null for modules that stay as they are. */
  readonly settings: GptqSettings | null;
}

/** `dynamic`: the first pattern that fits decides; `-:` before it keeps the module as it is. */
function readOverrides(reader: ConfigReader, base: GptqSettings): (module: string) => GptqSettings | null {
  const given = reader.value("dynamic") ?? {};
  const entries = isJsonObject(given) ? Object.entries(given) : [];
  if (!isJsonObject(given)) reader.refuse("dynamic", `expected an object, got ${shown(given)}`);
  if (entries.length > MAX_EXPRESSIONS)
    reader.refuse("dynamic", `has ${entries.length} patterns, more than ${MAX_EXPRESSIONS}`);
  const overrides: Override[] = entries.slice(0, MAX_EXPRESSIONS).map(([pattern, value]) => {
    const inner = reader.inside(
      `dynamic ${JSON.stringify(pattern.slice(0, 60))}`,
      isJsonObject(value) ? value : {},
    );
    const expression = pattern.replace(/^[+-]:/u, "");
    const fits = moduleExpression(expression);
    if (fits === null)
      reader.refuse("dynamic", `the pattern ${JSON.stringify(expression.slice(0, 60))} is not supported`);
    if (inner.value("adapter") !== null) inner.refuse("adapter", "is not supported");
    return {
      fits: fits ?? (() => false),
      settings: pattern.startsWith("-:") ? null : readSettings(inner, base),
    };
  });
  return (module) => {
    const first = overrides.find(({ fits }) => fits(module));
    return first === undefined ? base : first.settings;
  };
}

/** `modules_in_block_to_quantize`: endings of the names of all modules that are quantized, listed by step; null for every linear. */
function readModuleEndings(reader: ConfigReader): string[] | null {
  const steps = reader.value("modules_in_block_to_quantize");
  if (steps === null) return null;
  const endings: unknown[] = Array.isArray(steps) ? steps.flat() : [null];
  if (endings.every((ending) => typeof ending === "string")) return endings;
  reader.refuse("modules_in_block_to_quantize", `expected lists of names, got ${shown(steps)}`);
  return null;
}

/** The settings of a model whose most frequent scheme is the base and whose others are overrides by name. */
export function gptqConfig(
  schemes: ReadonlyMap<string, QuantizationScheme>,
  { kept, version }: { kept: readonly string[]; version: 1 | 2 },
): Record<string, unknown> {
  refuseModules("GPTQ", schemes.keys(), ["model.embed_tokens"]);
  const base = settingsBlock(mostFrequentScheme(schemes.values()));
  const overrides: [string, unknown][] = [];
  for (const [module, scheme] of schemes) {
    const settings = settingsBlock(scheme);
    if (JSON.stringify(settings) !== JSON.stringify(base))
      overrides.push([`+:${expressionOf(module)}`, settings]);
  }
  for (const module of kept) if (module !== "lm_head") overrides.push([`-:${expressionOf(module)}`, {}]);
  const form = version === 1 ? "gptq" : "gptq_v2";
  return {
    quant_method: "gptq",
    ...base,
    desc_act: false,
    lm_head: schemes.has("lm_head"),
    format: form,
    checkpoint_format: form,
    pack_dtype: "int32",
    ...(overrides.length === 0 ? {} : { dynamic: Object.fromEntries(overrides) }),
    ...modulesInBlock([...schemes.keys()], kept),
    meta: { quantizer: ["bitmend"] },
  };
}

/** Names within a decoder layer. */
function inBlock(modules: readonly string[]): Set<string> {
  return new Set(modules.flatMap((module) => /^model\.layers\.\d+\.(.+)$/u.exec(module)?.[1] ?? []));
}

/** `modules_in_block_to_quantize`, for transformers, which knows no `dynamic`: where what stays as it is does so in every layer. */
function modulesInBlock(quantized: readonly string[], kept: readonly string[]): Record<string, unknown> {
  const keptInBlock = inBlock(kept);
  const names = inBlock(quantized);
  if (keptInBlock.size === 0 || !names.isDisjointFrom(keptInBlock)) return {};
  return { modules_in_block_to_quantize: [[...names]] };
}

function settingsBlock(scheme: QuantizationScheme | undefined): Record<string, unknown> {
  return { bits: scheme?.bits, group_size: scheme?.groupSize ?? -1, sym: scheme?.symmetric };
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 60) ?? "nothing";
}
