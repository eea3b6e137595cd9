/** @file Finds the low-bit weights among the tensors of a model directory and checks every part before anything of them is read. */
import type {
  ExpectedPart,
  LayoutOf,
  ModuleLayout,
  PartOf,
  WeightFormatName,
  WeightShape,
} from "./formats/weight-format.ts";
import type { QuantizedModule } from "./quantized-module.ts";
import type { TensorLocation } from "./tensor-location.ts";

export interface FoundModules {
  readonly modules: ReadonlyMap<string, QuantizedModule>;
  /** Parameters that are, or should be, stored in parts. */
  readonly parameters: ReadonlySet<string>;
  /** Names of those parts. */
  readonly parts: ReadonlySet<string>;
  /** What is missing, misshapen, mistyped or contradicts the settings. */
  readonly offences: readonly string[];
}

/** Every module that `layoutOf` knows, of the weights in `shapes` ([out, in] by tensor name). */
export function findQuantizedModules(
  shapes: ReadonlyMap<string, readonly number[]>,
  {
    format,
    layoutOf,
    tensors,
  }: { format: WeightFormatName; layoutOf: LayoutOf; tensors: ReadonlyMap<string, TensorLocation> },
): FoundModules {
  const modules = new Map<string, QuantizedModule>();
  const parameters = new Set<string>();
  const parts = new Set<string>();
  const offences: string[] = [];
  for (const [name, shape] of shapes) {
    const [rows, columns] = shape;
    if (!name.endsWith(".weight") || rows === undefined || columns === undefined) continue;
    const module = name.slice(0, -".weight".length);
    const layout = layoutOf(module);
    if (layout === null) continue;
    const expected = layout.parts({ rows, columns });
    if (isStoredWhole(module, { expected, tensors })) continue;
    parameters.add(name);
    const { groupSize } = layout.scheme;
    if (groupSize !== null && columns % groupSize !== 0) {
      offences.push(`${module} has ${columns} input features, which groups of ${groupSize} do not divide`);
      continue;
    }
    for (const suffix of expected.keys()) parts.add(`${module}.${suffix}`);
    const found = { module, shape: { rows, columns }, layout, expected, tensors };
    const complaints = complaintsOf(found);
    offences.push(...complaints);
    if (complaints.length === 0) modules.set(module, quantizedModule(format, found));
  }
  return { modules, parameters, parts, offences };
}

interface Found {
  readonly module: string;
  readonly shape: WeightShape;
  readonly layout: ModuleLayout;
  readonly expected: ReadonlyMap<string, ExpectedPart>;
  readonly tensors: ReadonlyMap<string, TensorLocation>;
}

/** A weight that the settings name by class or pattern but the file holds as floats stays as it is, as transformers has it. */
function isStoredWhole(module: string, { expected, tensors }: Pick<Found, "expected" | "tensors">): boolean {
  const weight = tensors.get(`${module}.weight`);
  if (weight === undefined || !floatTypes.includes(weight.dataType)) return false;
  return ![...expected.keys()].some((suffix) => suffix !== "weight" && tensors.has(`${module}.${suffix}`));
}

function complaintsOf({ module, shape, layout, expected, tensors }: Found): string[] {
  const complaints = [...expected].flatMap(
    ([suffix, part]) =>
      complaintOf(`${module}.${suffix}`, { part, tensor: tensors.get(`${module}.${suffix}`) }) ?? [],
  );
  if (complaints.length > 0) return complaints;
  const contradiction = layout.contradiction?.(partOf(module, tensors), shape) ?? null;
  return contradiction === null ? [] : [`${module}: ${contradiction}`];
}

function quantizedModule(
  format: WeightFormatName,
  { module, shape, layout, expected, tensors }: Found,
): QuantizedModule {
  return {
    name: module,
    scheme: layout.scheme,
    ...shape,
    format,
    bytes: [...expected.keys()].reduce(
      (sum, suffix) => sum + (tensors.get(`${module}.${suffix}`)?.byteLength ?? 0),
      0,
    ),
    read: () => layout.read(partOf(module, tensors), { module, ...shape }),
  };
}

function partOf(module: string, tensors: ReadonlyMap<string, TensorLocation>): PartOf {
  return (suffix) => tensors.get(`${module}.${suffix}`) ?? null;
}

/** How a tensor differs from what it must be; null when it does not. */
export function complaintOf(
  name: string,
  { part, tensor }: { part: ExpectedPart; tensor: TensorLocation | undefined },
): string | null {
  if (tensor === undefined) return part.required === false ? null : `${name} is missing`;
  const shapes = part.otherShape === undefined ? [part.shape] : [part.shape, part.otherShape];
  if (!shapes.some((shape) => shape.join() === tensor.shape.join())) {
    const wanted = shapes.map((shape) => `[${shape.join(", ")}]`).join(" or ");
    return `${name} has shape [${tensor.shape.join(", ")}] instead of ${wanted}`;
  }
  if (part.dataTypes.includes(tensor.dataType)) return null;
  return `${name} is ${tensor.dataType} instead of ${part.dataTypes.join(" or ")}`;
}

/** Types of parameters that are not quantized. */
export const floatTypes: readonly string[] = ["F32", "F16", "BF16"];
