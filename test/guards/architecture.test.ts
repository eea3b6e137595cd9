import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mayImport } from "../../architecture.ts";

const sources = join(import.meta.dirname, "../../src");
const folders = Object.keys(mayImport);

test("the table names the folders of src, no more and no fewer", () => {
  const found = readdirSync(sources, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  expect(folders.toSorted()).toEqual(found.toSorted());
});

test("a folder imports only folders that stand before it, so the table has no cycle", () => {
  for (const [index, folder] of folders.entries()) {
    const before = new Set(folders.slice(0, index));
    const after = mayImport[folder]!.filter((other) => !before.has(other));
    expect({ folder, after }).toEqual({ folder, after: [] });
  }
});

test("ARCHITECTURE.md shows the table as it is", () => {
  const text = readFileSync(join(sources, "../ARCHITECTURE.md"), "utf8");
  const rows = [...text.matchAll(/^\| `(?<folder>[a-z]+)\/` +\|[^|]*\| (?<imports>[^|]*?) +\|$/gmu)];
  const shown = Object.fromEntries(
    rows.map(({ groups }) => [groups?.["folder"], groups?.["imports"]?.split(" ").toSorted()]),
  );
  // A long list is told by what it leaves out.
  const told = Object.fromEntries(folders.map((folder) => [folder, shownImports(folder).toSorted()]));
  expect(shown).toEqual(told);
});

function shownImports(folder: string): string[] {
  const allowed = mayImport[folder]!;
  const before = folders.slice(0, folders.indexOf(folder));
  const missing = before.filter((other) => !allowed.includes(other));
  if (allowed.length === 0) return ["nothing"];
  if (allowed.length <= 6) return [...allowed];
  return missing.length === 0 ? ["all", "above"] : ["all", "above", "but", ...missing];
}
