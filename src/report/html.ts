/** @file HTML and SVG from templates in which every value is escaped unless it is markup already. */

/** Markup that may stand in a page as it is. */
export interface Markup {
  readonly markup: string;
}

type TemplateValue = string | number | Markup | readonly TemplateValue[] | null | undefined | false;

/** Tagged template: text is escaped, markup and lists of markup stand as they are, null and false vanish, indentation is dropped. */
export function html(strings: TemplateStringsArray, ...values: readonly TemplateValue[]): Markup {
  const parts = strings.map((text, index) => {
    const outdented = text.replaceAll(/\s*\n\s*/g, "\n");
    return index < values.length ? outdented + render(values[index]) : outdented;
  });
  return { markup: parts.join("") };
}

/** Markup written by this program, never text that came from a model or a file. */
export function trustedMarkup(markup: string): Markup {
  return { markup };
}

function render(value: TemplateValue): string {
  if (value === null || value === undefined || value === false) return "";
  if (typeof value === "string") return escapeHtml(value);
  if (typeof value === "number") return String(value);
  if ("markup" in value) return value.markup;
  return value.map(render).join("");
}

/** `text` safe in element content and in quoted attributes; control characters no document may hold become a visible mark. */
export function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? character)
    .replaceAll(/[^\P{Cc}\t\n\r]/gu, "\uFFFD");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** JSON that may stand inside a script element: no `<` can end it early. */
export function embeddedJson(value: unknown): Markup {
  return trustedMarkup(
    JSON.stringify(value)
      .replaceAll("<", String.raw`\u003c`)
      .replaceAll("\u2028", String.raw`\u2028`)
      .replaceAll("\u2029", String.raw`\u2029`),
  );
}
