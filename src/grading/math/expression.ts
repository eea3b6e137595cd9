import type { ExactNumber } from "../exact-number.ts";

/** What an answer says, read from LaTeX or plain text. */
export type Expression =
  | {
      readonly kind: "number";
      readonly value: ExactNumber;
      /** Digits after the decimal point as written; null for a numeral without one. */
      readonly decimals: number | null;
    }
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "sum"; readonly terms: readonly Expression[] }
  | { readonly kind: "product"; readonly factors: readonly Expression[] }
  | { readonly kind: "power"; readonly base: Expression; readonly exponent: Expression }
  | { readonly kind: "call"; readonly name: string; readonly inputs: readonly Expression[] }
  /** `a ± b`; `a` is 0 where nothing stands before the sign. */
  | { readonly kind: "plus-minus"; readonly center: Expression; readonly offset: Expression }
  | { readonly kind: "percent"; readonly of: Expression }
  | { readonly kind: "degree"; readonly of: Expression }
  /** `a < b ≤ c`: one operator between each two sides. */
  | {
      readonly kind: "relation";
      readonly operators: readonly RelationOperator[];
      readonly sides: readonly Expression[];
    }
  /** Items beside each other, separated by commas, semicolons, "and" or "or". */
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  /** Items in round brackets: a point, or an open interval. */
  | { readonly kind: "tuple"; readonly items: readonly Expression[] }
  | { readonly kind: "set"; readonly items: readonly Expression[] }
  | {
      readonly kind: "interval";
      readonly low: Expression;
      readonly high: Expression;
      readonly lowClosed: boolean;
      readonly highClosed: boolean;
    }
  | {
      readonly kind: "operation";
      readonly name: "union" | "intersection" | "difference";
      readonly items: readonly Expression[];
    }
  | { readonly kind: "matrix"; readonly rows: readonly (readonly Expression[])[] }
  | { readonly kind: "ratio"; readonly items: readonly Expression[] }
  | { readonly kind: "text"; readonly text: string };

/** `in` is membership; `~` stands for "about". */
export type RelationOperator = "=" | "<" | ">" | "<=" | ">=" | "!=" | "in" | "~";

/** The expression of a number without a decimal point. */
export function numberOf(value: ExactNumber): Expression {
  return { kind: "number", value, decimals: null };
}

/** Relations by the token that stands for them. */
export const relationOperators: ReadonlyMap<string, RelationOperator> = new Map([
  ["=", "="],
  ["<", "<"],
  [">", ">"],
  ["<=", "<="],
  [">=", ">="],
  ["!=", "!="],
  ["in", "in"],
  ["~", "~"],
]);
