/** @file Writes the low-bit weights of a checkpoint in another format of `formats/`: the same numbers, or an error that is stated. */
import { BitmendError } from "../util/errors.ts";
import { openCheckpoint, type Checkpoint } from "./checkpoint.ts";
import type { QuantizationScheme } from "./formats/quantization-config.ts";
import type { ModuleScheme, WeightFormatWriter } from "./formats/weight-format.ts";
import type { QuantizedMatrix } from "./quantized-matrix.ts";
import { layerOf, quantizedModelWriter, type ShardLayer } from "./quantized-model-writer.ts";
import type { QuantizedModule } from "./quantized-module.ts";

/** What goes where, found out before anything is written. */
export interface ExportPlan {
  readonly source: Checkpoint;
  readonly format: WeightFormatWriter;
  /** Of the modules that are stored low-bit. */
  readonly schemes: ReadonlyMap<string, QuantizationScheme>;
  /** Why the file does not hold them exactly, by module; empty without `lossy`. */
  readonly reasons: ReadonlyMap<string, string>;
}

export interface PlanExportOptions {
  readonly format: WeightFormatWriter;
  /** What the format does not hold exactly becomes the nearest that it does, instead of an error. */
  readonly lossy: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteExportOptions {
  readonly directory: string;
  /** Names the source; a directory begun from another one is refused. */
  readonly identity: string;
  readonly signal?: AbortSignal | undefined;
}

export interface ExportEvent {
  /** "checked": read and found to fit; "written": on disk; "compared": read back, where it is inexact. */
  readonly type: "checked" | "written" | "compared";
  /** Modules so far. */
  readonly done: number;
  readonly total: number;
}

/** A module that the file does not hold exactly. */
export interface InexactModule {
  readonly module: string;
  readonly reason: string;
  /** Squared differences of the weights relative to the squared weights. */
  readonly relativeSquaredError: number;
}

/**
 * Reads every low-bit module, one at a time, and refuses what the format does not hold.
 *
 * Modules whose numbers no `QuantizedMatrix` holds are stored in full precision.
 *
 * @yields every module checked
 * @throws {BitmendError} `checkpoint/inexact` lists the modules that the format does not hold exactly, with the reasons;
 * `checkpoint/unwritable` those that it does not hold at all; and what the format's `config` refuses.
 */
export async function* planExport(
  source: Checkpoint,
  { format, lossy, signal }: PlanExportOptions,
): AsyncGenerator<ExportEvent, ExportPlan, void> {
  const schemes = new Map<string, ModuleScheme>();
  const reasons = new Map<string, string>();
  const unwritable = new Set<string>();
  const modules = [...(source.quantization?.values() ?? [])];
  for (const [index, module] of modules.entries()) {
    signal?.throwIfAborted();
    const weight = module.read();
    if (weight.kind === "quantized") {
      const { matrix } = weight;
      schemes.set(module.name, { ...schemeOf(matrix, module), columns: matrix.columns });
      const reason = format.inexact(matrix);
      if (reason !== null) reasons.set(module.name, reason);
      if (reason !== null && format.tensors(module.name, matrix) === null) unwritable.add(module.name);
    }
    yield { type: "checked", done: index + 1, total: modules.length };
    // oxlint-disable-next-line eslint/no-await-in-loop -- what else waits in this process, an interruption for one, has its turn
    await new Promise((resolve) => setImmediate(resolve));
  }
  refuseInexact(format, { reasons, unwritable, lossy });
  format.config(schemes, []);
  return { source, format, schemes, reasons };
}

/**
 * Writes a directory, one layer in memory at a time; killed and called again it goes on after the last finished layer.
 *
 * @yields every module written, then every inexact one compared
 * @throws {BitmendError} those of `quantizedModelWriter()`.
 */
export async function* writeExport(
  { source, format, schemes, reasons }: ExportPlan,
  { directory, identity, signal }: WriteExportOptions,
): AsyncGenerator<ExportEvent, readonly InexactModule[], void> {
  const writer = quantizedModelWriter({ source, directory, format, identity, schemes });
  const layers: ShardLayer[] = [
    ...Array.from({ length: source.config.layerCount }, (_, layer) => layer),
    null,
  ];
  let done = 0;
  for (const layer of layers) {
    signal?.throwIfAborted();
    const modules = [...schemes.keys()].filter((module) => layerOf(module) === layer);
    if (!writer.isWritten(layer)) {
      const matrices = new Map(modules.map((module) => [module, source.readQuantized(module)]));
      writer.writeShard(layer, { matrices });
    }
    done += modules.length;
    yield { type: "written", done, total: schemes.size };
    // oxlint-disable-next-line eslint/no-await-in-loop -- as above
    await new Promise((resolve) => setImmediate(resolve));
  }
  writer.finish();
  return yield* measureErrors(source, { directory, reasons, signal });
}

/** A whole row is said as such where the source says so: one group size for all modules stays one. */
function schemeOf(
  { bits, groupSize, columns, symmetric, activations }: QuantizedMatrix,
  { scheme }: QuantizedModule,
): QuantizationScheme {
  return {
    bits,
    groupSize: groupSize === columns && scheme.groupSize === null ? null : groupSize,
    symmetric,
    ...(activations === undefined ? {} : { activations }),
  };
}

function refuseInexact(
  { name }: WeightFormatWriter,
  {
    reasons,
    unwritable,
    lossy,
  }: { reasons: ReadonlyMap<string, string>; unwritable: ReadonlySet<string>; lossy: boolean },
): void {
  const offences = [...reasons].filter(([module]) => !lossy || unwritable.has(module));
  if (offences.length === 0) return;
  const listed = offences.map(([module, reason]) => `${module}: ${reason}`).join("; ");
  const isHopeless = unwritable.size > 0;
  throw new BitmendError(
    isHopeless ? "checkpoint/unwritable" : "checkpoint/inexact",
    `planExport(): expected weights that ${name} files hold exactly, but ${listed}.`,
    {
      hint: isHopeless
        ? "Choose another format, or quantize the original model for this one."
        : "Pass --lossy to store the nearest, with the error stated.",
    },
  );
}

/**
 * Reads back what was not exact: the error stated is that of the files.
 *
 * @yields every module compared
 */
async function* measureErrors(
  source: Checkpoint,
  {
    directory,
    reasons,
    signal,
  }: { directory: string; reasons: ReadonlyMap<string, string>; signal: AbortSignal | undefined },
): AsyncGenerator<ExportEvent, readonly InexactModule[], void> {
  const inexact: InexactModule[] = [];
  if (reasons.size === 0) return inexact;
  const written = openCheckpoint(directory);
  for (const [module, reason] of reasons) {
    signal?.throwIfAborted();
    const [before, after] = [source, written].map((each) => each.readFloat32(`${module}.weight`));
    inexact.push({ module, reason, relativeSquaredError: relativeSquaredError(before!, after!) });
    yield { type: "compared", done: inexact.length, total: reasons.size };
    // oxlint-disable-next-line eslint/no-await-in-loop -- as above
    await new Promise((resolve) => setImmediate(resolve));
  }
  return inexact;
}

function relativeSquaredError(before: Float32Array, after: Float32Array): number {
  let [difference, whole] = [0, 0];
  for (let index = 0; index < before.length; index++) {
    difference += (after[index]! - before[index]!) ** 2;
    whole += before[index]! ** 2;
  }
  return difference === 0 ? 0 : difference / whole;
}
