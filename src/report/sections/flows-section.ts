import type { ComparisonRecord } from "../../runs/records.ts";
import { flowOf } from "../flow.ts";
import { html, type Markup } from "../html.ts";
import { count, percent } from "../number-text.ts";
import { flowDiagram } from "../plots/flow-diagram.ts";
import { lostWonBars } from "../plots/lost-won-bars.ts";
import { meanBits, type Restoration, restorations, variantKind } from "../variant-words.ts";
import { responsive, type Section } from "./section.ts";

/** Which problems were lost and won, and where the lost ones went in each restoration. */
export function flowsSection(
  comparisons: readonly ComparisonRecord[],
  labels: ReadonlyMap<string, string>,
): Section {
  const name = (comparison: ComparisonRecord): string =>
    labels.get(comparison.variant.name) ?? comparison.variant.name;
  const others = comparisons.filter(({ variant }) => variantKind(variant) !== "full");
  const rows = others.map((comparison, index) => ({
    label: name(comparison),
    lost: comparison.lost.length,
    won: comparison.won.length,
    startsGroup: index === 0 || meanBits(others[index - 1]!.variant) !== meanBits(comparison.variant),
  }));
  const pairs = restorations(comparisons);
  return {
    id: "flows",
    short: "Lost and won",
    title: "Problem by problem",
    lead: html`Two models with equal accuracy may solve different problems. Lost: full precision solves it,
    the variant does not. Won: the other way round.`,
    body: html`<figure class="panel">${responsive((width) => lostWonBars(rows, { width }))}</figure>
      ${
        pairs.length === 0
          ? null
          : html`<h3>Where the lost problems went</h3>
              <div class="cards">${pairs.map((pair) => flowCard(pair, name))}</div>`
      }`,
  };
}

function flowCard(pair: Restoration, name: (comparison: ComparisonRecord) => string): Markup {
  const flow = flowOf(pair);
  const lost = flow.rightWrongRight + flow.rightWrongWrong;
  const share = lost === 0 ? "" : ` (${percent(flow.rightWrongRight / lost, 0)} %)`;
  const restored = name(pair.restored).replace(`${name(pair.base)} `, "");
  return html`<figure class="panel card">
    ${flowDiagram(flow, { base: name(pair.base), restored })}
    <figcaption>
      Of ${count(lost)} problems lost,
      <b class="ink-restored">${count(flow.rightWrongRight)} came back${share}</b>;
      ${count(flow.rightRightWrong)} that quantization had kept are now lost.
    </figcaption>
  </figure>`;
}
