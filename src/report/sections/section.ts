import { html, type Markup } from "../html.ts";

/** One part of the page: reached from the contents by its id, led by one sentence on how to read it. */
export interface Section {
  readonly id: string;
  /** In the contents. */
  readonly short: string;
  readonly title: string;
  readonly lead: Markup;
  readonly body: Markup;
}

export function renderSection({ id, title, lead, body }: Section): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    <p class="lead">${lead}</p>
    ${body}
  </section>`;
}

/** The same plot for a wide and for a narrow column; the page shows the one that fits, so labels stay readable on a telephone. */
export function responsive(plot: (width: number) => Markup): Markup {
  return html`<div class="wide-only">${plot(980)}</div>
    <div class="narrow-only">${plot(340)}</div>`;
}
