import { errorTypes } from "../../runs/records.ts";
import { errorTypeWords } from "../error-type-words.ts";
import { html, type Markup } from "../html.ts";
import { byteSize, duration, percent } from "../number-text.ts";
import type { RunRecords } from "../run-records.ts";
import type { Section } from "./section.ts";

const fallbackDegenerate =
  "an output that loops, gives no final answer, or is not text. Set by rule before any step is read, and counted apart.";

/** What the words mean, and everything needed to repeat the run. */
export function notesSection(run: RunRecords, degenerate: string = fallbackDegenerate): Section {
  return {
    id: "notes",
    short: "Method",
    title: "Definitions and settings",
    lead: html`What the words on this page mean, and what was run.`,
    body: html`<div class="notes">
      ${definitions(degenerate)}${agreement(run)}
      <h3>The run</h3>
      ${runTable(run)}
      <h3>Recipe</h3>
      ${settingsTable(run.recipe)}
      <h3>Environment</h3>
      ${settingsTable(run.environment)}
    </div>`,
  };
}

function definitions(degenerate: string): Markup {
  const terms: readonly (readonly [string, string])[] = [
    ["Accuracy", "problems with the right final answer, divided by all problems."],
    [
      "95 % interval",
      "of an accuracy: Wilson score interval over problems. Of a drop: bootstrap percentile interval, resampling problems. Neither covers another training seed.",
    ],
    [
      "Drop",
      "full precision’s accuracy minus the variant’s, in points. Relative drop: the same divided by full precision’s accuracy.",
    ],
    ["Lost, won", "problems that full precision solves and the variant does not, and the other way round."],
    [
      "McNemar p",
      "exact two-sided p value of lost against won: how often a difference at least this large would come about if both were equally likely.",
    ],
    ["Degenerate", degenerate],
    [
      "First wrong step",
      "the first step of a failing solution that a person would have to correct. Its type is decided from the top of the list below; the first that fits is taken.",
    ],
  ];
  return html`<h3>Words</h3>
    <dl>
      ${terms.map(
        ([term, meaning]) =>
          html`<div>
            <dt>${term}</dt>
            <dd>${meaning}</dd>
          </div>`,
      )}
    </dl>
    <h3>Types of the first wrong step</h3>
    <p class="note">The first wrong step …</p>
    <dl>
      ${errorTypes.map(
        (type) =>
          html`<div>
            <dt><i class="key type ${type}"></i>${type.replaceAll("-", " ")}</dt>
            <dd>… ${errorTypeWords[type].definition}</dd>
          </div>`,
      )}
    </dl>`;
}

function agreement({ summary }: RunRecords): Markup | null {
  if (summary === null) return null;
  const { stepAgreement, typeAgreement } = summary.diagnosis;
  if (stepAgreement === null || typeAgreement === null) return null;
  return html`<p>
    Checked against the ground truth of the problem generator, which the diagnosis cannot read: the first
    wrong step is right in ${percent(stepAgreement)} % and its type in ${percent(typeAgreement)} % of the
    failures.
  </p>`;
}

function runTable({ summary }: RunRecords): Markup {
  if (summary === null) return html`<p class="note">The run was not finished when this page was written.</p>`;
  const rows: readonly (readonly [string, string])[] = [
    ["recipe", summary.recipe],
    ["task", `${summary.problems.task}, ${summary.problems.split} split, ${summary.problems.n} problems`],
    ["seed", String(summary.seed)],
    ["time", duration(summary.seconds)],
    ["peak memory", byteSize(summary.peakMemoryBytes)],
  ];
  return table(rows);
}

function settingsTable(settings: unknown): Markup {
  const rows = flatten(settings, "");
  return rows.length === 0 ? html`<p class="note">Not recorded.</p>` : table(rows);
}

function table(rows: readonly (readonly [string, string])[]): Markup {
  return html`<table class="settings">
    <tbody>
      ${rows.map(
        ([name, value]) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td>${value}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** Nested settings as dotted names; a list of plain values stays in one row. */
function flatten(value: unknown, path: string): (readonly [string, string])[] {
  if (value === undefined || (value === null && path === "")) return [];
  if (typeof value !== "object" || value === null)
    return [[path, typeof value === "string" ? value : JSON.stringify(value)]];
  if (Array.isArray(value) && value.every((item) => typeof item !== "object" || item === null))
    return [[path, value.join(", ")]];
  return Object.entries(value).flatMap(([key, item]) => flatten(item, path === "" ? key : `${path}.${key}`));
}
