import { writeFileAtomically } from "../../util/atomic-file.ts";
import { type CalibrationSet, solutionCalibration, writtenCalibration } from "../calibration-set.ts";
import { describeCalibration } from "../describe-calibration.ts";
import type { VerbRun } from "../events.ts";
import { recordPath, type RunContext } from "./context.ts";
import { tracesStage, trainingProblems } from "./traces-stage.ts";
import { fullVariant } from "./variants.ts";

/**
 * The calibration text that the recipe asks for, recorded in calibration.json.
 *
 * @yields Progress in problems, where the model writes it; then what it is.
 */
export async function* calibrateStage(context: RunContext): VerbRun<CalibrationSet> {
  const set = writtenCalibration(context) ?? (yield* tracedCalibration(context));
  writeFileAtomically(recordPath(context, "calibration.json"), `${JSON.stringify(set.record, null, 1)}\n`);
  yield { type: "remark", text: describeCalibration(set.record) };
  return set;
}

/** Finds, before any work, what would make {@link calibrateStage} fail; throws as it does. */
export function checkCalibration(context: Omit<RunContext, "directory" | "threads" | "signal">): void {
  if (writtenCalibration(context) === null)
    trainingProblems(context, context.recipe.quantization.calibrationSequences);
}

async function* tracedCalibration(context: RunContext): VerbRun<CalibrationSet> {
  const problems = trainingProblems(context, context.recipe.quantization.calibrationSequences);
  const { completions } = yield* tracesStage(context, {
    variant: fullVariant,
    model: context.model,
    problems,
  });
  const solved = problems.map((problem, index) => ({ problem, solution: completions[index]!.text }));
  return solutionCalibration(context, { task: context.task, kind: "traces", solved });
}
