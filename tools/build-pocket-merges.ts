/**
 * @file Trains the pocket tokenizer's merges on the generator's text and prints the file `src/tasks/pocket/merges.ts`.
 *
 * node tools/build-pocket-merges.ts > src/tasks/pocket/merges.ts
 */
import { trainBytePairs, wordPattern } from "../src/tasks/pocket/byte-pairs.ts";
import { pocketProblems } from "../src/tasks/pocket/pocket-problems.ts";

const mergesPerLine = 10;
const wordCounts = new Map<string, number>();
for (const { question, solution } of pocketProblems({ split: "train", seed: "merges", count: 40_000 })) {
  for (const text of [question, solution]) {
    for (const word of text.match(wordPattern) ?? []) wordCounts.set(word, (wordCounts.get(word) ?? 0) + 1);
  }
}
const merges = trainBytePairs(wordCounts).map((merge) => merge.join(" "));
const lines = Array.from({ length: Math.ceil(merges.length / mergesPerLine) }, (_, line) =>
  merges.slice(line * mergesPerLine, (line + 1) * mergesPerLine).join(" | "),
);
process.stdout.write(`const table = \`
${lines.join(" |\n")}
\`;

/** The pocket tokenizer's merges, earliest first; written by tools/build-pocket-merges.ts. */
export const pocketMerges: readonly string[] = table.trim().split(/ \\|\\s/);
`);
