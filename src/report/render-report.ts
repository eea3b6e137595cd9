/** @file A run's records as one self-contained page: no network, no other file, readable with a keyboard, in the dark, and on paper. */
import { createHash } from "node:crypto";
import type { ComparisonRecord } from "../runs/records.ts";
import { headline } from "./headline.ts";
import { html, type Markup, trustedMarkup } from "./html.ts";
import { count, percent, points } from "./number-text.ts";
import { pageScript } from "./page-script.ts";
import { pageStyle } from "./page-style.ts";
import type { RunRecords } from "./run-records.ts";
import { abilitySection } from "./sections/ability-section.ts";
import { accuracySection } from "./sections/accuracy-section.ts";
import { errorsSection } from "./sections/errors-section.ts";
import { failuresSection } from "./sections/failures-section.ts";
import { flowsSection } from "./sections/flows-section.ts";
import { layersSection } from "./sections/layers-section.ts";
import { medicineSection } from "./sections/medicine-section.ts";
import { notesSection } from "./sections/notes-section.ts";
import { renderSection, type Section } from "./sections/section.ts";
import { trainingSection } from "./sections/training-section.ts";
import { widthsSection } from "./sections/widths-section.ts";
import { fullPrecision, inReadingOrder, restorations, variantKind, variantLabels } from "./variant-words.ts";

/** Words of other parts of bitmend that the page prints. */
export interface ReportWords {
  /** The definition of a degenerate output in one sentence, with its numbers. */
  readonly degenerate?: string;
}

/** Renders the page; the same records give the same bytes. */
export function renderReport(records: RunRecords, words: ReportWords = {}): string {
  const run = { ...records, comparisons: inReadingOrder(records.comparisons) };
  const labels = variantLabels(run.comparisons.map(({ variant }) => variant));
  const sections = [
    accuracySection(run.comparisons, labels),
    run.comparisons.length > 1 ? flowsSection(run.comparisons, labels) : null,
    run.diagnoses.length > 0 ? errorsSection(run, labels) : null,
    abilitySection(run.comparisons, labels),
    layersSection(run.layerErrors, labels),
    widthsSection(run, labels),
    trainingSection(run.training, labels),
    medicineSection(run.medicine),
    failuresSection(run, labels),
    notesSection(run, words.degenerate),
  ].filter((section) => section !== null);
  return `<!doctype html>\n${page(run, { labels, sections }).markup}\n`;
}

function page(
  run: RunRecords,
  context: { labels: ReadonlyMap<string, string>; sections: readonly Section[] },
): Markup {
  const { title, sentences } = headline(run, context.labels);
  const hash = createHash("sha256").update(pageScript).digest("base64");
  // Only this page's own script may run, whatever a model wrote, and nothing may be fetched.
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  const { sections } = context;
  return html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content="${policy}" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <link rel="icon" href="data:," />
      <title>${title} – bitmend</title>
      ${trustedMarkup(`<style>${pageStyle}</style>`)}
    </head>
    <body>
      ${patterns()}
      <div class="page">
        <header class="top">
          <p class="brand"><b>bitmend</b> ${runLine(run)}</p>
          <h1>${title}</h1>
          <div class="story">${sentences.map((sentence) => html`<p>${sentence}</p>`)}</div>
          ${facts(run, context.labels)}
        </header>
        <nav aria-label="Contents">
          <ul>
            ${sections.map(({ id, short }) => html`<li><a href="#${id}">${short}</a></li>`)}
          </ul>
        </nav>
        <main>${sections.map(renderSection)}</main>
        <footer>
          Written by bitmend from the records of one run. Every number on this page can be computed again from
          them.
        </footer>
      </div>
      ${trustedMarkup(`<script>${pageScript}</script>`)}
    </body>
  </html>`;
}

function runLine({ summary }: RunRecords): string {
  if (summary === null) return "· run report";
  const { recipe, problems, seed } = summary;
  return `· recipe ${recipe} · ${problems.task}, ${count(problems.n)} ${problems.split} problems · seed ${seed}`;
}

/** The four numbers to remember. */
function facts({ comparisons, diagnoses }: RunRecords, labels: ReadonlyMap<string, string>): Markup | null {
  const full = fullPrecision(comparisons);
  if (full === undefined) return null;
  const name = (one: ComparisonRecord): string => labels.get(one.variant.name) ?? one.variant.name;
  const quantized = comparisons.filter(({ variant }) => variantKind(variant) === "quantized");
  const lowest = quantized.toSorted((left, right) => left.accuracy - right.accuracy)[0];
  const back = restorations(comparisons).toSorted(
    (left, right) =>
      right.restored.accuracy - right.base.accuracy - (left.restored.accuracy - left.base.accuracy),
  )[0];
  return html`<dl class="facts">
    ${[
      fact({
        className: "full",
        term: "Full precision",
        value: `${percent(full.accuracy)} %`,
        note: `${percent(full.interval[0])} to ${percent(full.interval[1])}`,
      }),
      lowest === undefined
        ? null
        : fact({
            className: "quantized",
            term: `Lowest: ${name(lowest)}`,
            value: `${percent(lowest.accuracy)} %`,
            note: `${points(-lowest.drop)} points`,
          }),
      back === undefined
        ? null
        : fact({
            className: "restored",
            term: `Most regained: ${name(back.restored)}`,
            value: `${percent(back.restored.accuracy)} %`,
            note: `${points(back.restored.accuracy - back.base.accuracy)} points on ${name(back.base)}`,
          }),
      fact({
        className: "",
        term: "Failures diagnosed",
        value: count(diagnoses.length),
        note: `over ${count(comparisons.length)} variants`,
      }),
    ]}
  </dl>`;
}

function fact(input: { className: string; term: string; value: string; note: string }): Markup {
  return html`<div class="${input.className}">
    <dt>${input.term}</dt>
    <dd>${input.value}<small>${input.note}</small></dd>
  </div>`;
}

/** Fills that tell kinds apart without colour; defined once for all plots. */
function patterns(): Markup {
  return html`<svg width="0" height="0" style="position:absolute" aria-hidden="true">
    <defs>
      <pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="6" height="6" style="fill:var(--restored)" />
        <rect width="2" height="6" style="fill:var(--panel);opacity:.45" />
      </pattern>
      <pattern id="dots" width="4" height="4" patternUnits="userSpaceOnUse">
        <rect width="4" height="4" style="fill:var(--degenerate)" />
        <rect width="2" height="4" style="fill:var(--panel);opacity:.5" />
      </pattern>
    </defs>
  </svg>`;
}
