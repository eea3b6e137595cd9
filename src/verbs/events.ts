import type { ComparisonRecord } from "../runs/records.ts";

/** What a verb reports while it works; the command line draws these and nothing else. A verb's result is its return value. */
export type VerbEvent =
  | {
      readonly type: "stage";
      readonly name: string;
      /** Units of the whole stage; absent where it is not known. */
      readonly total?: number;
      /** What is counted, in the plural. */
      readonly unit?: string;
      /** Units that an earlier, interrupted attempt finished. */
      readonly alreadyDone?: number;
    }
  | { readonly type: "progress"; readonly done: number; readonly note?: string }
  | { readonly type: "stage-done"; readonly result: string }
  /** What is known so far, worth a table before the verb ends. */
  | { readonly type: "comparisons"; readonly comparisons: readonly ComparisonRecord[] }
  /** Something a person should know that is not progress. */
  | { readonly type: "remark"; readonly text: string };

/** A verb: events while it works, then its result. */
export type VerbRun<Result> = AsyncGenerator<VerbEvent, Result, void>;
