import type { LayerErrorRecord } from "../../runs/records.ts";
import { html, type Markup } from "../html.ts";
import { smallNumber } from "../number-text.ts";
import { type HeatMap, heatMap } from "../plots/heat-map.ts";
import type { Section } from "./section.ts";

type Measure = "weightError" | "outputError";

const measureWords: Readonly<Record<Measure, { title: string; note: string }>> = {
  outputError: {
    title: "Error of each projection’s output",
    note: "‖X(W − Ŵ)ᵀ‖² / ‖XWᵀ‖² on the calibration inputs X.",
  },
  weightError: { title: "Error of the weights themselves", note: "‖W − Ŵ‖² / ‖W‖²." },
};

/** What quantization did to every projection: module by layer, one map a variant, one shade scale for all. */
export function layersSection(
  layerErrors: readonly LayerErrorRecord[],
  labels: ReadonlyMap<string, string>,
): Section | null {
  if (layerErrors.length === 0) return null;
  const measures = (["outputError", "weightError"] as const).filter((measure) =>
    layerErrors.some((record) => record[measure] !== null),
  );
  return {
    id: "layers",
    short: "Layers",
    title: "Inside the model",
    lead: html`Relative squared error by projection (rows) and layer (columns). Shades are logarithmic and
    shared by all maps of a group, so maps can be compared.`,
    body: html`${measures.map((measure, index) => measureGroup(layerErrors, { measure, labels, open: index === 0 }))}`,
  };
}

interface GroupContext {
  readonly measure: Measure;
  readonly labels: ReadonlyMap<string, string>;
  readonly open: boolean;
}

function measureGroup(layerErrors: readonly LayerErrorRecord[], context: GroupContext): Markup {
  const { measure, labels, open } = context;
  const measured = layerErrors.filter((record) => record[measure] !== null);
  const positive = measured.map((record) => record[measure] ?? 0).filter((value) => value > 0);
  const low = Math.log(positive.reduce((least, value) => Math.min(least, value), 1));
  const high = Math.log(positive.reduce((most, value) => Math.max(most, value), Number.MIN_VALUE));
  const shade = (value: number): number =>
    value <= 0 ? 0 : high - low < 1e-9 ? 0.5 : 0.06 + (0.94 * (Math.log(value) - low)) / (high - low);
  const cards = [...Map.groupBy(measured, ({ variant }) => variant)].map(([variant, records]) => {
    const label = labels.get(variant) ?? variant;
    const map = mapOf(records, { measure, shade, label });
    return html`<figure class="panel card">
      <figcaption class="card-title">${label}</figcaption>
      ${heatMap(map, { width: 300 })}
    </figure>`;
  });
  const { title, note } = measureWords[measure];
  return html`<details class="group" ${open ? "open" : ""}>
    <summary>${title}</summary>
    <p class="note">${note}</p>
    <div class="cards small">${cards}</div>
  </details>`;
}

interface MapContext {
  readonly measure: Measure;
  readonly shade: (value: number) => number;
  readonly label: string;
}

function mapOf(records: readonly LayerErrorRecord[], { measure, shade, label }: MapContext): HeatMap {
  const rows = [...new Set(records.map(({ module }) => moduleKind(module)))];
  const layers = [...new Set(records.map(({ layer }) => layer))].toSorted((left, right) => left - right);
  const byPlace = new Map(records.map((record) => [`${moduleKind(record.module)} ${record.layer}`, record]));
  const cells = rows.map((row) =>
    layers.map((layer) => {
      const value = byPlace.get(`${row} ${layer}`)?.[measure];
      if (value === undefined || value === null) return null;
      return {
        shade: shade(value),
        text: smallNumber(value),
        title: `${row}, layer ${layer}: ${smallNumber(value)}`,
      };
    }),
  );
  const most = records.reduce((worst, record) =>
    (record[measure] ?? 0) > (worst[measure] ?? 0) ? record : worst,
  );
  const description = `${label}: relative error by projection and layer; largest in ${most.module} (${smallNumber(most[measure] ?? 0)}).`;
  return { rowLabels: rows, columnLabels: layers.map(String), cells, description };
}

/** model.layers.3.self_attn.q_proj → q. */
function moduleKind(module: string): string {
  return module
    .split(".")
    .at(-1)!
    .replace(/_proj$/, "");
}
