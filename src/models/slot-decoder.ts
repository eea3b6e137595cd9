/** What a model says about the token after a sequence. */
export interface NextToken {
  /** The token of the highest logit, the lowest id among equals. */
  readonly best: number;
  /** [vocabularySize], valid until the decoder's next call; null for a decoder opened without logits. */
  readonly logits: Float32Array | null;
}

/** The last known token of one slot's sequence. */
export interface StepRow {
  readonly tokenId: number;
  /** Its index in the sequence. */
  readonly position: number;
}

/** A model with room for several sequences in its cache. One call at a time. */
export interface SlotDecoder {
  /** How many sequences fit. */
  readonly slots: number;
  /** Puts a prompt into a slot, in place of what was there. */
  readonly prefill: (slot: number, tokenIds: readonly number[]) => Promise<NextToken>;
  /** Extends the sequences of slots 0 … rows.length - 1 by one token each. */
  readonly step: (rows: readonly StepRow[]) => Promise<NextToken[]>;
  /** Copies the first `positions` cached positions of a slot over another slot. */
  readonly moveSlot: (from: number, target: { readonly to: number; readonly positions: number }) => void;
  /** Logits [tokens, vocabularySize] after every token of one sequence; overwrites a slot (default: 0). */
  readonly logits: (tokenIds: readonly number[], slot?: number) => Promise<Float32Array>;
}
