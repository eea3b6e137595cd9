/** What `listenForInterrupt` needs of the process; tests pass their own. */
export interface InterruptSource {
  readonly on: (signal: "SIGINT" | "SIGTERM", listener: () => void) => unknown;
  readonly exit: (code: number) => void;
}

/** Turns the first Ctrl-C (or SIGTERM) into an abort, so that work in hand ends cleanly, and lets the second end the process at once. */
export function listenForInterrupt(source: InterruptSource, tell: (line: string) => void): AbortSignal {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) {
      source.exit(130);
      return;
    }
    tell("\nStopping. Press Ctrl-C again to end at once; finished work is kept either way.");
    controller.abort();
  };
  source.on("SIGINT", interrupt);
  source.on("SIGTERM", interrupt);
  return controller.signal;
}
