import { trainingStepSchema } from "../../runs/records.ts";
import type { TrainingEvent, TrainingSummary } from "../../training/events.ts";
import { appendJsonLines, readJsonLines } from "../../util/json-lines.ts";
import type { VerbRun } from "../events.ts";
import { recordPath, type RunContext } from "./context.ts";

/**
 * Shows a training as progress in optimizer steps and records each step once, also when a continued training repeats some.
 *
 * @yields Progress in optimizer steps.
 * @throws The abort reason of the run's signal, once the training has kept its state.
 */
export async function* recordTraining(
  context: RunContext,
  training: { readonly name: string; readonly title: string },
  events: AsyncGenerator<TrainingEvent, TrainingSummary, void>,
): VerbRun<TrainingSummary> {
  const path = recordPath(context, "training.jsonl");
  let recorded = readJsonLines(path, trainingStepSchema)
    .filter((record) => record.training === training.name)
    .reduce((last, { step }) => Math.max(last, step), 0);
  let begun = false;
  for (;;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- events are sequential by nature
    const next = await events.next();
    if (next.done === true) {
      context.signal?.throwIfAborted();
      if (begun) yield { type: "stage-done", result: "" };
      return next.value;
    }
    if (next.value.type !== "step") continue;
    const { step, steps, loss, learningRate, tokens, metrics } = next.value;
    if (!begun)
      yield { type: "stage", name: training.title, total: steps, unit: "steps", alreadyDone: step - 1 };
    begun = true;
    if (step > recorded)
      appendJsonLines(path, [{ training: training.name, step, steps, loss, learningRate, tokens, metrics }]);
    recorded = Math.max(recorded, step);
    yield { type: "progress", done: step, note: `loss ${loss.toFixed(3)}` };
  }
}
