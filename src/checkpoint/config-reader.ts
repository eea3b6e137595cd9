/** Reads typed values from untrusted JSON and collects every complaint, so that a reader sees all of them at once. */
export class ConfigReader {
  readonly #source: Readonly<Record<string, unknown>>;
  readonly #prefix: string;
  readonly complaints: string[];

  constructor(source: Readonly<Record<string, unknown>>, prefix = "", complaints: string[] = []) {
    this.#source = source;
    this.#prefix = prefix;
    this.complaints = complaints;
  }

  /** A reader of a nested object that complains to the same list. */
  inside(key: string, value: Readonly<Record<string, unknown>>): ConfigReader {
    return new ConfigReader(value, `${this.#prefix}${key}.`, this.complaints);
  }

  /** The value as it is; `null` when absent. */
  value(key: string): unknown {
    return Object.hasOwn(this.#source, key) ? (this.#source[key] ?? null) : null;
  }

  refuse(key: string, why: string): void {
    this.complaints.push(`${this.#prefix}${key}: ${why}`);
  }

  /** An integer between 1 and `most` (default 2^31 - 1: every size of a model is a 32-bit one). */
  integer(
    key: string,
    { fallback, most = 2_147_483_647 }: { fallback?: number; most?: number } = {},
  ): number {
    const value = this.value(key);
    if (value === null && fallback !== undefined) return fallback;
    if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) return value;
    this.refuse(key, `expected an integer from 1 to ${most}, got ${shown(value)}`);
    return 1;
  }

  positive(key: string, fallback?: number): number {
    return this.#number(key, { fallback, fits: (value) => value > 0, expected: "a positive number" });
  }

  nonNegative(key: string, fallback?: number): number {
    return this.#number(key, {
      fallback,
      fits: (value) => value >= 0,
      expected: "a number that is not negative",
    });
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.value(key);
    if (value === null) return fallback;
    if (typeof value === "boolean") return value;
    this.refuse(key, `expected true or false, got ${shown(value)}`);
    return fallback;
  }

  #number(
    key: string,
    rule: { fallback: number | undefined; fits: (value: number) => boolean; expected: string },
  ): number {
    const value = this.value(key);
    if (value === null && rule.fallback !== undefined) return rule.fallback;
    if (typeof value === "number" && Number.isFinite(value) && rule.fits(value)) return value;
    this.refuse(key, `expected ${rule.expected}, got ${shown(value)}`);
    return 1;
  }
}

function shown(value: unknown): string {
  return value === null ? "nothing" : JSON.stringify(value).slice(0, 60);
}
