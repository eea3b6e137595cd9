/**
 * @file The regular expressions by which quantization settings name modules, matched in a time that the file cannot choose: a pattern like
 * `(a+)+$` makes a backtracking engine hang. Each part maps the set of positions where it may start to those where it may end.
 *
 * Read are literals, escapes, `.`, `[...]`, `\d`, `\w`, groups, `|`, `*`, `+`, `?`, `^` and `$`.
 */

/** All positions of a text at which a part that starts at one of `starts` can end. */
type Part = (text: string, starts: ReadonlySet<number>) => ReadonlySet<number>;

const MAX_LENGTH = 1000;

/** Of expressions in one file: each may be tried on each module. */
export const MAX_EXPRESSIONS = 2000;

const MAX_DEPTH = 3;

/**
 * A test of module names by a regular expression; it holds when the expression fits the beginning of a name, as Python's `re.match` has it.
 * Null for an expression that is not valid or has more than the above.
 */
export function moduleExpression(pattern: string): ((module: string) => boolean) | null {
  const literal = anchoredLiteral(pattern);
  if (literal !== null) return (module) => module === literal;
  if (pattern.length > MAX_LENGTH) return null;
  const reader: Reader = { pattern, at: 0, depth: 0 };
  const part = readAlternatives(reader);
  if (part === null || reader.at < pattern.length) return null;
  return (module) => part(module, new Set([0])).size > 0;
}

/** The expression of one module. */
export function expressionOf(module: string): string {
  return `^${module.replaceAll(".", String.raw`\.`)}$`;
}

/** What `^name$` names, with its escapes removed; most patterns are such, and there may be one a module. */
function anchoredLiteral(pattern: string): string | null {
  if (!/^\^(?:[\w/:-]|\\[.\-/])*\$$/u.test(pattern)) return null;
  return pattern.slice(1, -1).replaceAll("\\", "");
}

interface Reader {
  readonly pattern: string;
  at: number;
  depth: number;
}

function readAlternatives(reader: Reader): Part | null {
  const alternatives: Part[] = [];
  do {
    const sequence = readSequence(reader);
    if (sequence === null) return null;
    alternatives.push(sequence);
  } while (accept(reader, "|"));
  return (text, starts) => new Set(alternatives.flatMap((part) => [...part(text, starts)]));
}

function readSequence(reader: Reader): Part | null {
  const parts: Part[] = [];
  while (reader.at < reader.pattern.length && !"|)".includes(reader.pattern.charAt(reader.at))) {
    const part = readPart(reader);
    if (part === null) return null;
    parts.push(readRepetition(reader, part));
  }
  return (text, starts) => parts.reduce((positions, part) => part(text, positions), starts);
}

function readPart(reader: Reader): Part | null {
  const character = reader.pattern.charAt(reader.at);
  reader.at += 1;
  switch (character) {
    case "(":
      return readGroup(reader);
    case "[":
      return readClass(reader);
    case "\\":
      return readEscape(reader);
    case ".":
      return oneCharacter(() => true);
    case "^":
      return (_text, starts) => new Set([...starts].filter((position) => position === 0));
    case "$":
      return (text, starts) => new Set([...starts].filter((position) => position === text.length));
    case "*":
    case "+":
    case "?":
    case "{":
    case "}":
    case "]":
      return null;
    default:
      return oneCharacter((other) => other === character);
  }
}

/** A part once, or as often as the sign after it says; that it prefers few (`*?`) changes nothing here. */
function readRepetition(reader: Reader, part: Part): Part {
  const sign = ["*", "+", "?"].find((candidate) => accept(reader, candidate));
  if (sign === undefined) return part;
  accept(reader, "?");
  if (sign === "?") return (text, starts) => new Set([...starts, ...part(text, starts)]);
  return (text, starts) => {
    const once = sign === "+" ? part(text, starts) : starts;
    const reached = new Set(once);
    let latest = once;
    while (latest.size > 0) {
      latest = new Set([...part(text, latest)].filter((position) => !reached.has(position)));
      for (const position of latest) reached.add(position);
    }
    return reached;
  };
}

function readGroup(reader: Reader): Part | null {
  if (reader.depth === MAX_DEPTH) return null;
  if (accept(reader, "?") && !accept(reader, ":")) return null;
  reader.depth += 1;
  const part = readAlternatives(reader);
  reader.depth -= 1;
  return accept(reader, ")") ? part : null;
}

function readEscape(reader: Reader): Part | null {
  const character = reader.pattern.charAt(reader.at);
  reader.at += 1;
  if (character === "d") return oneCharacter((other) => /[0-9]/u.test(other));
  if (character === "w") return oneCharacter((other) => /\w/u.test(other));
  // Other letters and digits stand for what we do not read: classes, boundaries, references.
  return character === "" || /\w/u.test(character) ? null : oneCharacter((other) => other === character);
}

/** `[...]` of single characters and ranges. */
function readClass(reader: Reader): Part | null {
  const end = reader.pattern.indexOf("]", reader.at + 1);
  const inside = end === -1 ? "" : reader.pattern.slice(reader.at, end);
  if (!/^\^?(?:\\?[\w.:/-])+$/u.test(inside)) return null;
  reader.at = end + 1;
  let expression: RegExp;
  try {
    expression = new RegExp(`^[${inside}]$`, "u");
  } catch {
    return null;
  }
  return oneCharacter((other) => expression.test(other));
}

function oneCharacter(fits: (character: string) => boolean): Part {
  return (text, starts) => {
    const ends = new Set<number>();
    for (const position of starts) {
      if (position < text.length && fits(text.charAt(position))) ends.add(position + 1);
    }
    return ends;
  };
}

function accept(reader: Reader, character: string): boolean {
  if (reader.pattern.charAt(reader.at) !== character) return false;
  reader.at += 1;
  return true;
}
