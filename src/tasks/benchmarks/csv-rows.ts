import { BitmendError } from "../../util/errors.ts";

/**
 * Reads CSV with a header line into objects: quoted fields hold commas, line ends and doubled quotes (RFC 4180).
 *
 * @throws {BitmendError} `tasks/malformed` for a quote that is not closed or a row with other than the header's number of fields.
 */
export function csvRows(text: string, where: string): Record<string, string>[] {
  const lines = fields(text, where);
  const header = lines[0] ?? [];
  return lines.slice(1).map((line, index) => {
    if (line.length !== header.length)
      throw malformed(where, `${header.length} fields in row ${index + 1}, got ${line.length}`);
    return Object.fromEntries(header.map((name, column) => [name, line[column]!]));
  });
}

function fields(text: string, where: string): string[][] {
  const lines: string[][] = [];
  let line: string[] = [];
  // A field: quoted, or up to a comma or line end; then what ends it.
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) throw malformed(where, "quotes that are closed and stand around whole fields");
    line.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === ",") {
      if (pattern.lastIndex === text.length) line.push("");
      else continue;
    }
    lines.push(line);
    line = [];
  }
  return lines.filter((each) => each.length > 1 || each[0] !== "");
}

function malformed(where: string, expected: string): BitmendError {
  return new BitmendError("tasks/malformed", `csvRows(): expected ${expected} in ${where}.`);
}
