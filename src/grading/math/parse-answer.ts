import {
  flattened,
  inverse,
  mixedNumber,
  negated,
  numeral,
  primed,
  raised,
  sumOf,
} from "./build-expression.ts";
import { exactNumber } from "../exact-number.ts";
import { numberOf, relationOperators, type Expression, type RelationOperator } from "./expression.ts";
import { NotMathematics, TokenCursor } from "./token-cursor.ts";
import { tokenize, type Reading } from "./tokens.ts";

/** Reads an answer; null when it is no mathematics that this grammar knows. */
export function parseAnswer(text: string, reading: Reading = {}): Expression | null {
  const tokens = tokenize(text, reading);
  if (tokens === null || tokens.length === 0) return null;
  try {
    return new Parser(tokens).whole();
  } catch (error) {
    if (error instanceof NotMathematics) return null;
    throw error;
  }
}

const closers: Readonly<Record<string, string>> = { "(": ")", "[": "]", "\\{": "\\}" };

/** Recursive descent: list, relation, union, ratio, sum, product, power, atom. */
class Parser extends TokenCursor {
  /** Inside `|...|` a bar closes. */
  #bars = 0;

  whole(): Expression {
    const expression = this.#list();
    if (!this.isAtEnd()) throw new NotMathematics();
    return expression;
  }

  /** Lists of lists: `;`, "and" and "or" bind weaker than a comma. */
  #list(): Expression {
    const groups: Expression[] = [];
    do {
      const items = this.#commaItems();
      if (items.length > 0) groups.push(items.length === 1 ? items[0]! : { kind: "list", items });
    } while (this.#separator());
    if (groups.length === 0) throw new NotMathematics();
    return groups.length === 1 ? groups[0]! : flattened(groups);
  }

  #separator(): boolean {
    const token = this.peek();
    const isWord = token?.type === "text" && /^(?:,|;|and|or|, ?and|, ?or|和|或)$/iu.test(token.text);
    if (isWord) this.index++;
    else if (this.take(";", "and", "or") === null) return false;
    return true;
  }

  #commaItems(): Expression[] {
    const items: Expression[] = [];
    while (!this.isAtEnd()) {
      if (this.isNext(")", "]", "\\}", "}", ";", "and", "or")) break;
      if (this.#bars > 0 && this.isNext("|")) break;
      items.push(this.#relation());
      if (this.take(",") === null) break;
      // "19, 46, and 82" is one list.
      this.#separator();
    }
    return items;
  }

  #relation(): Expression {
    const sides: Expression[] = [];
    const operators: RelationOperator[] = [];
    // `= 5` is 5.
    if (relationOperators.has(this.peek()?.text ?? "") && this.peek()?.type === "operator") this.index++;
    for (;;) {
      sides.push(this.#sets());
      const token = this.peek();
      const operator = token?.type === "operator" ? relationOperators.get(token.text) : undefined;
      if (operator === undefined) break;
      this.index++;
      operators.push(operator);
    }
    return sides.length === 1 ? sides[0]! : { kind: "relation", operators, sides };
  }

  #sets(): Expression {
    let left = this.#ratio();
    for (;;) {
      const name = this.take("union", "intersection", "difference");
      if (name !== "union" && name !== "intersection" && name !== "difference") return left;
      const right = this.#ratio();
      const before = left.kind === "operation" && left.name === name ? left.items : [left];
      left = { kind: "operation", name, items: [...before, right] };
    }
  }

  #ratio(): Expression {
    const items = [this.#sum()];
    while (this.take(":") !== null) items.push(this.#sum());
    return items.length === 1 ? items[0]! : { kind: "ratio", items };
  }

  /** A sum, and what it is taken modulo. */
  #sum(): Expression {
    const sum = this.#plainSum();
    const token = this.peek();
    if (token?.type !== "structure" || !/^[pb]?mod$/u.test(token.text)) return sum;
    this.index++;
    return { kind: "call", name: "mod", inputs: [sum, this.deeper(() => this.#power())] };
  }

  #plainSum(): Expression {
    const terms: Expression[] = [];
    let plusMinus: { center: Expression; offset: Expression } | null = null;
    let sign = this.take("+", "-", "±", "∓");
    for (;;) {
      const term = this.#product();
      if (sign === "±" || sign === "∓") {
        if (plusMinus !== null) throw new NotMathematics();
        plusMinus = { center: sumOf(terms.splice(0)), offset: term };
      } else terms.push(sign === "-" ? negated(term) : term);
      sign = this.take("+", "-", "±", "∓");
      if (sign === null) break;
    }
    if (plusMinus === null) return sumOf(terms);
    // What comes after the second sign stands on both sides.
    const center = terms.length === 0 ? plusMinus.center : sumOf([plusMinus.center, ...terms]);
    return { kind: "plus-minus", center, offset: plusMinus.offset };
  }

  #product(): Expression {
    const factors = [this.#signedPower()];
    for (;;) {
      const operator = this.take("*", "/");
      if (operator === "/") factors.push(inverse(this.#signedPower()));
      else if (operator === "*") factors.push(this.#signedPower());
      else if (this.#startsFactor()) this.#juxtaposed(factors);
      else break;
    }
    return factors.length === 1 ? factors[0]! : { kind: "product", factors };
  }

  /** A factor without a sign between; text after a value is its unit and stays out of it. */
  #juxtaposed(factors: Expression[]): void {
    const token = this.peek();
    if (token?.type === "text") {
      this.index++;
      return;
    }
    const before = factors.at(-1)!;
    const isMixed = before.kind === "number" && before.decimals === null && token?.text === "frac";
    const factor = this.#power();
    const mixed = isMixed ? mixedNumber(before, factor) : null;
    if (mixed === null) factors.push(factor);
    else factors[factors.length - 1] = mixed;
  }

  #startsFactor(): boolean {
    const token = this.peek();
    if (token === undefined) return false;
    if (token.type === "text") return !/^(?:,|;|and|or|, ?and|, ?or)$/iu.test(token.text);
    if (token.type === "operator") {
      if (token.text === "|") return this.#bars === 0;
      return ["(", "{", "lfloor", "lceil", "\\{"].includes(token.text);
    }
    return token.type !== "structure" || !/^end|mod$/u.test(token.text);
  }

  #signedPower(): Expression {
    const sign = this.take("+", "-");
    if (sign === null) return this.#power();
    const power = this.deeper(() => this.#signedPower());
    return sign === "-" ? negated(power) : power;
  }

  #power(): Expression {
    let base = this.#atom();
    for (;;) {
      if (this.take("^") !== null) {
        // x^\circ is a degree, f^{-1} a power, x' a name.
        if (this.take("°") !== null) base = { kind: "degree", of: base };
        else base = raised(base, this.#exponent());
      } else if (this.take("!") !== null) base = { kind: "call", name: "factorial", inputs: [base] };
      else if (this.take("%") !== null) base = { kind: "percent", of: base };
      else if (this.take("°") !== null) base = { kind: "degree", of: base };
      else if (this.take("'") !== null) base = primed(base);
      else if (this.isNext("_")) base = this.#subscripted(base);
      else return base;
    }
  }

  #exponent(): Expression {
    if (this.isNext("{")) return this.#braced();
    const sign = this.take("-", "+");
    const atom = this.deeper(() => (this.isNext("{") ? this.#braced() : this.#atom()));
    const exponent =
      this.take("^") === null
        ? atom
        : raised(
            atom,
            this.deeper(() => this.#exponent()),
          );
    return sign === "-" ? negated(exponent) : exponent;
  }

  /** A braced group: `{x+1}`, or `{°}` after `^`. */
  #braced(): Expression {
    this.expect("{");
    if (this.take("°") !== null) {
      this.expect("}");
      return numberOf(exactNumber(1n));
    }
    const inner = this.deeper(() => this.#list());
    this.expect("}");
    return inner;
  }

  #subscripted(base: Expression): Expression {
    this.expect("_");
    const subscript = this.skipArgument();
    // The base of a number: 1101_2.
    if (base.kind === "number") {
      return { kind: "call", name: "in-base", inputs: [base, parseAnswer(subscript) ?? base] };
    }
    if (base.kind !== "symbol") return base;
    return { kind: "symbol", name: `${base.name}_${subscript}` };
  }

  #atom(): Expression {
    const token = this.peek();
    if (token === undefined) throw new NotMathematics();
    switch (token.type) {
      case "number":
        this.index++;
        return numeral(token.text);
      case "symbol":
        this.index++;
        return this.#symbol(token.text);
      case "text":
        this.index++;
        return { kind: "text", text: token.text };
      case "function":
        this.index++;
        return this.#call(token.text);
      case "structure":
        this.index++;
        return this.#structure(token.text);
      case "operator":
        return this.deeper(() => this.#bracketed());
      default:
        return token satisfies never;
    }
  }

  /** A letter; `f`, `g` and `h` before a bracket are functions. */
  #symbol(name: string): Expression {
    if (!/^[fgh]$/u.test(name) || !this.isNext("(")) return { kind: "symbol", name };
    this.expect("(");
    const inside = this.deeper(() => this.#commaItems());
    this.expect(")");
    return { kind: "call", name, inputs: inside };
  }

  #call(name: string): Expression {
    if (name === "sqrt") return this.#root();
    let exponent: Expression | null = null;
    let base: Expression | null = null;
    for (;;) {
      if (this.take("^") !== null) exponent = this.#exponent();
      else if (this.isNext("_")) {
        this.expect("_");
        base = this.deeper(() => (this.isNext("{") ? this.#braced() : this.#atom()));
      } else break;
    }
    const inputs = this.#inputs();
    const isInverse = exponent?.kind === "number" && exponent.value.numerator === -1n;
    const inverted = isInverse && /^(?:sin|cos|tan)$/u.test(name) ? `arc${name}` : name;
    const call: Expression = {
      kind: "call",
      name: inverted,
      inputs: base === null ? inputs : [...inputs, base],
    };
    return exponent === null || inverted !== name ? call : raised(call, exponent);
  }

  /** `f(x, y)`, `f{x}`, or what follows up to the next sign: `sin 2x`. */
  #inputs(): Expression[] {
    const open = this.take("(", "{", "[");
    if (open !== null) {
      const items = this.deeper(() => this.#commaItems());
      this.expect(open === "{" ? "}" : closers[open]!);
      return items;
    }
    const factors = [this.deeper(() => this.#signedPower())];
    for (;;) {
      const token = this.peek();
      if (token?.type !== "symbol" && token?.type !== "number" && token?.text !== "frac") break;
      factors.push(this.deeper(() => this.#power()));
    }
    // `\sin \pi/3`: what is divided belongs to the argument when it is a plain number.
    if (this.isNext("/") && this.peek(1)?.type === "number") {
      this.index++;
      factors.push(inverse(this.#atom()));
    }
    return [factors.length === 1 ? factors[0]! : { kind: "product", factors }];
  }

  #root(): Expression {
    let degree: Expression = numberOf(exactNumber(2n));
    if (this.take("[") !== null) {
      degree = this.deeper(() => this.#sum());
      this.expect("]");
    }
    const radicand = this.deeper(() => {
      if (this.isNext("{")) return this.#braced();
      if (this.isNext("(")) return this.#bracketed();
      return this.#argument();
    });
    return raised(radicand, inverse(degree));
  }

  /** One argument as TeX takes it: a group, or a single character; `\frac12`. */
  #argument(): Expression {
    if (this.isNext("{")) return this.#braced();
    return this.deeper(() => this.#atom());
  }

  /** `\frac12` and `\frac1{72}`: TeX takes one digit, so a run of them is cut. */
  #digitArgument(rest: { text: string | null }): Expression {
    if (rest.text === null) {
      const token = this.peek();
      if (token?.type !== "number" || !/^\d\d+$/u.test(token.text)) return this.#argument();
      this.index++;
      rest.text = token.text;
    }
    const digit = rest.text[0]!;
    rest.text = rest.text.length > 1 ? rest.text.slice(1) : null;
    return numeral(digit);
  }

  #structure(text: string): Expression {
    const [name = "", environment = ""] = text.split(" ");
    if (name === "frac" || name === "binom") {
      const rest: { text: string | null } = { text: null };
      const top = this.#digitArgument(rest);
      const bottom = this.#digitArgument(rest);
      const result: Expression =
        name === "binom"
          ? { kind: "call", name: "binom", inputs: [top, bottom] }
          : { kind: "product", factors: [top, inverse(bottom)] };
      if (rest.text === null) return result;
      return { kind: "product", factors: [result, numeral(rest.text)] };
    }
    if (name === "begin") return this.deeper(() => this.#environment(environment));
    if (name === "sum" || name === "prod" || name === "int" || name === "lim") return this.#bigOperator(name);
    throw new NotMathematics();
  }

  /** `\sum_{k=0}^{n} a_k` as a function of its bounds and body: equal when they are. */
  #bigOperator(name: string): Expression {
    const inputs: Expression[] = [];
    while (this.isNext("_", "^")) {
      this.index++;
      inputs.push(this.deeper(() => (this.isNext("{") ? this.#braced() : this.#atom())));
    }
    inputs.push(this.deeper(() => this.#product()));
    return { kind: "call", name, inputs };
  }

  #environment(name: string): Expression {
    const rows: Expression[][] = [[]];
    while (this.peek()?.text.startsWith("end ") !== true) {
      if (this.isAtEnd()) throw new NotMathematics();
      if (this.take("\\\\") !== null) rows.push([]);
      else if (this.take("&", ",") === null) rows.at(-1)!.push(this.#relation());
    }
    this.index++;
    const filled = rows.filter((row) => row.length > 0);
    if (filled.length === 0) throw new NotMathematics();
    if (/matrix$|^array$/u.test(name)) return { kind: "matrix", rows: filled };
    return { kind: "list", items: filled.flat() };
  }

  #bracketed(): Expression {
    const open = this.take("(", "[", "\\{", "{", "|", "lfloor", "lceil", "]");
    if (open === null) throw new NotMathematics();
    if (open === "{") {
      this.index--;
      return this.#braced();
    }
    if (open === "lfloor" || open === "lceil") {
      const inner = this.#sum();
      this.expect(open === "lfloor" ? "rfloor" : "rceil");
      return { kind: "call", name: open === "lfloor" ? "floor" : "ceil", inputs: [inner] };
    }
    if (open === "|") return this.#absolute();
    if (open === "\\{") return this.#set();
    return this.#pair(open);
  }

  #absolute(): Expression {
    this.#bars++;
    const inner = this.#sum();
    this.#bars--;
    this.expect("|");
    return { kind: "call", name: "abs", inputs: [inner] };
  }

  /** `\{1, 2\}`, or `\{x | x > 0\}`, which is what its condition says. */
  #set(): Expression {
    const items: Expression[] = [];
    while (this.take("\\}") === null) {
      if (this.isAtEnd()) throw new NotMathematics();
      if (this.take("|", ":", ";") !== null && items.length === 1) {
        const conditions = this.#commaItems();
        this.expect("\\}");
        if (conditions.length !== 1) throw new NotMathematics();
        return conditions[0]!;
      }
      if (this.take(",", "and", "or") === null) items.push(this.#setItem());
    }
    return { kind: "set", items };
  }

  #setItem(): Expression {
    if (this.take("...") !== null) return { kind: "symbol", name: "..." };
    this.#bars++;
    const item = this.#relation();
    this.#bars--;
    return item;
  }

  /** Round brackets, square brackets and half-open intervals. */
  #pair(open: string): Expression {
    const bars = this.#bars;
    this.#bars = 0;
    const inner = this.#list();
    this.#bars = bars;
    const close = this.take(")", "]", "[");
    if (close === null) throw new NotMathematics();
    const items = inner.kind === "list" ? inner.items : [inner];
    if (open === "(" && close === ")") return items.length === 1 ? items[0]! : { kind: "tuple", items };
    if (items.length === 2) {
      // ]a, b[ is how some write (a, b).
      const [lowClosed, highClosed] = [open === "[", close === "]"];
      return { kind: "interval", low: items[0]!, high: items[1]!, lowClosed, highClosed };
    }
    if (open === "[" && close === "]") return items.length === 1 ? items[0]! : { kind: "list", items };
    throw new NotMathematics();
  }
}
