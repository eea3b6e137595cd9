/** One column of a table of text. */
export interface TextColumn {
  readonly title: string;
  readonly align: "left" | "right";
  /** True for the one column that is cut when the table is too wide. */
  readonly shrinks?: boolean;
}

/**
 * Lays out `rows` (one cell a column) as aligned lines of at most `width` columns.
 *
 * Control characters are replaced: cells may hold text of a model. Only the column that `shrinks` is cut, with `..` at the cut.
 */
export function textTable(
  columns: readonly TextColumn[],
  rows: readonly (readonly string[])[],
  { width = 80, gap = "  " }: { width?: number; gap?: string } = {},
): string[] {
  const cells = [columns.map(({ title }) => title), ...rows].map((row) => row.map(oneLine));
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => displayWidth(row[index] ?? ""))));
  const excess = widths.reduce((sum, one) => sum + one, 0) + gap.length * (columns.length - 1) - width;
  const shrinking = columns.findIndex(({ shrinks }) => shrinks === true);
  if (excess > 0 && shrinking >= 0) widths[shrinking] = Math.max(4, widths[shrinking]! - excess);
  const line = (row: readonly string[]): string =>
    columns
      .map(({ align }, index) => pad({ text: row[index] ?? "", width: widths[index]!, align }))
      .join(gap)
      .trimEnd();
  const [head = [], ...body] = cells;
  const rule = widths.map((one) => "-".repeat(one)).join(gap);
  return [line(head), rule, ...body.map(line)];
}

function pad(input: { text: string; width: number; align: "left" | "right" }): string {
  const text = cut(input.text, input.width);
  const space = " ".repeat(input.width - displayWidth(text));
  return input.align === "left" ? text + space : space + text;
}

/** `text` in at most `width` columns; a cut shows as `..`. */
function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  for (const { segment } of graphemes.segment(text)) {
    if (displayWidth(kept + segment) > width - 2) break;
    kept += segment;
  }
  return `${kept}..`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll(/[\p{Cc}\p{Cf}]/gu, "?");
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
// East Asian wide forms and emoji take two columns in every terminal that shows them.
const wide =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uFF01-\uFF60]/u;

/** Columns `text` takes in a terminal. */
export function displayWidth(text: string): number {
  if (/^[\u0020-\u007E]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}
