/** How the learning rate moves over a training. */
export interface Schedule {
  readonly kind: "constant" | "linear" | "cosine";
  /** Learning rate at the end of the warm-up. */
  readonly peak: number;
  /** Optimizer steps of linear rise from `peak / warmupSteps` to `peak`. Default: 0. */
  readonly warmupSteps?: number;
  /** Steps at the end during which the rate falls; before them it stays at the peak. Default: all after the warm-up. */
  readonly decaySteps?: number;
  /** Learning rate of the last step as a fraction of the peak (linear and cosine). Default: 0. */
  readonly finalFraction?: number;
}

/** The learning rate of 1-based optimizer step `step` in a training of `steps`; the last step gets exactly `peak · finalFraction`. */
export function learningRateAt(schedule: Schedule, step: number, steps: number): number {
  const { kind, peak, warmupSteps = 0, finalFraction = 0 } = schedule;
  if (step < warmupSteps) return (peak * step) / warmupSteps;
  const decaySteps = Math.min(schedule.decaySteps ?? steps - warmupSteps, steps - Math.max(warmupSteps, 1));
  const decayed = step - (steps - decaySteps);
  if (kind === "constant" || decaySteps <= 0 || decayed <= 0) return peak;
  const progress = Math.min(1, decayed / decaySteps);
  const remaining = kind === "linear" ? 1 - progress : (1 + Math.cos(Math.PI * progress)) / 2;
  return peak * (finalFraction + (1 - finalFraction) * remaining);
}
