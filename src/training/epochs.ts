import { randomStream } from "../util/random.ts";

/** A fixed set gone through again and again, shuffled anew in every pass. */
export interface Epochs<Item> {
  /** Optimizer steps of `epochs` passes. */
  readonly steps: number;
  /** The items of 1-based optimizer step `step`, a pure function of it; the last step of a pass may have fewer. */
  readonly itemsAt: (step: number) => Item[];
}

/** Cuts each pass over `items` into batches of `batchSize`. */
export function epochsOver<Item>(
  items: readonly Item[],
  { epochs, batchSize, seed }: { readonly epochs: number; readonly batchSize: number; readonly seed: number },
): Epochs<Item> {
  const stepsPerEpoch = Math.ceil(items.length / batchSize);
  return {
    steps: epochs * stepsPerEpoch,
    itemsAt: (step) => {
      const epoch = Math.floor((step - 1) / stepsPerEpoch);
      const first = ((step - 1) % stepsPerEpoch) * batchSize;
      return randomStream(seed, "epoch", epoch)
        .shuffle(items)
        .slice(first, first + batchSize);
    },
  };
}
