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
  { directory, quantization }: Pick<Checkpoint, "directory" | "quantization">,
  { madeBy, restoredBy }: Origin,
): Variant {
  if (quantization === null) return fullVariant;
  const recorded = readVariant(directory);
  if (recorded !== null) return recorded;
  const method = readRecord(directory)?.recipe.method ?? madeBy;
  if (method === undefined) {
    throw new BitmendError(
      "verbs/unknown-origin",
      `describeVariant(): expected ${directory} to say how its low-bit weights were made, it does not.`,
      { hint: "Name it: --made-by rtn or gptq (and --restored-by qat, if so)." },
    );
  }
  // One scheme stands for all: mixed ones are named by their first linear.
  const { bits, symmetric, groupSize, activations } = quantization.values().next().value!.scheme;
  const grid = { groupSize: groupSize ?? -1, symmetric };
  const made = quantizedVariant({ quantization: grid }, { method, bits, activations });
  return restoredBy === undefined ? made : restoredVariant(made, restoredBy);
}
