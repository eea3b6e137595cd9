import { predictedText } from "./predicted-text.ts";
import type { AllocationRecord } from "../runs/sensitivity.ts";
import { count, fixed, smallNumber } from "./number-text.ts";
import { textTable } from "./text-table.ts";

/** The choice of widths as lines of at most 80 columns: a row a layer, a column a part; then what was predicted and measured. */
export function widthsTable(allocation: AllocationRecord): string[] {
  const { units, averageBits, storedBits, predicted, measured, uniform, tokens } = allocation;
  const parts = [...new Set(units.map(({ part }) => part))];
  const rows = [...Map.groupBy(units, ({ layer }) => layer)].map(([layer, members]) => [
    String(layer),
    ...parts.map((part) => {
      const unit = members.find((member) => member.part === part);
      return unit === undefined ? "-" : `${unit.bits}  ${smallNumber(unit.divergence)}`;
    }),
  ]);
  const titles = ["layer", ...parts];
  const others = uniform.map((point) => `${point.averageBits} bits ${predictedText(point.divergence)}`);
  return [
    ...textTable(
      titles.map((title) => ({ title, align: "right" as const })),
      rows,
    ),
    "bits of each part, and KL(full || changed) of the next token when it has these",
    `and the rest ${around(units)}; nats, mean over ${count(tokens)} calibration tokens.`,
    `mean: ${fixed(averageBits, 2)} bits a weight, ${fixed(storedBits, 2)} with scales and zero points`,
    `divergence: ${predictedText(predicted)} predicted, ${measured === null ? "not" : smallNumber(measured)} measured`,
    `predicted with one width everywhere: ${others.join(", ")}`,
    ...(uniform.some(({ divergence }) => divergence < 0) || predicted < 0
      ? ["none = the parts' changes sum to less than 0, so they do not add up that far"]
      : []),
  ];
}

function around([unit]: AllocationRecord["units"]): string {
  const bits = unit?.surroundingBits ?? null;
  return bits === null ? "full precision" : `has ${bits} bits`;
}
