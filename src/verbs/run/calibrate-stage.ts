import { writeFileAtomically } from "../../util/atomic-file.ts";
import type { TextSize } from "../../quantization/quantization-work.ts";
import { loadTokenizer } from "../../tokenizer/tokenizer.ts";
import { type CalibrationSet, solutionCalibration, writtenCalibration } from "../calibration-set.ts";
import { encodePrompt } from "../calibration-texts.ts";
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

/** How much text {@link calibrateStage} gives: of traces, which are yet to be written, the most they can be. */
export function calibrationSize(
  context: Omit<RunContext, "directory" | "threads" | "signal">,
): Pick<TextSize, "tokens" | "longest"> {
  const { generation, quantization } = context.recipe;
  const written = writtenCalibration(context)?.sequences.map(({ tokenIds }) => tokenIds.length);
  const lengths = written ?? tracePrompts(context).map((length) => length + generation.maxNewTokens);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  return {
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    longest: quantization.packedLength ?? longest,
  };
}

/** Tokens of each prompt. */
function tracePrompts(context: Omit<RunContext, "directory" | "threads" | "signal">): number[] {
  const tokenizer = loadTokenizer(context.model);
  const problems = trainingProblems(context, context.recipe.quantization.calibrationSequences);
  return problems.map((problem) => encodePrompt(tokenizer, context.task.messages(problem)).length);
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
