import { type ExactNumber, parseExactNumber } from "../grading/exact-number.ts";

/** Every number a text states in digits, in order; signs are not read, so `5-3` states 5 and 3. */
export function questionNumbers(text: string): ExactNumber[] {
  const numerals = text.match(/\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?|\.\d+/g) ?? [];
  return numerals.flatMap((numeral) => parseExactNumber(numeral) ?? []);
}
