import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { readRecord } from "../quantization/output-directory.ts";
import type { Variant } from "../runs/records.ts";
import { BitmendError } from "../util/errors.ts";
import { fullVariant, quantizedVariant, restoredVariant } from "./run/variants.ts";
import { readVariant } from "./variant-file.ts";

/** What a person says of weights that were made elsewhere. */
export interface Origin {
  readonly madeBy?: NonNullable<Variant["method"]> | undefined;
  readonly restoredBy?: NonNullable<Variant["restoredBy"]> | undefined;
}

/**
 * What a checkpoint is, named like the variants of a run: by what bitmend recorded beside it, else by its grid and `origin`.
 *
 * @throws {BitmendError} `verbs/unknown-origin` for low-bit weights or an adapter that nobody says the making of.
 */
export function describeVariant(
  checkpoint: Pick<Checkpoint, "directory" | "quantization">,
  { adapter, origin = {} }: { readonly adapter?: string | undefined; readonly origin?: Origin } = {},
): Variant {
  const base = describeWeights(checkpoint, origin);
  if (adapter === undefined) return base;
  const recorded = readVariant(adapter);
  const restoredBy = recorded?.restoredBy ?? origin.restoredBy;
  if (restoredBy !== undefined) return restoredVariant(base, restoredBy);
  throw new BitmendError(
    "verbs/unknown-origin",
    `describeVariant(): expected ${adapter} to say how it was trained, it does not.`,
    { hint: "Name it: --restored-by dpo, sft or random." },
  );
}

function describeWeights(
  checkpoint: Pick<Checkpoint, "directory" | "quantization">,
  { madeBy, restoredBy }: Origin,
): Variant {
  const known = knownVariant(checkpoint, madeBy);
  if (known === null) {
    throw new BitmendError(
      "verbs/unknown-origin",
      `describeVariant(): expected the model in ${checkpoint.directory} to say how its low-bit weights were made, it does not.`,
      { hint: "Name it: --made-by rtn, gptq, awq or smoothquant (and --restored-by qat, if so)." },
    );
  }
  if (known.method === null || known.restoredBy !== null || restoredBy === undefined) return known;
  return restoredVariant(known, restoredBy);
}

/**
 * What bitmend recorded beside a model, else its grid with the method that a person names or that the format is named after;
 * null where nothing says the method.
 */
export function knownVariant(
  { directory, quantization }: Pick<Checkpoint, "directory" | "quantization">,
  madeBy?: Origin["madeBy"],
): Variant | null {
  if (quantization === null) return fullVariant;
  // One scheme stands for all: mixed ones are named by their first linear.
  const { scheme, format } = quantization.values().next().value!;
  // A GGUF file lies among other files, whose records are not its own.
  const isFile = format.startsWith("gguf");
  const recorded = isFile ? null : readVariant(directory);
  if (recorded !== null) return recorded;
  const ofFormat = format === "gptq" || format === "awq" ? format : null;
  const method = (isFile ? null : readRecord(directory)?.recipe.method) ?? madeBy ?? ofFormat;
  if (method === null) return null;
  const { bits, symmetric, groupSize, activations } = scheme;
  return quantizedVariant(
    { quantization: { groupSize: groupSize ?? -1, symmetric } },
    { method, bits, activations },
  );
}
