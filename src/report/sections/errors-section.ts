import { type ErrorType, errorTypes } from "../../runs/records.ts";
import { countErrorTypes } from "../../runs/summary.ts";
import { errorTypeWords } from "../error-type-words.ts";
import { html, type Markup } from "../html.ts";
import { count } from "../number-text.ts";
import { errorTypeBars } from "../plots/error-type-bars.ts";
import { radar } from "../plots/radar.ts";
import type { RunRecords } from "../run-records.ts";
import { variantKind } from "../variant-words.ts";
import { responsive, type Section } from "./section.ts";

/** Below this many failures a radar says more about chance than about the variant. */
const fewestFailuresForRadar = 10;

/** How the failures divide into types: counts as stacked bars, shares as radars. */
export function errorsSection(
  run: Pick<RunRecords, "comparisons" | "diagnoses" | "verdicts">,
  labels: ReadonlyMap<string, string>,
): Section {
  const rows = run.comparisons.map(({ variant }) => ({
    variant,
    label: labels.get(variant.name) ?? variant.name,
    counts: countErrorTypes(run.diagnoses.filter((diagnosis) => diagnosis.variant === variant.name)),
    linkTo: (type: ErrorType) => failuresLink(variant.name, type),
  }));
  const radars = rows.flatMap(({ variant, label, counts }) => {
    const total = errorTypes.reduce((sum, type) => sum + counts[type], 0);
    return total < fewestFailuresForRadar
      ? []
      : [radarCard({ label, counts, total, kind: variantKind(variant) })];
  });
  return {
    id: "errors",
    short: "Error types",
    title: "How solutions went wrong",
    lead: html`Every failing solution, by the type of its first wrong step. Choose a segment to read the
    solutions behind it.`,
    body: html`<figure class="panel">
        ${responsive((width) => errorTypeBars(rows, { width }))}${legend()}
      </figure>
      <h3>The same as shares of each variant’s failures</h3>
      <p class="note">
        Distance from the centre is the square root of the share, so that rare types stay visible; rings at
        10, 25, 50 and 100 %. Variants with fewer than ${fewestFailuresForRadar} failures are left out.
      </p>
      <div class="cards small">${radars}</div>
      ${degenerateTable(run, labels)}`,
  };
}

/** Where the page shows the failures of one variant and type. */
function failuresLink(variant: string, type: ErrorType): string {
  return `#failures?variant=${encodeURIComponent(variant)}&type=${type}`;
}

function radarCard(input: {
  label: string;
  counts: Readonly<Record<ErrorType, number>>;
  total: number;
  kind: string;
}): Markup {
  const { label, counts, total, kind } = input;
  const axes = errorTypes.map((type) => ({ label: errorTypeWords[type].short, value: counts[type] / total }));
  const shares = errorTypes.map((type) => `${type} ${count(counts[type])}`).join(", ");
  const description = `${label}, ${count(total)} failures by type: ${shares}.`;
  return html`<figure class="panel card">
    <figcaption class="card-title">${label} <span class="muted">${count(total)} failures</span></figcaption>
    ${radar(axes, { className: kind, description })}
  </figure>`;
}

function legend(): Markup {
  return html`<figcaption class="legend types">
    ${errorTypes.map(
      (type) =>
        html`<span title="The first wrong step ${errorTypeWords[type].definition}"
          ><i class="key type ${type}"></i>${type.replaceAll("-", " ")}</span
        >`,
    )}
  </figcaption>`;
}

/** Degenerate outputs of each variant by kind; absent where there are none. */
function degenerateTable(
  { comparisons, verdicts }: Pick<RunRecords, "comparisons" | "verdicts">,
  labels: ReadonlyMap<string, string>,
): Markup | null {
  const kinds = [
    ["loop", "loop"],
    ["no-answer", "no final answer"],
    ["not-text", "not text"],
  ] as const;
  const found = Map.groupBy(
    verdicts.filter(({ degenerate }) => degenerate !== null),
    ({ variant }) => variant,
  );
  if (found.size === 0) return null;
  const rows = comparisons.flatMap(({ variant: { name } }) => {
    const outputs = found.get(name);
    if (outputs === undefined) return [];
    const cells = kinds.map(([kind]) => outputs.filter(({ degenerate }) => degenerate === kind).length);
    return [
      html`<tr>
        <th scope="row">${labels.get(name) ?? name}</th>
        ${cells.map((cell) => html`<td>${count(cell)}</td>`)}
      </tr>`,
    ];
  });
  return html`<h3>Degenerate outputs by kind</h3>
    <div class="panel scroll" tabindex="0" role="region" aria-label="Degenerate outputs by kind">
      <table class="numbers">
        <thead>
          <tr>
            <th scope="col">Variant</th>
            ${kinds.map(([, title]) => html`<th scope="col">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
}
