import type { QuantizationSummary } from "../../quantization/quantize-checkpoint.ts";
import type { AllocationRecord } from "../../runs/sensitivity.ts";
import type { CalibrationSet } from "../calibration-set.ts";
import { writeVariant } from "../variant-file.ts";
import type { VerbRun } from "../events.ts";
import type { RunContext } from "./context.ts";
import { divergenceStage, widthsStage } from "./widths-stage.ts";
import { quantizeStage } from "./quantize-stage.ts";
import type { StoredVariant } from "./variants.ts";

/** A low-bit variant on disk. */
export interface MadeVariant extends QuantizationSummary {
  /** How its widths were chosen; null where all linears have one width. */
  readonly allocation: AllocationRecord | null;
}

/**
 * Makes one low-bit variant; for a mixed one it first chooses the widths, and then measures what the choice was worth.
 *
 * @yields Progress in candidates and linears.
 */
export async function* variantStage(
  context: RunContext,
  input: { readonly stored: StoredVariant; readonly calibration: CalibrationSet | null },
): VerbRun<MadeVariant> {
  const { stored, calibration } = input;
  const texts = calibration?.sequences.map(({ tokenIds }) => tokenIds) ?? [];
  const { variant, directory } = stored;
  if (variant.averageBits === undefined || calibration === null) {
    const summary = yield* quantizeStage(context, { stored, calibration: texts });
    return { ...summary, allocation: null };
  }
  const overrides = yield* widthsStage(context, { variant, calibration });
  const summary = yield* quantizeStage(context, { stored, calibration: texts, overrides });
  // The grids of its linears do not say what a mixed variant is.
  writeVariant(directory, variant);
  const allocation = yield* divergenceStage(context, { variant, calibration, directory });
  return { ...summary, allocation };
}
