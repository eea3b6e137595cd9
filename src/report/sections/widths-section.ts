import { predictedText } from "../predicted-text.ts";
import type { AllocationRecord, SensitivityRecord } from "../../runs/sensitivity.ts";
import { html, type Markup } from "../html.ts";
import { fixed, smallNumber } from "../number-text.ts";
import { heatMap, type HeatCell } from "../plots/heat-map.ts";
import { tradeOff, type TradeMark } from "../plots/trade-off.ts";
import { responsive, type Section } from "./section.ts";

/** Mixed precision: what each part loses at each width, which width it got, and what that was worth. */
export function widthsSection(
  {
    sensitivities,
    allocations,
  }: {
    readonly sensitivities: readonly SensitivityRecord[];
    readonly allocations: readonly AllocationRecord[];
  },
  labels: ReadonlyMap<string, string>,
): Section | null {
  if (allocations.length === 0) return null;
  return {
    id: "widths",
    short: "Widths",
    title: "Which part got how many bits",
    lead: html`Divergence is KL(full ‖ changed) of the next token in nats, the mean over
    ${String(allocations[0]!.tokens)} calibration tokens. Each part was given each width while the rest had
    ${around(allocations[0]!)}; then widths were chosen so that the sum of the differences is least. The sum
    is a prediction: parts that change together can lose more, or less.`,
    body: html`${allocations.map((allocation) => choiceCard(allocation, labels))}${sensitivityMaps(sensitivities)}`,
  };
}

function around({ units }: AllocationRecord): string {
  const bits = units[0]?.surroundingBits ?? null;
  return bits === null ? "full precision" : `${bits} bits`;
}

/** Divergences are never negative; a prediction below 0 is none. */
function isPossible({ divergence }: { readonly divergence: number }): boolean {
  return divergence >= 0;
}

function choiceCard(allocation: AllocationRecord, labels: ReadonlyMap<string, string>): Markup {
  const { variant, averageBits, storedBits, predicted, measured } = allocation;
  const label = labels.get(variant) ?? variant;
  const marks: TradeMark[] = [
    ...allocation.uniform.filter(isPossible).map((point) => ({
      x: point.averageBits,
      y: point.divergence,
      label: `all ${point.averageBits} bits`,
      className: "full",
    })),
    ...(predicted < 0 ? [] : [{ x: averageBits, y: predicted, label: "predicted", className: "quantized" }]),
    ...(measured === null ? [] : [{ x: averageBits, y: measured, label: "measured", className: "restored" }]),
  ];
  const frontier = allocation.frontier
    .filter(isPossible)
    .map((point) => ({ x: point.averageBits, y: point.divergence }));
  const outcome =
    measured === null
      ? ""
      : `, ${smallNumber(measured)} measured${predicted > 0 ? ` (${fixed(measured / predicted, 1)} times as much)` : ""}`;
  const description = `${label}: predicted divergence over mean bits a weight; chosen ${fixed(averageBits, 2)} bits with ${predictedText(predicted)}${outcome}.`;
  return html`<figure class="panel card">
    <figcaption class="card-title">${label}</figcaption>
    <p class="note">
      ${fixed(averageBits, 2)} bits a weight, ${fixed(storedBits, 2)} with scales and zero points; divergence
      ${predictedText(predicted)} predicted${outcome}.
    </p>
    ${responsive((width) =>
      heatMap(
        grid(allocation.units, `${label}: chosen bits by part and layer.`, ({ bits }) => ({
          shade: bits / 8,
          text: String(bits),
          title: `${bits} bits`,
        })),
        { width },
      ),
    )}
    ${responsive((width) => tradeOff({ frontier, marks, xTitle: "mean bits a weight", description }, { width }))}
  </figure>`;
}

/** One map a width, on one logarithmic scale of shades. */
function sensitivityMaps(records: readonly SensitivityRecord[]): Markup {
  const changes = records.filter(({ bits, surroundingBits }) => bits !== surroundingBits);
  const logs = changes
    .filter(({ divergence }) => divergence > 0)
    .map(({ divergence }) => Math.log(divergence));
  const low = logs.reduce((least, value) => Math.min(least, value), 0);
  const high = logs.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const shade = (value: number): number =>
    value <= 0 ? 0 : 0.06 + (0.94 * (Math.log(value) - low)) / (high - low || 1);
  const cards = [...Map.groupBy(changes, measurementOf)].map(([measurement, alike]) => {
    const map = grid(alike, `Divergence with one part at ${measurement}.`, ({ divergence }) => ({
      shade: shade(divergence),
      text: smallNumber(divergence),
      title: smallNumber(divergence),
    }));
    return html`<figure class="panel card">
      <figcaption class="card-title">${measurement}</figcaption>
      ${heatMap(map, { width: 300 })}
    </figure>`;
  });
  return html`<details class="group" open>
    <summary>What one part’s width does</summary>
    <p class="note">
      Divergence by part (rows) and layer (columns). Shades are logarithmic, one scale for all widths.
    </p>
    <div class="cards small">${cards}</div>
  </details>`;
}

function measurementOf({ bits, surroundingBits, roundedBy }: SensitivityRecord): string {
  const rest = surroundingBits === null ? "full precision" : `${surroundingBits} bits`;
  return `${bits} bits (${roundedBy.toUpperCase()}), the rest ${rest}`;
}

function grid(
  records: readonly SensitivityRecord[],
  description: string,
  cellOf: (record: SensitivityRecord) => HeatCell,
): Parameters<typeof heatMap>[0] {
  const parts = [...new Set(records.map(({ part }) => part))];
  const layers = [...new Set(records.map(({ layer }) => layer))].toSorted((left, right) => left - right);
  const places = new Map(records.map((record) => [`${record.layer} ${record.part}`, record]));
  return {
    rowLabels: parts,
    columnLabels: layers.map(String),
    labelRoom: Math.max(...parts.map(({ length }) => length)) * 6.5 + 12,
    cells: parts.map((part) =>
      layers.map((layer) => {
        const record = places.get(`${layer} ${part}`);
        if (record === undefined) return null;
        const cell = cellOf(record);
        return { ...cell, title: `${part}, layer ${layer}: ${cell.title}` };
      }),
    ),
    description,
  };
}
