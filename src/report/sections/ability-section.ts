import type { ComparisonRecord } from "../../runs/records.ts";
import { html, type Markup } from "../html.ts";
import { count, fixed, percent } from "../number-text.ts";
import type { Section } from "./section.ts";

type Groups = ComparisonRecord["bySubject"];

/** Accuracy by family and by level, as tables whose cells are shaded by what is missing. */
export function abilitySection(
  comparisons: readonly ComparisonRecord[],
  labels: ReadonlyMap<string, string>,
): Section | null {
  const tables = [
    shadedTable({ comparisons, labels, groupsOf: ({ bySubject }) => bySubject, corner: "by family" }),
    shadedTable({ comparisons, labels, groupsOf: ({ byLevel }) => byLevel, corner: "by level" }),
  ].filter((table) => table !== null);
  if (tables.length === 0) return null;
  return {
    id: "abilities",
    short: "Families and levels",
    title: "Where ability went",
    lead: html`Accuracy in percent. The stronger a cell’s colour, the more of its problems failed; the number
    of problems stands under each heading.`,
    body: html`<div class="stack">${tables}</div>`,
  };
}

interface ShadedTable {
  readonly comparisons: readonly ComparisonRecord[];
  readonly labels: ReadonlyMap<string, string>;
  readonly groupsOf: (comparison: ComparisonRecord) => Groups;
  readonly corner: string;
}

function shadedTable({ comparisons, labels, groupsOf, corner }: ShadedTable): Markup | null {
  const sizes = new Map(comparisons.flatMap(groupsOf).map(([name, , n]) => [name, n]));
  if (sizes.size === 0) return null;
  const head = [...sizes].map(([name, n]) => html`<th scope="col">${name}<small>n ${count(n)}</small></th>`);
  const rows = comparisons.map((comparison) => {
    const groups = new Map(groupsOf(comparison).map(([name, correct, n]) => [name, { correct, n }]));
    const cells = [...sizes.keys()].map((name) => shadedCell(groups.get(name)));
    return html`<tr>
      <th scope="row">${labels.get(comparison.variant.name) ?? comparison.variant.name}</th>
      ${cells}
    </tr>`;
  });
  return html`<div class="panel scroll" tabindex="0" role="region" aria-label="Accuracy ${corner}">
    <table class="shaded">
      <thead>
        <tr>
          <th>${corner}</th>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function shadedCell(group: { correct: number; n: number } | undefined): Markup {
  if (group === undefined || group.n === 0) return html`<td>–</td>`;
  const accuracy = group.correct / group.n;
  const shade = Math.round(100 * (1 - accuracy));
  return html`<td
    class="heat-cell"
    style="--shade:${shade}%"
    title="${count(group.correct)} of ${count(group.n)}"
  >
    ${accuracy === 1 ? "100" : fixed(accuracy * 100, 0) === "100" ? percent(accuracy) : fixed(accuracy * 100, 0)}
  </td>`;
}
