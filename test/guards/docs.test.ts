import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { verbs } from "../../src/cli/verbs.ts";
import { describeRubric } from "../../src/diagnosis/rubric.ts";
import { describeDegenerate } from "../../src/grading/degenerate.ts";
import { parseRunRecipe } from "../../src/verbs/run-recipe.ts";
import { recipe as ownModel } from "../../recipes/own-model.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const pages = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path)),
];

test.each(pages)("every file that %s names exists", (page) => {
  const named = [
    ...read(page).matchAll(
      /`(?<path>(?:src|test|tools|bench|recipes|docs|architecture|oxlint)[\w./*{},-]*)`/gu,
    ),
  ].map(({ groups }) => groups!["path"]!);
  const missing = named.filter(
    (path) => (/\.\w+$/u.test(path) || path.endsWith("/")) && !existsSync(join(root, path)),
  );
  expect(missing).toEqual([]);
});

test.each(pages)("every relative link of %s leads somewhere", (page) => {
  const targets = [...read(page).matchAll(/\]\((?<target>[^)\s]+)\)/gu)]
    .map(({ groups }) => groups!["target"]!)
    .filter((target) => !/^(?:https?:|#)/u.test(target));
  const broken = targets.filter(
    (target) => !existsSync(join(root, dirname(page), target.replace(/#.*$/u, ""))),
  );
  expect(broken).toEqual([]);
});

test("the README fits a screen and names every verb", () => {
  const readme = read("README.md");
  expect(readme.split("\n").length).toBeLessThanOrEqual(80);
  expect(Object.keys(verbs).filter((verb) => !readme.includes(`| \`${verb}\` `))).toEqual([]);
});

/** The whole recipe: every optional part present, so that every key is. */
const wholeRecipe = parseRunRecipe({
  name: "whole",
  model: "pocket",
  task: "pocket",
  data: "data",
  generation: { samples: 1, prompt: "chat", thinking: true, thinkingTokens: 1 },
  qat: [{ bits: 3, steps: 1, learningRate: 1 }],
  preference: { bits: 3 },
});

/** Rows of the first table after `heading`: the key in the first cell, the default in the second. */
function documented(heading: string): Map<string, string> {
  const section = read("docs/recipes.md").split(`\n${heading}\n`)[1]?.split(/\n#+ /u)[0] ?? "";
  return new Map(
    [...section.matchAll(/^\| `(?<key>\w+)` +\| (?<value>[^|]+?) +\|/gmu)].map(({ groups }) => [
      groups!["key"]!,
      groups!["value"]!.replaceAll("`", ""),
    ]),
  );
}

/** The number, truth value or word that a cell of a table says. */
function plainValue(text: string): number | boolean | string {
  if (text === "true" || text === "false") return text === "true";
  return Number.isNaN(Number(text)) ? text : Number(text);
}

const recipeParts: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ["## Keys", wholeRecipe],
  ["### `generation`", wholeRecipe.generation],
  ["### `quantization`", wholeRecipe.quantization],
  ["### `qat`", { ...wholeRecipe.qat[0]! }],
  ["### `preference`", { ...wholeRecipe.preference! }],
];

test.each(recipeParts)("docs/recipes.md, %s: every key and default of a recipe", (heading, part) => {
  const rows = documented(heading);
  expect([...rows.keys()].toSorted()).toEqual(Object.keys(part).toSorted());
  for (const [key, value] of Object.entries(part)) {
    const told = rows.get(key)!;
    if (told === "required" || told === "none" || typeof value === "object") continue;
    expect({ [key]: plainValue(told) }).toEqual({ [key]: value });
  }
});

test("the recipe that docs/recipes.md shows is the file, and a recipe", () => {
  expect(read("docs/recipes.md")).toContain(`\`\`\`ts\n${read("recipes/own-model.ts")}\`\`\``);
  expect(parseRunRecipe(ownModel).qat).toHaveLength(1);
});

const words = (text: string): string => text.replaceAll(/\s+/gu, " ");

test("docs/papers.md prints the rubric and the definition of degenerate outputs as the code has them", () => {
  const papers = words(read("docs/papers.md"));
  expect(papers).toContain(words(describeRubric()));
  expect(papers).toContain(words(describeDegenerate()));
});

test("docs name the files that a run writes", () => {
  const written = readdirSync(join(root, "src/verbs/run"))
    .filter((name) => !name.endsWith(".test.ts"))
    .flatMap((name) => [
      ...read(join("src/verbs/run", name)).matchAll(/"(?<file>[\w-]+\.(?:jsonl?|html))"/gu),
    ])
    .map(({ groups }) => groups!["file"]!);
  const records = read("docs/records.md");
  expect([...new Set(written)].filter((file) => !records.includes(file))).toEqual([]);
});
