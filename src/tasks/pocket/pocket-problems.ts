/**
 * @file The generator of the pocket model's word problems: eight families, five levels, the whole truth of every step.
 *
 * A problem's split follows from a hash of its question, so no seed can bring a test problem into training.
 */
import { hash } from "node:crypto";
import { BitmendError } from "../../util/errors.ts";
import { randomStream } from "../../util/random.ts";
import type { RandomStream } from "../../util/random.ts";
import { checkCount } from "../check-count.ts";
import type { Split } from "../problem.ts";
import { Draft } from "./draft.ts";
import { ages } from "./families/ages.ts";
import { equations } from "./families/equations.ts";
import { fractions } from "./families/fractions.ts";
import { rates } from "./families/rates.ts";
import { sequences } from "./families/sequences.ts";
import { sharing } from "./families/sharing.ts";
import { shopping } from "./families/shopping.ts";
import { units } from "./families/units.ts";
import { pocketFamilies, pocketLevels } from "./pocket-problem.ts";
import type { PlanStep, PocketFamily, PocketLevel, PocketProblem } from "./pocket-problem.ts";

/** Which problems to draw. */
export interface PocketOptions {
  readonly split: Split;
  readonly seed: number | string;
  readonly count: number;
  /** Default: all. */
  readonly families?: readonly PocketFamily[];
  /** Default: all. */
  readonly levels?: readonly PocketLevel[];
}

/** A draft that turns out unusable is thrown away; this many in a row mean that a family and level is used up. */
const maxAttempts = 20_000;
const distractorProbability = 0.15;

const writers: Readonly<Record<PocketFamily, (draft: Draft) => string | null>> = {
  shopping,
  rates,
  fractions,
  ages,
  equations,
  units,
  sequences,
  sharing,
};

/**
 * Draws `count` problems with distinct texts, evenly over families and levels.
 *
 * Equal options give equal problems, and the first k of n are the k drawn alone; a family and level's problems do not depend on the others.
 *
 * @throws {BitmendError} `tasks/bad-options` for a count that is no whole number or empty families or levels;
 * `tasks/exhausted` when a family and level has no further texts.
 */
export function pocketProblems(options: PocketOptions): PocketProblem[] {
  checkCount("pocketProblems()", options.count);
  return Array.from({ length: options.count }, nextOf(streamPocketProblems(options)));
}

/**
 * The same problems one by one, without end: the training data.
 *
 * @yields problems of each level and family in turn
 */
export function* streamPocketProblems({
  split,
  seed,
  families = pocketFamilies,
  levels = pocketLevels,
}: Omit<PocketOptions, "count">): Generator<PocketProblem, never> {
  if (families.length === 0 || levels.length === 0) {
    throw new BitmendError(
      "tasks/bad-options",
      `pocketProblems(): expected at least one family and level, got ${families.length} and ${levels.length}.`,
    );
  }
  const cells = levels.flatMap((level) =>
    families.map((family) => ({ family, level, random: randomStream(seed, "pocket", split, family, level) })),
  );
  const seen = new Set<string>();
  for (;;) {
    for (const cell of cells) {
      const problem = drawDistinct({ ...cell, split, seen });
      seen.add(problem.id);
      yield problem;
    }
  }
}

function nextOf<Item>(iterator: Iterator<Item, never>): () => Item {
  return () => iterator.next().value;
}

interface Cell {
  readonly family: PocketFamily;
  readonly level: PocketLevel;
  readonly random: RandomStream;
  readonly split: Split;
  readonly seen: ReadonlySet<string>;
}

function drawDistinct({ family, level, random, split, seen }: Cell): PocketProblem {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const draft = new Draft(random, level + 1);
    const asked = writers[family](draft);
    if (asked === null) continue;
    if (family !== "ages" && random.next() < distractorProbability) distract(draft);
    const question = [...draft.sentences, asked].join(" ");
    const digest = hash("sha256", question, "hex");
    const id = `pocket-${digest.slice(0, 16)}`;
    if (splitOf(digest) !== split || seen.has(id)) continue;
    const { plan } = draft;
    const answer = String(plan.at(-1)!.result);
    return { id, question, answer, split, subject: family, level, plan, solution: solutionText(plan) };
  }
  throw new BitmendError(
    "tasks/exhausted",
    `pocketProblems(): expected a new ${split} problem of ${family} level ${level}, got only known ones in ${maxAttempts} attempts.`,
    { hint: "Ask for fewer problems." },
  );
}

/** The last hexadecimal digit of the question's SHA-256 decides: 0 test, 1 validation, else train. */
function splitOf(digest: string): Split {
  if (digest.endsWith("0")) return "test";
  return digest.endsWith("1") ? "validation" : "train";
}

/** Adds a sentence whose number no step needs, anywhere after the first sentence. */
function distract(draft: Draft): void {
  const number = draft.number(2, 60)!;
  const sentence = draft.random.pick([
    `The room has ${number.value} chairs.`,
    `It is ${number.value} degrees outside.`,
  ]);
  draft.sentences.splice(1 + draft.random.integer(draft.sentences.length), 0, sentence);
}

/** The plan as the text a model learns to write. */
export function solutionText(plan: readonly PlanStep[]): string {
  const lines = plan.map(
    ({ label, left, operator, right, result }) =>
      `${label}: ${left.value}${operator}${right.value}=${result}`,
  );
  return [...lines, `#### ${plan.at(-1)?.result}`].join("\n");
}
