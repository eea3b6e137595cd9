import type { RandomStream } from "../../util/random.ts";
import type { Operand, Operator, PlanStep } from "./pocket-problem.ts";

/** Something that can happen in a problem's story; takes `steps` solution steps. */
export interface StoryEvent {
  readonly steps: number;
  /** May only end a story. Default: false. */
  readonly closing?: boolean;
  /** Writes sentence and steps, or changes nothing and returns false where the current numbers do not allow it. */
  readonly happen: () => boolean;
}

const smallestAnswer = 2;

/** A problem being written: its sentences, its plan, and number draws that keep the arithmetic small. */
export class Draft {
  readonly random: RandomStream;
  /** Steps the finished plan has. */
  readonly stepCount: number;
  /** No result exceeds this. */
  readonly cap: number;
  readonly plan: PlanStep[] = [];
  readonly sentences: string[] = [];
  readonly #used = new Set<number>();

  constructor(random: RandomStream, stepCount: number) {
    this.random = random;
    this.stepCount = stepCount;
    this.cap = random.next() < 0.88 ? 199 : 480;
  }

  get remaining(): number {
    return this.stepCount - this.plan.length;
  }

  say(sentence: string): void {
    this.sentences.push(sentence);
  }

  step(label: string, left: Operand, [operator, right]: readonly [Operator, Operand]): Operand {
    const result = apply(left.value, operator, right.value);
    this.plan.push({ label, left, operator, right, result });
    return { value: result, source: this.plan.length - 1 };
  }

  /** A number for the text in [low, high], one not used before if that is easily found; null where the range is empty. */
  number(low: number, high: number): Operand | null {
    if (high < low) return null;
    let value = low;
    for (let attempt = 0; attempt < 6; attempt++) {
      value = low + this.random.integer(high - low + 1);
      if (!this.#used.has(value)) break;
    }
    this.#used.add(value);
    return { value, source: "problem" };
  }

  /** What can be added to `value`. */
  addend({ value }: Operand): Operand | null {
    return this.number(2, Math.min(this.random.next() < 0.5 ? 20 : 75, this.cap - value));
  }

  /** What can be taken from `value`. */
  subtrahend({ value }: Operand): Operand | null {
    return this.number(2, Math.min(this.random.next() < 0.5 ? 20 : 75, value - smallestAnswer));
  }

  /** A one-digit factor of `value`. */
  factor({ value }: Operand): Operand | null {
    return value > 99 ? null : this.number(2, Math.min(9, Math.floor(this.cap / Math.max(value, 1))));
  }

  /** A number from 2 to 10 that divides `value`. */
  divisor({ value }: Operand): Operand | null {
    const divisors: number[] = [];
    for (let divisor = 2; divisor <= 10; divisor++) {
      if (value % divisor === 0 && value / divisor >= smallestAnswer) divisors.push(divisor);
    }
    const fresh = divisors.filter((divisor) => !this.#used.has(divisor));
    const candidates = fresh.length > 0 ? fresh : divisors;
    if (candidates.length === 0) return null;
    const divisor = this.random.pick(candidates);
    return this.number(divisor, divisor);
  }

  /** Two factors, the first of one digit, whose product is at most `limit`. */
  factors(limit: number): readonly [Operand, Operand] | null {
    const small = this.random.next() < 0.7;
    const first = this.number(2, Math.min(9, Math.floor(limit / 2)));
    if (first === null) return null;
    const second = this.number(2, Math.min(small ? 9 : 25, Math.floor(limit / first.value)));
    return second === null ? null : [first, second];
  }

  /** Lets events happen until the plan is full; false if the numbers ran into a dead end. */
  unfold(events: readonly StoryEvent[]): boolean {
    for (let attempt = 0; attempt < 40 && this.remaining > 0; attempt++) {
      const { remaining } = this;
      const possible = events.filter(
        ({ steps, closing }) => steps <= remaining && (closing !== true || steps === remaining),
      );
      if (possible.length === 0) return false;
      this.random.pick(possible).happen();
    }
    return this.remaining === 0;
  }
}

/** The result of one step. */
export function apply(left: number, operator: Operator, right: number): number {
  return operations[operator](left, right);
}

const operations: Readonly<Record<Operator, (left: number, right: number) => number>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
};
