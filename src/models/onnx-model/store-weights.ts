/** @file Puts the weights of a model into a data file, one tensor in memory at a time. */
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { readTensorBytes } from "../../checkpoint/safetensors.ts";
import type { DataType } from "../../onnx/index.ts";
import { BitmendError } from "../../util/errors.ts";
import { headSite } from "../linear-sites.ts";
import { blockSizeOf } from "../linears/four-bit-matrix.ts";
import { formOf, operatorParts, packParts, type MatrixScheme } from "../linears/operator-layout.ts";
import { parameterSites, type ParameterSite } from "../parameter-sites.ts";
import type { DataFile } from "./data-file.ts";
import type { StoredTensor, StoredWeights } from "./stored-weights.ts";

const dataTypes: Readonly<Record<string, DataType>> = { F32: "f32", F16: "f16", BF16: "bf16" };

/** Elements of a tensor to be stored. */
interface Content {
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/** What has been written so far. */
export interface OnnxModelEvent {
  readonly type: "parameter";
  readonly written: number;
  readonly parameters: number;
}

/**
 * Stores every parameter and returns where everything lies.
 *
 * Low-bit weights are stored in the layout of their operators, floats in their own type.
 *
 * @yields after each parameter.
 */
export async function* storeWeights(
  source: Checkpoint,
  file: DataFile,
  signal?: AbortSignal,
): AsyncGenerator<OnnxModelEvent, StoredWeights, void> {
  const tensors = new Map<string, StoredTensor>();
  const schemes = new Map<string, MatrixScheme>();
  const put = (name: string, { data, ...type }: Content): void => {
    tensors.set(name, { ...type, location: file.append(data) });
  };
  const sites = parameterSites(source.config);
  for (const [index, site] of sites.entries()) {
    const scheme = storeParameter(site, { source, put });
    if (scheme !== null) schemes.set(moduleOf(site), scheme);
    yield { type: "parameter", written: index + 1, parameters: sites.length };
    // oxlint-disable-next-line eslint/no-await-in-loop -- what else waits in this process, an interruption for one, has its turn
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
  return { tensors, schemes };
}

/** Stores one parameter; returns its scheme when it was stored as codes. */
function storeParameter(
  site: ParameterSite,
  { source, put }: { readonly source: Checkpoint; readonly put: (name: string, content: Content) => void },
): MatrixScheme | null {
  const module = moduleOf(site);
  const weight = source.quantization?.get(module)?.read();
  // The operators look tokens up in floats only: codes of an embedding serve as a tied head.
  const isTable = site.name === "model.embed_tokens.weight";
  const hasCodes = weight?.kind === "quantized" && (!isTable || headSite(source.config).name === module);
  if (!hasCodes || isTable) put(site.name, floatContent(site, source));
  if (!hasCodes) return null;
  const { codes, scales, zeroPoints, ...scheme } = weight.matrix;
  const content = packParts({ ...scheme, codes, scales, zeroPoints });
  for (const { name, dataType, shape } of operatorParts(scheme))
    put(`${module}.${name}`, { dataType, shape, data: content.get(name)! });
  return scheme;
}

function floatContent({ name, shape }: ParameterSite, source: Checkpoint): Content {
  const location = source.tensors.get(name);
  const dataType = location === undefined ? undefined : dataTypes[location.dataType];
  if (location === undefined || dataType === undefined)
    return { dataType: "f32", shape, data: source.readFloat32(name) };
  return { dataType, shape, data: readTensorBytes(location) };
}

/**
 * Refuses what no operator runs, before anything is written.
 *
 * @throws {BitmendError} `models/unsupported-group-size` lists the modules.
 */
export function refuseUnsupported({ quantization }: Checkpoint): void {
  const offences: string[] = [];
  for (const [module, { scheme, rows, columns }] of quantization ?? []) {
    const full: MatrixScheme = { ...scheme, rows, columns, groupSize: scheme.groupSize ?? columns };
    if (formOf(full) === "integers") continue;
    try {
      blockSizeOf(full.groupSize, columns);
    } catch (error) {
      if (!(error instanceof BitmendError)) throw error;
      offences.push(`${module} (${full.groupSize})`);
    }
  }
  if (offences.length === 0) return;
  const more = offences.length > 20 ? ` and ${offences.length - 20} more` : "";
  throw new BitmendError(
    "models/unsupported-group-size",
    `writeOnnxModel(): expected group sizes divisible by 16, or whole rows, got others in ${offences.slice(0, 20).join(", ")}${more}.`,
    { hint: "Choose another format, or quantize the original model with another group size." },
  );
}

function moduleOf({ name }: Pick<ParameterSite, "name">): string {
  return name.replace(/\.weight$/u, "");
}
