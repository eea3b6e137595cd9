import {
  functionNames,
  operatorCommands,
  silentCommands,
  splitCommand,
  structureCommands,
  styleCommands,
  symbolCommands,
  textCommands,
} from "./latex-names.ts";

/** A piece of an answer. */
export type Token =
  | { readonly type: "number"; readonly text: string }
  /** A letter, or a symbol with a name. */
  | { readonly type: "symbol"; readonly text: string }
  | { readonly type: "function"; readonly text: string }
  /** Prose. */
  | { readonly type: "text"; readonly text: string }
  /** `\frac`, `\begin{pmatrix}` … without the backslash. */
  | { readonly type: "structure"; readonly text: string }
  | { readonly type: "operator"; readonly text: string };

/** How ambiguous spellings are read. */
export interface Reading {
  /** `2,74` is a number, not two. */
  readonly decimalComma?: boolean;
}

/** Longer answers are not read: nobody means them, and time must stay bounded. */
const LONGEST_ANSWER = 3000;

const characters: ReadonlyMap<string, string> = new Map([
  ["−", "-"],
  ["–", "-"],
  ["×", "*"],
  ["·", "*"],
  ["⋅", "*"],
  ["∙", "*"],
  ["÷", "/"],
  ["≤", "<="],
  ["≥", ">="],
  ["≠", "!="],
  ["≈", "~"],
  ["∈", "in"],
  ["∪", "union"],
  ["∩", "intersection"],
  ["±", "±"],
  ["∓", "∓"],
  ["°", "°"],
  ["（", "("],
  ["）", ")"],
  ["，", ","],
  ["：", ":"],
]);

const letters: ReadonlyMap<string, string> = new Map([
  ["π", "pi"],
  ["∞", "infinity"],
  ["θ", "theta"],
  ["α", "alpha"],
  ["β", "beta"],
  ["γ", "gamma"],
  ["λ", "lambda"],
  ["μ", "mu"],
  ["ω", "omega"],
  ["φ", "phi"],
  ["∅", "emptyset"],
]);

const superscripts: ReadonlyMap<string, string> = new Map([
  ["²", "2"],
  ["³", "3"],
  ["⁴", "4"],
]);

const fractions: ReadonlyMap<string, string> = new Map([
  ["½", "1/2"],
  ["⅓", "1/3"],
  ["⅔", "2/3"],
  ["¼", "1/4"],
  ["¾", "3/4"],
]);

/** Cuts an answer into tokens; null when it is too long or holds a character that no answer holds. */
export function tokenize(text: string, reading: Reading = {}): Token[] | null {
  if (text.length > LONGEST_ANSWER) return null;
  const scanner = new Scanner(prepare(text), reading);
  return scanner.scan();
}

/** Spellings that are easier to change than to read. */
function prepare(text: string): string {
  return (
    text
      .replaceAll(/\\\\|\\!|\{\}|\\[;:> \n]|~|\u00A0/gu, spaceOf)
      .replaceAll(/(\d)(?:\\,|\s)(?=\d{3}(?:\D|$))/gu, "$1")
      .replaceAll("\\,", " ")
      .replaceAll("{,}", ",")
      // 1 1/2
      .replaceAll(/(?<![\d./^_{])(\d+)\s+(\d+)\s*\/\s*(\d+)(?![\d/])/gu, "($1+$2/$3)")
      .replaceAll(/\\mathbb\s*(?:R(?![a-zA-Z])|\{\s*R\s*\})|ℝ/gu, "(-\\infty,\\infty)")
      .replaceAll("**", "^")
      .replaceAll(/\\\(|\\\)|\$|\\\[|\\\]|\\\$|€|£|¥|\*$/gu, " ")
      .replaceAll(/([²³⁴])/gu, (mark) => `^${superscripts.get(mark)!}`)
      .replaceAll(/[½⅓⅔¼¾]/gu, (mark) => `(${fractions.get(mark)!})`)
      .replaceAll("√", "\\sqrt ")
  );
}

/** A row of a matrix ends with two backslashes, and a space may follow them. */
function spaceOf(mark: string): string {
  if (mark === "\\\\") return mark;
  return mark === "\\!" || mark === "{}" ? "" : " ";
}

class Scanner {
  readonly #text: string;
  readonly #reading: Reading;
  readonly #tokens: Token[] = [];
  #index = 0;
  /** Open brackets in which a comma separates. */
  #depth = 0;

  constructor(text: string, reading: Reading) {
    this.#text = text;
    this.#reading = reading;
  }

  scan(): Token[] | null {
    while (this.#index < this.#text.length) {
      const rest = this.#text.slice(this.#index, this.#index + 80);
      const space = /^\s+/u.exec(rest);
      if (space !== null) this.#index += space[0].length;
      else if (!(this.#command() || this.#number(rest) || this.#word(rest) || this.#operator(rest)))
        return null;
    }
    return this.#tokens;
  }

  #push(type: Token["type"], text: string): true {
    this.#tokens.push({ type, text });
    if (text === "(" || text === "[" || text === "\\{") this.#depth++;
    if (text === ")" || text === "]" || text === "\\}") this.#depth--;
    return true;
  }

  #command(): boolean {
    if (this.#text[this.#index] !== "\\") return false;
    const next = this.#text[this.#index + 1] ?? "";
    if (!/[a-z]/iu.test(next)) {
      this.#index += 2;
      if (next === "\\") return this.#push("operator", "\\\\");
      if (next === "{" || next === "}") return this.#push("operator", `\\${next}`);
      if (next === "%") return this.#push("operator", "%");
      if (next === "|") return this.#push("operator", "|");
      if (next === "_" || next === "#" || next === "&" || next === "") return true;
      this.#index--;
      return true;
    }
    const run = /^[a-zA-Z]+/u.exec(this.#text.slice(this.#index + 1, this.#index + 60))![0];
    const [name, rest] = splitCommand(run);
    this.#index += 1 + run.length - rest.length;
    return this.#named(name);
  }

  #named(name: string): boolean {
    if (silentCommands.has(name) || styleCommands.has(name)) return true;
    if (textCommands.has(name)) return this.#push("text", this.#group());
    if (structureCommands.has(name)) return this.#structure(name);
    const operator = operatorCommands.get(name);
    if (operator !== undefined) return operator === "named" || this.#push("operator", operator);
    const meaning = functionNames.get(name);
    if (meaning !== undefined) return this.#push("function", meaning);
    return this.#push("symbol", symbolCommands.get(name) ?? name);
  }

  #structure(name: string): true {
    if (name === "sqrt") return this.#push("function", "sqrt");
    const plain = name.replace(/^[dtc](?=frac|binom)/u, "");
    if (name !== "begin" && name !== "end") return this.#push("structure", plain);
    const environment = this.#group().replace("*", "");
    // The columns of an array.
    const columns = /^\s*\{[clr|\s]*\}/u.exec(this.#text.slice(this.#index, this.#index + 60));
    if (environment === "array" && columns !== null) this.#index += columns[0].length;
    return this.#push("structure", `${name} ${environment}`);
  }

  /** The text of a group in braces, which is left behind; nested ones are kept. */
  #group(): string {
    const start = /^\s*\{/u.exec(this.#text.slice(this.#index, this.#index + 20));
    if (start === null) return "";
    let depth = 0;
    const from = this.#index + start[0].length;
    for (let index = from; index < this.#text.length; index++) {
      const character = this.#text[index];
      if (character === "{") depth++;
      if (character === "}" && depth-- === 0) {
        this.#index = index + 1;
        return this.#text.slice(from, index).trim();
      }
    }
    this.#index = this.#text.length;
    return this.#text.slice(from).trim();
  }

  #number(rest: string): boolean {
    const scientific = /^(\d+(?:\.\d+)?)[eE]([+-]?\d{1,3})(?![\d.])/u.exec(rest);
    if (scientific !== null) return this.#scientific(scientific);
    const run = /^(?:\d[\d,]*\d|\d)(?:\.\d+)?|^\.\d+/u.exec(rest)?.[0];
    if (run === undefined) return false;
    const text = this.#readNumeral(run);
    this.#index += text.length;
    // A point that ends a number, not a sentence.
    if (/^\.(?=\s*[*/^+)-])/u.test(this.#text.slice(this.#index))) this.#index++;
    return this.#push("number", this.#plainNumeral(text));
  }

  /** 1e-3, as programs print it. */
  #scientific([all, mantissa, exponent]: RegExpExecArray): true {
    this.#index += all.length;
    this.#push("number", mantissa!);
    for (const text of ["*", "(", "10", "^", "(", exponent!.replace(/^\+/u, ""), ")", ")"]) {
      if (text.startsWith("-")) this.#push("operator", "-");
      this.#push(/\d/u.test(text) ? "number" : "operator", text.replace("-", ""));
    }
    return true;
  }

  /** How much of a run of digits and commas is one number. */
  #readNumeral(run: string): string {
    if (!run.includes(",")) return run;
    const isGrouped = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/u.test(run);
    if (this.#depth === 0 && isGrouped && !run.startsWith("0")) return run;
    const isDecimal = /^\d+,\d+$/u.test(run) && (!/,\d{3}$/u.test(run) || run.startsWith("0,"));
    if (this.#reading.decimalComma === true && isDecimal) return run;
    return /^\d+/u.exec(run)![0];
  }

  #plainNumeral(text: string): string {
    const isDecimal = this.#reading.decimalComma === true && /^\d+,\d+$/u.test(text);
    return isDecimal && (!/,\d{3}$/u.test(text) || text.startsWith("0,"))
      ? text.replace(",", ".")
      : text.replaceAll(",", "");
  }

  #word(rest: string): boolean {
    const named = letters.get(rest[0]!);
    if (named !== undefined) {
      this.#index++;
      return this.#push("symbol", named);
    }
    const run = /^[a-zA-Z]+/u.exec(rest)?.[0];
    if (run === undefined) return false;
    const word = /^(?:and|or)$/iu.test(run) ? run.toLowerCase() : null;
    if (word !== null) {
      this.#index += run.length;
      return this.#push("operator", word);
    }
    const name = [...functionNames.keys()].find((each) => each.length > 1 && run.startsWith(each));
    if (name !== undefined && !/^(?:arg|deg|dim|det|max|min|lg|tg|Re|Im)/u.test(run)) {
      this.#index += name.length;
      return this.#push("function", functionNames.get(name)!);
    }
    const constant = /^(?:pi|infty|infinity|inf|oo)(?![a-z])/u.exec(run)?.[0];
    if (constant !== undefined) {
      this.#index += constant.length;
      return this.#push("symbol", constant === "pi" ? "pi" : "infinity");
    }
    return this.#letters(run);
  }

  /** Letters beside each other are factors, but a long run is a word. */
  #letters(run: string): true {
    const joined = /^([a-z\d]+?)(and|or)([a-zA-Z])/u.exec(run);
    if (run.length > 3 && joined === null) {
      this.#index += run.length;
      return this.#push("text", run);
    }
    const glued = /^(?:and|or)(?=[A-Z\d(]|$)/u.exec(run)?.[0];
    if (glued !== undefined) {
      this.#index += glued.length;
      return this.#push("operator", glued);
    }
    this.#index++;
    return this.#push("symbol", run[0]!);
  }

  #operator(rest: string): boolean {
    const long = /^(?:<=|>=|!=|==|\+-|\.\.\.)/u.exec(rest)?.[0];
    if (long !== undefined) {
      this.#index += long.length;
      return this.#push("operator", long === "==" ? "=" : long === "+-" ? "±" : long);
    }
    const character = rest[0]!;
    const operator =
      characters.get(character) ?? (/[+\-*/^_()[\]{},;:=<>|!'%&.?"]/u.test(character) ? character : null);
    if (operator === null) return false;
    this.#index++;
    // What ends a sentence, or marks speech, means nothing.
    return /^[.?"]$/u.test(operator) ? true : this.#push("operator", operator);
  }
}
