import { ConfigReader } from "../../checkpoint/config-reader.ts";
import { isJsonObject } from "../../checkpoint/json-file.ts";
import type { Bits, QuantizedMatrix } from "../../checkpoint/quantized-matrix.ts";
import { BitmendError } from "../../util/errors.ts";

/** What the metadata of a graph say of a low-bit weight. */
export type ModuleSettings = Pick<QuantizedMatrix, "bits" | "groupSize" | "symmetric" | "activations">;

const WIDTHS: readonly number[] = [2, 3, 4, 5, 6, 8] satisfies Bits[];

/**
 * Reads the settings of all modules; `where` is the path of the graph.
 *
 * @throws {BitmendError} `models/bad-onnx` names what is wrong.
 */
export function parseModules(text: string, where: string): Map<string, ModuleSettings> {
  const json = parseJson(text);
  const reader = new ConfigReader(isJsonObject(json) ? json : {});
  if (!isJsonObject(json)) reader.refuse("bitmend.modules", "expected a JSON object");
  const modules = new Map<string, ModuleSettings>();
  for (const [module, settings] of Object.entries(isJsonObject(json) ? json : {})) {
    const inner = reader.inside(module.slice(0, 100), isJsonObject(settings) ? settings : {});
    const bits = inner.integer("bits", { most: 8 });
    const activations = inner.value("activations");
    if (!isWidth(bits)) inner.refuse("bits", `${bits} is not supported`);
    if (activations !== null && activations !== "int8-per-token")
      inner.refuse("activations", `${JSON.stringify(activations).slice(0, 60)} is not supported`);
    modules.set(module, {
      bits: isWidth(bits) ? bits : 8,
      groupSize: inner.integer("group_size"),
      symmetric: inner.boolean("symmetric", false),
      ...(activations === null ? {} : { activations: "int8-per-token" }),
    });
  }
  if (reader.complaints.length === 0) return modules;
  throw new BitmendError(
    "models/bad-onnx",
    `openOnnxModel(): ${where}: expected settings of low-bit weights, got ${reader.complaints.slice(0, 20).join("; ")}.`,
    { hint: "The file is damaged; write it again." },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isWidth(bits: number): bits is Bits {
  return WIDTHS.includes(bits);
}
