/** @file How variants are called, grouped and related in tables and plots. */
import type { ComparisonRecord, Variant } from "../runs/records.ts";

/** What a variant is in the story of a run: the reference, what broke, what was mended. */
export type VariantKind = "full" | "quantized" | "restored";

export function variantKind({ method, restoredBy }: Variant): VariantKind {
  if (restoredBy !== null) return "restored";
  return method === null ? "full" : "quantized";
}

const restorers: Readonly<Record<NonNullable<Variant["restoredBy"]>, string>> = {
  qat: "QAT",
  dpo: "DPO",
  sft: "SFT",
  random: "random SFT",
};

/** Gives every variant a short label of its own, e.g. `3-bit GPTQ + DPO`; group size, symmetry or name follow only where labels would collide. */
export function variantLabels(variants: readonly Variant[]): Map<string, string> {
  const spellings: readonly ((variant: Variant) => string)[] = [
    (variant) => label(variant, ""),
    (variant) => label(variant, groupText(variant)),
    (variant) => label(variant, `${groupText(variant)}${variant.symmetric === true ? " sym" : " asym"}`),
  ];
  const spelling = spellings.find((spell) => new Set(variants.map(spell)).size === variants.length);
  return new Map(variants.map((variant) => [variant.name, spelling?.(variant) ?? variant.name]));
}

/** How methods are written. */
export const methodNames: Readonly<Record<NonNullable<Variant["method"]>, string>> = {
  rtn: "RTN",
  gptq: "GPTQ",
  awq: "AWQ",
  smoothquant: "SmoothQuant",
};

function label(variant: Variant, detail: string): string {
  const { method, bits, activations, synthetic, restoredBy } = variant;
  if (method === null) return "Full precision";
  const { averageBits } = variant;
  const plain = averageBits === undefined ? `${bits ?? "?"}-bit` : `${averageBits}-bit mixed`;
  const width = activations === undefined ? plain : `W${bits ?? "?"}A8`;
  const base = `${synthetic === true ? "Synthetic " : ""}${width} ${methodNames[method]}${detail}`;
  return restoredBy === null ? base : `${base} + ${restorers[restoredBy]}`;
}

function groupText({ groupSize }: Variant): string {
  return groupSize === null ? "" : groupSize === -1 ? " channel" : ` g${groupSize}`;
}

/** The full-precision row, which every comparison is paired with. */
export function fullPrecision(comparisons: readonly ComparisonRecord[]): ComparisonRecord | undefined {
  return comparisons.find(({ variant }) => variantKind(variant) === "full");
}

/** One restored variant beside the quantized one it started from. */
export interface Restoration {
  readonly base: ComparisonRecord;
  readonly restored: ComparisonRecord;
}

/** Pairs every restored variant with its start: the quantized variant of the same grid and method. */
export function restorations(comparisons: readonly ComparisonRecord[]): Restoration[] {
  return comparisons.flatMap((restored) => {
    if (restored.variant.restoredBy === null) return [];
    const candidates = comparisons.filter(({ variant }) => variantKind(variant) === "quantized");
    const base =
      candidates.find(({ variant }) => restored.variant.name.startsWith(`${variant.name}+`)) ??
      candidates.find(({ variant }) => sameGrid(variant, restored.variant));
    return base === undefined ? [] : [{ base, restored }];
  });
}

function sameGrid(left: Variant, right: Variant): boolean {
  return (
    left.method === right.method &&
    left.bits === right.bits &&
    left.averageBits === right.averageBits &&
    left.groupSize === right.groupSize &&
    left.symmetric === right.symmetric
  );
}

/** Full precision first, then from many bits to few; the order of the run within equal bits. */
export function inReadingOrder<Row extends { readonly variant: Variant }>(rows: readonly Row[]): Row[] {
  const rank: Readonly<Record<VariantKind, number>> = { full: 0, quantized: 1, restored: 2 };
  return rows.toSorted(
    (left, right) =>
      meanBits(right.variant) - meanBits(left.variant) ||
      rank[variantKind(left.variant)] - rank[variantKind(right.variant)],
  );
}

/** Bits a weight; more than any for full precision. */
export function meanBits({ bits, averageBits }: Variant): number {
  return averageBits ?? bits ?? 99;
}
