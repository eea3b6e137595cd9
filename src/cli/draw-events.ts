import { comparisonTable } from "../report/result-tables.ts";
import type { VerbEvent } from "../verbs/events.ts";
import { openProgress, type Stage } from "./progress.ts";
import type { Terminal } from "./terminal.ts";
import { wrapText } from "./wrap-text.ts";

/** Draws a verb's events as people's progress. */
export interface EventDrawing extends Disposable {
  readonly show: (event: VerbEvent) => void;
  /** A line of its own above the progress. */
  readonly tell: (line: string) => void;
}

/** Opens the one drawing that all verbs share; `silent` draws nothing, for machines. */
export function drawEvents(terminal: Terminal, { silent }: { readonly silent: boolean }): EventDrawing {
  const progress = openProgress(terminal, { silent });
  let stage: Stage | null = null;
  const show = (event: VerbEvent): void => {
    switch (event.type) {
      case "stage": {
        const { type: _, name, ...options } = event;
        stage = progress.stage(name, options);
        return;
      }
      case "progress":
        stage?.update(event.done, event.note);
        return;
      case "stage-done":
        stage?.finish(event.result);
        stage = null;
        return;
      case "comparisons":
        for (const line of comparisonTable(event)) progress.tell(line);
        return;
      case "remark":
        for (const line of wrapText(event.text)) progress.tell(line);
        return;
      default:
        event satisfies never;
    }
  };
  return { show, tell: progress.tell, [Symbol.dispose]: () => progress[Symbol.dispose]() };
}
