import { spawn } from "node:child_process";
import { join } from "node:path";
import OpenAI from "openai";

const main = join(import.meta.dirname, "../../src/cli/main.ts");

/** `bitmend serve` in a process of its own. */
export interface ServerProcess extends AsyncDisposable {
  /** Ends with /v1. */
  readonly url: string;
  readonly client: OpenAI;
  /** One number of /metrics. */
  readonly metric: (name: string) => Promise<number>;
  /** Sends a signal and waits for the process; gives its exit code, or the signal that ended it, and what it wrote. */
  readonly end: (
    signal: NodeJS.Signals,
  ) => Promise<{ readonly ended: number | NodeJS.Signals | null; readonly stderr: string }>;
}

/** Starts it on a free port and waits until it listens. */
export async function startServerProcess(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [main, "serve", ...argv, "--port", "0"], {
    env: { ...process.env, BITMEND_API_KEY: "", ...environment },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  const closed = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on("close", (code, signal) => resolve(signal ?? code));
  });
  const listening = new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      const url = /at (?<url>http:\S+)/u.exec(stderr)?.groups?.["url"];
      if (url !== undefined) resolve(url);
    });
    child.on("close", () => reject(new Error(`the server ended: ${stderr}`)));
  });
  const url = await listening;
  const apiKey = environment["BITMEND_API_KEY"] ?? "none";
  const end: ServerProcess["end"] = async (signal) => {
    child.kill(signal);
    return { ended: await closed, stderr };
  };
  return {
    url,
    client: new OpenAI({ baseURL: url, apiKey, maxRetries: 0, timeout: 120_000 }),
    metric: async (name) => {
      const headers = { Authorization: `Bearer ${apiKey}` };
      const text = await (await fetch(url.replace(/v1$/u, "metrics"), { headers })).text();
      const line = text.split("\n").find((each) => each.startsWith(`${name} `)) ?? "";
      return Number(line.slice(name.length));
    },
    end,
    [Symbol.asyncDispose]: async () => void (await end("SIGKILL")),
  };
}
