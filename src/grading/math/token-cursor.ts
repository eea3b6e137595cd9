import type { Token } from "./tokens.ts";

/** Thrown by a parser for what is no mathematics it knows. */
export class NotMathematics extends Error {}

/** Deeper nesting is refused, so that a thousand brackets end the reading and not the program. */
const DEEPEST = 60;

/** A place in a list of tokens. */
export class TokenCursor {
  protected readonly tokens: readonly Token[];
  protected index = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  protected isAtEnd(): boolean {
    return this.index >= this.tokens.length;
  }

  protected peek(offset = 0): Token | undefined {
    return this.tokens[this.index + offset];
  }

  protected isNext(...operators: readonly string[]): boolean {
    const token = this.peek();
    return token?.type === "operator" && operators.includes(token.text);
  }

  /** Steps over the next token if it is one of these operators. */
  protected take(...operators: readonly string[]): string | null {
    if (!this.isNext(...operators)) return null;
    return this.tokens[this.index++]!.text;
  }

  protected expect(operator: string): void {
    if (this.take(operator) === null) throw new NotMathematics();
  }

  protected deeper<Result>(read: () => Result): Result {
    if (++this.#depth > DEEPEST) throw new NotMathematics();
    const result = read();
    this.#depth--;
    return result;
  }

  /** Steps over one argument as TeX takes it, a group or a single token; its text without braces. */
  protected skipArgument(): string {
    const from = this.index;
    let depth = 0;
    do {
      if (this.isNext("{")) depth++;
      if (this.isNext("}")) depth--;
      this.index++;
    } while (depth > 0 && !this.isAtEnd());
    return this.tokens
      .slice(from, this.index)
      .map(({ text }) => text)
      .join("")
      .replaceAll(/[{}]/gu, "");
  }
}
