/** What became of one model in one format and reader. */
export interface Finding {
  readonly format: string;
  readonly reader: string;
  readonly recipe: string;
  readonly model: string;
  /** "refused": the format does not hold it exactly; "unread": the reader takes no such model. */
  readonly outcome:
    | "refused"
    | "unread"
    | {
        /** The arithmetic of the reader. */
        readonly mode: string;
        /** The largest difference of a logit. */
        readonly largest: number;
        /** The median of that over sequences. */
        readonly median: number;
        /** Of all greedy completions. */
        readonly equalTokens: boolean;
      };
}

/** Markdown: a row a recipe, a column a reader, each cell over all models: the largest difference of a logit, and how many models have equal tokens. */
export function readersTable(
  findings: readonly Finding[],
  versions: Readonly<Record<string, string>>,
): string {
  const columns = new Set(findings.map(columnOf));
  const recipes = new Set(findings.map(({ recipe }) => recipe));
  const rows = [...recipes].map((recipe) => {
    const cells = [...columns].map((column) =>
      cellOf(findings.filter((entry) => entry.recipe === recipe && columnOf(entry) === column)),
    );
    return row([recipe, ...cells]);
  });
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    row(["", ...columns]),
    row(["---", ...Array.from(columns, () => "---")]),
    ...rows,
    "",
    `${names.toSorted().join(", ")}.`,
    "",
  ].join("\n");
}

function columnOf({ format, reader, outcome }: Finding): string {
  const mode = typeof outcome === "string" ? "float32" : outcome.mode;
  return `${format}: ${reader}${mode === "float32" ? "" : `, ${mode}`}`;
}

function cellOf(findings: readonly Finding[]): string {
  const measured = findings.flatMap(({ outcome }) => (typeof outcome === "string" ? [] : [outcome]));
  if (measured.length === 0) {
    const words = findings.flatMap(({ outcome }) => (typeof outcome === "string" ? [outcome] : []));
    return [...new Set(words)].join(", ");
  }
  const worst = measured.reduce((one, other) => (other.largest > one.largest ? other : one));
  const equal = measured.filter(({ equalTokens }) => equalTokens).length;
  const median = worst.largest > 20 * worst.median ? ` (median ${worst.median.toExponential(0)})` : "";
  return `${worst.largest.toExponential(1)}${median}, ${equal}/${measured.length}`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
