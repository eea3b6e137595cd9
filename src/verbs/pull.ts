import type { PullEvent } from "../hub/fetch-snapshot.ts";
import { parseHubId } from "../hub/hub-id.ts";
import type { HubId } from "../hub/hub-id.ts";
import { pullModel, type PulledModel } from "../hub/pull-model.ts";
import { BitmendError } from "../util/errors.ts";
import type { VerbRun } from "./events.ts";

export interface PullVerbOptions {
  /** `org/name`, `org/name@revision`, or either with `:part` of a GGUF file's name. */
  readonly id: string;
}

/**
 * Fetches a model from the Hugging Face hub into the standard cache, or brings it up to date.
 *
 * @yields Progress in megabytes.
 * @throws {BitmendError} `verbs/bad-hub-id`, and those of `pullModel()`.
 */
export async function* pull(
  { id: text }: PullVerbOptions,
  { signal }: { readonly signal?: AbortSignal } = {},
): VerbRun<PulledModel> {
  const id = parseHubId(text);
  if (id === null) {
    throw new BitmendError("verbs/bad-hub-id", `pull(): expected an id of the hub, got "${text}".`, {
      hint: "Write org/name, org/name@revision, or org/name:PART for one of several GGUF files.",
    });
  }
  return yield* drawPull(id, signal);
}

/**
 * {@link pullModel} as a verb's progress.
 *
 * @yields Progress in megabytes.
 */
export function drawPull(id: HubId, signal: AbortSignal | undefined): VerbRun<PulledModel> {
  return drawPullEvents(id.repository, pullModel(id, { signal }));
}

/**
 * What pulling reports, as a verb's progress.
 *
 * @yields Progress in megabytes.
 */
export async function* drawPullEvents<Pulled>(
  repository: string,
  events: AsyncGenerator<PullEvent, Pulled, void>,
): VerbRun<Pulled> {
  let started = false;
  for (;;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- events are sequential by nature
    const next = await events.next();
    if (next.done === true) {
      if (started) yield { type: "stage-done", result: "" };
      return next.value;
    }
    const event = next.value;
    if (event.type === "waiting") yield { type: "remark", text: `Waiting: ${event.reason}` };
    if (event.type === "start") {
      started = true;
      const [total, alreadyDone] = [megabytes(event.bytes), megabytes(event.alreadyThere)];
      yield { type: "stage", name: `Pulling ${repository}`, total, unit: "MB", alreadyDone };
    }
    if (event.type === "progress") yield { type: "progress", done: megabytes(event.bytes), note: event.file };
  }
}

/** Rounded up, so that a small model has a total to reach. */
function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1e6);
}
