/**
 * Whether a module's name fits a pattern: a name in which `*` stands for any characters, e.g. `*.down_proj` or `model.layers.0.*`.
 *
 * Not a regular expression, on purpose: patterns come from outside, and this takes time of name times pattern whatever they are.
 */
export function matchesPattern(module: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return module === pattern;
  if (!module.startsWith(first)) return false;
  let position = first.length;
  // The leftmost place of each literal leaves the most room for those after it.
  for (const literal of rest) {
    const found = module.indexOf(literal, position);
    if (found === -1) return false;
    position = found + literal.length;
  }
  return module.length - last.length >= position && module.endsWith(last);
}
