/** Units per second over about the last fifteen seconds, so that the time left follows a change of pace and not every hiccup. */
export class ProgressRate {
  readonly #samples: { atMs: number; done: number }[];

  constructor(startedMs: number, done: number) {
    this.#samples = [{ atMs: startedMs, done }];
  }

  add(atMs: number, done: number): void {
    // One sample a tenth of a second is enough, however often work reports.
    const newest = this.#samples.at(-1)!;
    if (this.#samples.length > 1 && atMs - this.#samples.at(-2)!.atMs < sampleMs)
      Object.assign(newest, { atMs, done });
    else this.#samples.push({ atMs, done });
    while (this.#samples.length > 2 && atMs - this.#samples[1]!.atMs > windowMs) this.#samples.shift();
  }

  /** Null before anything is done, and in the first half second. */
  perSecond(nowMs: number): number | null {
    const [oldest] = this.#samples;
    const newest = this.#samples.at(-1);
    if (oldest === undefined || newest === undefined) return null;
    const elapsedMs = nowMs - oldest.atMs;
    const done = newest.done - oldest.done;
    return done <= 0 || elapsedMs < 500 ? null : (done * 1000) / elapsedMs;
  }
}

const windowMs = 15_000;
const sampleMs = 100;
