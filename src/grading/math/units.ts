/** @file Units that answers are written with. */

const spellings: readonly (readonly string[])[] = [
  ["mm", "millimeter", "millimetre"],
  ["cm", "centimeter", "centimetre"],
  ["dm", "decimeter", "decimetre"],
  ["m", "meter", "metre"],
  ["km", "kilometer", "kilometre"],
  ["inch", "inches", "in"],
  ["ft", "foot", "feet"],
  ["yd", "yard"],
  ["mile", "mi"],
  ["mg", "milligram"],
  ["g", "gram"],
  ["kg", "kilogram"],
  ["lb", "lbs", "pound"],
  ["oz", "ounce"],
  ["ms", "millisecond"],
  ["s", "sec", "second"],
  ["min", "minute"],
  ["h", "hr", "hrs", "hour"],
  ["day"],
  ["week"],
  ["month"],
  ["year", "yr"],
  ["ml", "milliliter", "millilitre"],
  ["l", "liter", "litre"],
  ["cent"],
  ["dollar"],
  ["mph"],
  ["km/h", "kmh"],
  ["m/s"],
];

const canonical = new Map(spellings.flatMap((names) => names.map((name) => [name, names[0]!])));

/** Letters that may stand right behind a number as a unit and not as factors. */
const unitEnd =
  /(?<=[\d})\]%]\s*)(?:\\(?:text|mathrm|mbox|textbf|rm)\s*\{\s*)?(square|cubic|sq\.?|cu\.?)?\s*([a-zA-Z]+(?:\/[a-zA-Z]+)?)\.?\s*\}?\s*(?:\^\s*\{?\s*([23])\s*\}?|([²³]))?\s*\}?$/u;

/** A unit at the end of an answer, by its usual name and power; null where there is none that is known. */
export function trailingUnit(text: string): { readonly unit: string; readonly rest: string } | null {
  const match = unitEnd.exec(text);
  if (match === null) return null;
  const [, prefix = "", word = "", power, superscript] = match;
  const name =
    canonical.get(word) ??
    canonical.get(word.toLowerCase()) ??
    canonical.get(word.toLowerCase().replace(/e?s$/u, ""));
  if (name === undefined) return null;
  const exponent =
    power ??
    (superscript === "²" || prefix.startsWith("sq") ? "2" : superscript === "³" || prefix !== "" ? "3" : "1");
  return { unit: `${name}^${exponent}`, rest: text.slice(0, match.index).trim() };
}
