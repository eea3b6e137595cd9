/** @file Where the final answer stands in what a model, or an author of problems, wrote. */

/** How the final answer was found, strongest first. */
export type AnswerPlace = "boxed" | "####" | "answer phrase" | "whole text" | "last formula" | "last number";

/** An answer as it was written. */
export interface FoundAnswer {
  readonly text: string;
  readonly place: AnswerPlace;
}

/** Why there is no answer to grade. */
export type NoAnswer =
  | "empty"
  | "thinking never ended"
  | "unclosed box"
  | "nothing that looks like an answer";

/** Longer texts are cut at the front: the answer stands at the end. */
const LONGEST_TEXT = 200_000;

/** Finds the final answer. */
export function findFinalAnswer(written: string): FoundAnswer | NoAnswer {
  // Long runs of spaces say nothing, and patterns would be slow on them.
  const text = afterThinking(
    written
      .slice(-LONGEST_TEXT)
      .replaceAll(/[^\S\n]{3,}/gu, "  ")
      .replaceAll(/\n{3,}/gu, "\n\n"),
  );
  if (text === null) return "thinking never ended";
  if (text.trim() === "") return "empty";
  const boxed = lastBoxes(text);
  if (boxed !== null) return boxed.trim() === "" ? "empty" : { text: boxed.trim(), place: "boxed" };
  const hash = [...text.matchAll(/####[^\S\n]*([^\n]*\d[^\n]*)/gu)].at(-1)?.[1];
  if (hash !== undefined) return { text: hash.trim(), place: "####" };
  if (isBare(text)) return { text: text.trim(), place: "whole text" };
  const phrase = answerPhrase(text);
  if (phrase !== null) return { text: phrase, place: "answer phrase" };
  if (/\\(?:boxed|fbox)\s*\{[^}]*$/u.test(text.slice(-2000))) return "unclosed box";
  return lastOf(text) ?? "nothing that looks like an answer";
}

/** The last formula or the last number outside of formulas, whichever comes later. */
function lastOf(text: string): FoundAnswer | null {
  const formula = [...text.matchAll(formulaPattern)].at(-1);
  const masked = text.replaceAll(formulaPattern, (part) => " ".repeat(part.length));
  const number = [...masked.matchAll(numberPattern)].at(-1);
  if (number !== undefined && (formula === undefined || number.index > formula.index)) {
    return { text: number[0], place: "last number" };
  }
  const inside = formula?.slice(1).find((part) => part !== undefined);
  return inside === undefined ? null : { text: inside.trim(), place: "last formula" };
}

/** What follows the reasoning of a thinking model; null when the reasoning was cut off. */
function afterThinking(text: string): string | null {
  const end = Math.max(
    text.lastIndexOf("</think>"),
    text.lastIndexOf("</thinking>"),
    text.lastIndexOf("◁/think▷"),
  );
  if (end !== -1)
    return text.slice(
      text.indexOf(">", end) === -1 ? end + 8 : Math.max(end + 8, text.indexOf(">", end) + 1),
    );
  return /<think(?:ing)?>|◁think▷/u.test(text) ? null : text;
}

interface Box {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** What may stand between two boxes of one answer: a few words, the last of them a comma, "and" or "or". */
const joins = /^[^.=<>\n]{0,40}(?:,|;|\band|\bor)$/iu;

/** The content of the last box, or of the last few that one sentence joins: `\boxed{1} and \boxed{2}`; null where there is none. */
function lastBoxes(text: string): string | null {
  const boxes = allBoxes(text);
  const last = boxes.at(-1);
  if (last === undefined) return null;
  const group = [last];
  for (let index = boxes.length - 2; index >= 0; index--) {
    const gap = text.slice(boxes[index]!.end, group[0]!.start);
    const words = gap.replaceAll(/\\(?:q?quad|text|[()[\],;! ])|[${}]/gu, " ").trim();
    if (!joins.test(words)) break;
    group.unshift(boxes[index]!);
  }
  const contents = [...new Set(group.map((box) => box.text.trim()))];
  return contents.length === 1 ? contents[0]! : contents.join(" ; ");
}

function allBoxes(text: string): Box[] {
  const boxes: Box[] = [];
  for (const match of text.matchAll(/\\(?:boxed|fbox)\s*/gu)) {
    const start = match.index;
    const from = start + match[0].length;
    if (boxes.length > 0 && start < boxes.at(-1)!.end) continue;
    if (text[from] !== "{") {
      const bare = /^[^\s$}]+/u.exec(text.slice(from, from + 100))?.[0];
      if (bare !== undefined) boxes.push({ start, end: from + bare.length, text: bare });
      continue;
    }
    const end = closingBrace(text, from);
    if (end !== null) boxes.push({ start, end: end + 1, text: text.slice(from + 1, end) });
    // The text ends, or its formula does, before the brace.
    else boxes.push({ start, end: text.length, text: text.slice(from + 1).split(/\$|\n|\\\)|\\\]/u, 1)[0]! });
  }
  return boxes;
}

/** The brace that closes the one at `open`; null when none does. `\{` counts for nothing. */
function closingBrace(text: string, open: number): number | null {
  let depth = 0;
  for (let index = open; index < text.length; index++) {
    const character = text[index];
    if (character === "\\") index++;
    else if (character === "{") depth++;
    else if (character === "}" && --depth === 0) return index;
  }
  return null;
}

const formulaPattern =
  /\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\]|\\\(([\s\S]+?)\\\)|(?<!\\)\$((?:\\.|[^$\\])+?)(?<!\\)\$/gu;

/** True for an answer without a sentence around it. */
function isBare(text: string): boolean {
  if (text.length > 1500) return false;
  // What graders stripped of its spaces is no sentence.
  if (!/\s|\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}/u.test(text.trim())) return true;
  const withoutFormulas = text
    .replaceAll(formulaPattern, " ")
    .replaceAll(/\\[a-zA-Z]+\s*(?:\{[^{}]*\})?/gu, " ");
  const words = withoutFormulas.match(/[\p{L}]{3,}/gu) ?? [];
  const prose = words.filter(
    (word) => !/^(?:sqrt|sin|cos|tan|log|ln|pi|and|or|infty|percent(?:age)?|pct|exp|frac)$/iu.test(word),
  );
  const hasFormula = formulaPattern.test(text);
  formulaPattern.lastIndex = 0;
  if (hasFormula) return prose.length === 0 && isOneFormula(text);
  // A unit may follow a value; a word before one begins a sentence.
  return prose.length === 0 || isWords(text) || (prose.length === 1 && /\p{L}{2,}[\s.^²³\d)}]*$/u.test(text));
}

/** `$21,16$ or $11$` is one answer in pieces; `$a$ … $b$` with other signs between are two formulas. */
function isOneFormula(text: string): boolean {
  const gaps = text.replaceAll(formulaPattern, "\u0000").split("\u0000");
  return gaps.every((gap) => /^[\s.,;%]*(?:and|or|percent(?:age)?|pct)?[\s.,;]*$/iu.test(gap));
}

/** A name or a short phrase is an answer of its own. */
function isWords(text: string): boolean {
  return !/\d/u.test(text) && text.trim().split(/\s+/u).length <= 6 && !/[.:]\s/u.test(text);
}

const phrasePattern =
  /(?:final answer(?: is)?|answer is|answer\s*:|answer\s*=|答案是|答案为|réponse\s*:|respuesta(?: es)?\s*:)\s*(?:therefore|thus|:|is)?\s*/giu;

/** What follows the last "the answer is" within its sentence; a formula in it, else its number. */
function answerPhrase(text: string): string | null {
  const match = [...text.matchAll(phrasePattern)].at(-1);
  if (match === undefined) return null;
  const rest = text.slice(match.index + match[0].length, match.index + match[0].length + 2000);
  const sentence = firstSentence(rest);
  const plain = sentence.replaceAll(/\*\*|^["'\s]+|["'\s]+$/gu, "");
  if (plain !== "" && isBare(plain)) return plain;
  return leadingFormula(plain) ?? leadingNumber(plain) ?? lastOf(plain)?.text ?? null;
}

/** Up to a point that ends a sentence, or an empty line; points inside numbers and formulas end none. */
function firstSentence(text: string): string {
  const masked = text.replaceAll(formulaPattern, (formula) => "\u0000".repeat(formula.length));
  const end = /\.(?=\s|$|\*)|\n\s*\n|<\|/u.exec(masked.trimStart());
  const offset = masked.length - masked.trimStart().length;
  return end === null ? text : text.slice(0, offset + end.index);
}

/** A formula that the text begins with. */
function leadingFormula(text: string): string | null {
  const formula = [...text.matchAll(formulaPattern)].at(0);
  if (formula === undefined || formula.index > 2) return null;
  return formula
    .slice(1)
    .find((part) => part !== undefined)!
    .trim();
}

const numberPattern =
  /(?<![A-Za-z\d_.,\\])[-−+]?(?:\d[\d,]*\d|\d)(?:\.\d+)?(?:\s*\/\s*\d+)?(?:\s*(?:\\?%|percent\b))?/gu;

function leadingNumber(text: string): string | null {
  const match = [...text.matchAll(numberPattern)].at(0);
  return match !== undefined && match.index <= 2 ? match[0] : null;
}
