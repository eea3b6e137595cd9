import type { ComparisonRecord } from "../../runs/records.ts";
import { html, type Markup } from "../html.ts";
import { count, percent, points, pValue } from "../number-text.ts";
import { accuracyBars } from "../plots/accuracy-bars.ts";
import { meanBits, variantKind } from "../variant-words.ts";
import { responsive, type Section } from "./section.ts";

/** Accuracy bars, and every number of the comparison in one table. */
export function accuracySection(
  comparisons: readonly ComparisonRecord[],
  labels: ReadonlyMap<string, string>,
): Section {
  const rows = comparisons.map((comparison, index) => ({
    label: labels.get(comparison.variant.name) ?? comparison.variant.name,
    kind: variantKind(comparison.variant),
    accuracy: comparison.accuracy,
    interval: comparison.interval,
    startsGroup: index === 0 || meanBits(comparisons[index - 1]!.variant) !== meanBits(comparison.variant),
  }));
  return {
    id: "accuracy",
    short: "Accuracy",
    title: "What was lost, and what came back",
    lead: html`Share of problems solved, in percent, with 95 % intervals (the whiskers). Striped bars are
    restored variants. The dashed line is full precision.`,
    body: html`<figure class="panel">
        ${responsive((width) => accuracyBars(rows, { width }))}${legend()}
      </figure>
      ${table(comparisons, labels)}`,
  };
}

function legend(): Markup {
  return html`<figcaption class="legend">
    <span><i class="key full"></i>full precision</span><span><i class="key quantized"></i>quantized</span
    ><span><i class="key restored"></i>restored</span
    ><span><i class="key whisker-key"></i>95 % interval</span>
  </figcaption>`;
}

function table(comparisons: readonly ComparisonRecord[], labels: ReadonlyMap<string, string>): Markup {
  const head = [
    "Variant",
    "Accuracy",
    "95 % interval",
    "Drop",
    "95 % interval",
    "Relative",
    "Lost",
    "Won",
    "Degenerate",
    "McNemar p",
  ];
  const rows = comparisons.map((one) => {
    const full = variantKind(one.variant) === "full";
    const dash = (value: string): string => (full ? "–" : value);
    const cells = [
      percent(one.accuracy),
      `${percent(one.interval[0])} to ${percent(one.interval[1])}`,
      dash(points(one.drop).replace("+", "")),
      dash(`${signed(one.dropInterval[0])} to ${signed(one.dropInterval[1])}`),
      dash(`${percent(one.relativeDrop)} %`),
      dash(count(one.lost.length)),
      dash(count(one.won.length)),
      count(one.degenerate),
      dash(pValue(one.mcnemarP)),
    ];
    return html`<tr>
      <th scope="row">${labels.get(one.variant.name) ?? one.variant.name}</th>
      ${cells.map((cell) => html`<td>${cell}</td>`)}
    </tr>`;
  });
  return html`<details class="panel">
    <summary>All numbers of the comparison</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="All numbers of the comparison">
      <table class="numbers">
        <thead>
          <tr>
            ${head.map((title) => html`<th scope="col">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
    <p class="note">
      Accuracy in percent; drop in points below full precision; relative drop as a share of full precision's
      accuracy.
    </p>
  </details>`;
}

function signed(difference: number): string {
  return points(difference).replace("+", "");
}
