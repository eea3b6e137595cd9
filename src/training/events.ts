/** What a training reports. Trainings never print: the command line, the tests and the records read these. */
export type TrainingEvent =
  | {
      readonly type: "step";
      /** 1-based optimizer step that just ended. */
      readonly step: number;
      readonly steps: number;
      /** Mean loss of the step's batch before its update, nats per weighted token unless the objective says otherwise. */
      readonly loss: number;
      readonly learningRate: number;
      /** Global norm of the gradient before clipping. */
      readonly gradientNorm: number;
      /** Tokens of this step, padding not counted. */
      readonly tokens: number;
      readonly tokensPerSecond: number;
      readonly secondsLeft: number;
      /** Further numbers of the objective, e.g. `preferenceAccuracy`. */
      readonly metrics: Readonly<Record<string, number>>;
    }
  | { readonly type: "checkpoint"; readonly step: number; readonly path: string }
  | {
      readonly type: "validation";
      readonly step: number;
      readonly metrics: Readonly<Record<string, number>>;
    };

/** Returned when a training ends, by its last step or by its abort signal. */
export interface TrainingSummary {
  /** Optimizer steps done, those before a resume included. */
  readonly steps: number;
  /** Loss of the last step; null when no step ran. */
  readonly finalLoss: number | null;
  /** Tokens seen since this process started or resumed the training. */
  readonly tokens: number;
  /** True when the abort signal ended it; a checkpoint was written if checkpoints are on. */
  readonly aborted: boolean;
}
