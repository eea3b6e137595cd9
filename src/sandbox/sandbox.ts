/** @file Runs Python programs that nobody has read, so that they can harm nothing. */

/** What a run may take. */
export interface SandboxLimits {
  /** Wall clock, all of it. */
  readonly timeoutMs: number;
  /** Address space of one process. */
  readonly memoryBytes: number;
  /** Processes and threads at the same time. */
  readonly processes: number;
  /** One file, and everything the run may say. */
  readonly outputBytes: number;
}

/** How a run came out. */
export type SandboxOutcome =
  | { readonly ended: "exit"; readonly code: number | null; readonly stdout: string; readonly stderr: string }
  | { readonly ended: "timeout" | "flood" };

/** Python source and what it reads from stdin. */
export interface SandboxRun {
  /** Trusted: the harness. What is not trusted comes through `input`. 100,000 bytes at most. */
  readonly source: string;
  readonly input: string;
  readonly limits: SandboxLimits;
  readonly signal?: AbortSignal | undefined;
}

/** Somewhere to run programs. */
export interface Sandbox {
  /** `namespaces`: no network, no files but its own, limits; `none`: limits only, at the user's wish. */
  readonly isolation: "namespaces" | "none";
  readonly run: (run: SandboxRun) => Promise<SandboxOutcome>;
}
