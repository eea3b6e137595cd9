import { errorTypeWords } from "../error-type-words.ts";
import { failureCases } from "../failure-cases.ts";
import { embeddedJson, html, type Markup } from "../html.ts";
import { count } from "../number-text.ts";
import type { RunRecords } from "../run-records.ts";
import type { Section } from "./section.ts";

/** The browser of failing solutions; its cases stand as JSON in the page and are shown by the page's script. */
export function failuresSection(run: RunRecords, labels: ReadonlyMap<string, string>): Section | null {
  const cases = failureCases(run, { labels, shortTypes: (type) => errorTypeWords[type].short });
  if (cases.cases.length === 0) return null;
  const all = run.diagnoses.length;
  const shown = cases.cases.length;
  const held =
    shown === all
      ? `All ${count(all)} failing solutions`
      : `${count(shown)} of ${count(all)} failing solutions (at most ${count(Math.max(...cases.variants.map((variant) => variant.shown)))} of a variant, rare types first; diagnoses.jsonl holds all)`;
  return {
    id: "failures",
    short: "Failing solutions",
    title: "Read the failing solutions",
    lead: html`${held}, each beside full precision’s solution of the same problem. Arrow keys move through the
    list.`,
    body: html`<div class="panel browser" data-browser>
        <form class="filters" aria-label="Filter the failing solutions">
          ${select("variant", "Variant")}${select("type", "Type")}${select("subject", "Family")}${select("level", "Level")}<label
            >Text<input
              type="search"
              data-filter="text"
              placeholder="in problem or solution"
              autocomplete="off" /></label
          ><button type="reset">Show all</button>
        </form>
        <p class="found" role="status" data-found></p>
        <div class="split">
          <ul class="list" data-list aria-label="Failing solutions"></ul>
          <article class="detail" data-detail aria-live="polite"></article>
        </div>
        <noscript
          ><p class="note">
            The browser of solutions needs JavaScript; diagnoses.jsonl holds the same solutions.
          </p></noscript
        >
      </div>
      <script type="application/json" id="failure-cases">
        ${embeddedJson(cases)}
      </script>`,
  };
}

function select(name: string, label: string): Markup {
  return html`<label>${label}<select data-filter="${name}"></select></label>`;
}
