/** Hands values from concurrent producers to one consumer, in order of arrival. */
export class EventQueue<Value> {
  readonly #values: Value[] = [];
  #wake: (() => void) | null = null;
  #closed = false;
  #failure: unknown = null;

  push(value: Value): void {
    this.#values.push(value);
    this.#wake?.();
  }

  /** No more values; a failure is thrown to the consumer after the values that came before it. */
  close(failure: unknown = null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failure = failure;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Value, void, void> {
    for (;;) {
      while (this.#values.length > 0) yield this.#values.shift()!;
      if (this.#closed) break;
      // oxlint-disable-next-line eslint/no-await-in-loop -- the consumer waits for the next value
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== null) throw this.#failure;
  }
}
