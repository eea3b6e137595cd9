import type { NextToken, SlotDecoder, StepRow } from "../src/models/slot-decoder.ts";

/** A "model" that counts: the next token is the last one plus the sequence's first, so a slot mix-up shows in every later token. */
export class CountingDecoder implements SlotDecoder {
  readonly slots: number;
  readonly rowsPerStep: number[] = [];
  readonly #sequences: number[][] = [];

  constructor(slots: number) {
    this.slots = slots;
  }

  async prefill(slot: number, tokenIds: readonly number[]): Promise<NextToken> {
    this.#sequences[slot] = [...tokenIds];
    return this.#next(slot);
  }

  async step(rows: readonly StepRow[]): Promise<NextToken[]> {
    this.rowsPerStep.push(rows.length);
    return rows.map(({ tokenId, position }, slot) => {
      const sequence = this.#sequences[slot]!;
      if (position !== sequence.length) throw new RangeError(`slot ${slot}: position ${position}`);
      sequence.push(tokenId);
      return this.#next(slot);
    });
  }

  moveSlot(from: number, { to, positions }: { to: number; positions: number }): void {
    this.#sequences[to] = this.#sequences[from]!.slice(0, positions);
  }

  async logits(): Promise<Float32Array> {
    return new Float32Array();
  }

  #next(slot: number): NextToken {
    const sequence = this.#sequences[slot]!;
    return { best: sequence.at(-1)! + sequence[0]!, logits: null };
  }
}
