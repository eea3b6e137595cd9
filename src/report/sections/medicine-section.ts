import { errorTypes, type MedicineRecord } from "../../runs/records.ts";
import { countErrorTypes } from "../../runs/summary.ts";
import { errorTypeWords } from "../error-type-words.ts";
import { html, type Markup } from "../html.ts";
import { count } from "../number-text.ts";
import { countBars } from "../plots/count-bars.ts";
import type { Section } from "./section.ts";

const examples = 3;
/** Longer texts are cut here; the records hold them whole. */
const mostCharacters = 1200;

/** What the medicine set is made of, and a few of its pairs. */
export function medicineSection(medicine: readonly MedicineRecord[]): Section | null {
  if (medicine.length === 0) return null;
  const counts = countErrorTypes(medicine);
  const typeRows = errorTypes
    .filter((type) => counts[type] > 0)
    .map((type) => ({ label: errorTypeWords[type].short, count: counts[type], className: `type ${type}` }));
  const steps = medicine.map(({ prefix }) => prefix.split("\n").filter((line) => line.trim() !== "").length);
  return {
    id: "medicine",
    short: "Medicine",
    title: "The medicine set",
    lead: html`${count(medicine.length)} pairs from training problems that full precision solves and the
    quantized model fails. Each begins at the first wrong step: the right continuation is to be preferred to
    the model’s own.`,
    body: html`<div class="cards">
        <figure class="panel card">
          <figcaption class="card-title">By type of the first wrong step</figcaption>
          ${countBars(typeRows, { description: `Pairs by error type: ${typeRows.map((row) => `${row.label} ${row.count}`).join(", ")}.` })}
        </figure>
        <figure class="panel card">
          <figcaption class="card-title">By number of right steps before it</figcaption>
          ${prefixBars(steps)}
        </figure>
      </div>
      <h3>Pairs from it</h3>
      <div class="pairs">${pickExamples(medicine).map(pairCard)}</div>`,
  };
}

function prefixBars(steps: readonly number[]): Markup {
  const last = 8;
  const most = steps.reduce((largest, step) => Math.max(largest, step), 0);
  const rows = Array.from({ length: Math.min(most, last) + 1 }, (_, step) => ({
    label: step === last && most > last ? `${last} or more` : String(step),
    count: steps.filter((one) => (step === last ? one >= last : one === step)).length,
    className: "bar restored",
  }));
  const description = `Pairs by right steps before the first wrong one: ${rows.map((row) => `${row.label}: ${row.count}`).join(", ")}.`;
  return countBars(rows, { description });
}

/** The first pair of each of the most frequent types. */
function pickExamples(medicine: readonly MedicineRecord[]): MedicineRecord[] {
  return [...Map.groupBy(medicine, ({ type }) => type).values()]
    .toSorted((left, right) => right.length - left.length)
    .slice(0, examples)
    .map((group) => group.find(({ prefix }) => prefix !== "") ?? group[0]!);
}

function pairCard({ question, prefix, chosen, rejected, type }: MedicineRecord): Markup {
  return html`<article class="panel pair">
    <p class="question">${cut(question)}</p>
    ${prefix.trim() === "" ? null : html`<pre class="prefix">${cut(prefix.trimEnd())}</pre>`}
    <div class="versus">
      <div class="chosen">
        <p class="tag">✓ chosen</p>
        <pre>${cut(chosen.trim())}</pre>
      </div>
      <div class="rejected">
        <p class="tag">✗ rejected <span class="muted">${type.replaceAll("-", " ")}</span></p>
        <pre>${cut(rejected.trim())}</pre>
      </div>
    </div>
  </article>`;
}

function cut(text: string): string {
  return text.length <= mostCharacters
    ? text
    : `${text.slice(0, mostCharacters).toWellFormed()} … (${text.length - mostCharacters} characters more)`;
}
