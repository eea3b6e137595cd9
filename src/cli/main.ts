#!/usr/bin/env node
/** @file The program `bitmend`: connects the command line with this process. */
import { readFileSync } from "node:fs";
import { runCommandLine } from "./command-line.ts";
import { type InterruptSource, listenForInterrupt } from "./interrupt.ts";
import { openTerminal } from "./terminal.ts";
import { verbs } from "./verbs.ts";

const terminal = openTerminal(process.stderr, process.env);
// `bitmend inspect ... | head` closes the pipe early; that is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

const interruptSource: InterruptSource = {
  on: (name, listener) => process.on(name, listener),
  // Leaving in the ordinary way would wait for, or crash in, a thread that computes; the signal itself ends the process at once.
  exit: () => {
    process.removeAllListeners("SIGINT");
    process.kill(process.pid, "SIGINT");
  },
};

process.exitCode = await runCommandLine(verbs, process.argv.slice(2), {
  write: (line) => void process.stdout.write(`${line}\n`),
  terminal,
  signal: listenForInterrupt(interruptSource, (line) => terminal.write(`${line}\n`)),
  version: packageVersion(),
  program: programName(process.env["npm_lifecycle_event"]),
});
// A worker that an error left running must not keep the process alive; output is flushed first.
process.stdout.write("", () => process.exit());

/** In a clone people call npm's scripts, elsewhere the installed program. */
function programName(npmScript: string | undefined): string {
  return npmScript === "start" || npmScript === "bitmend" ? "npm run --silent bitmend --" : "bitmend";
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest)
    return String(manifest.version);
  return "unknown";
}
