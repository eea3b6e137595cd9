/**
 * @file Requests and tokens a second of `bitmend serve` beside llama.cpp behind HTTP, at 1, 8 and 32 clients, the same 4-bit weights.
 *
 *     node bench/serving.ts [--layers 28] [--threads 4] [--tokens 24] [--requests 2] [--rounds 1]
 *
 * The subject is that of bench/generation.ts (run it first: it installs node-llama-cpp and writes the file). llama.cpp has a small server of
 * our own in front (bench/serving/llama-cpp-server.ts), as no package brings its own. Writes bench/results/serving.json.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeFileAtomically } from "../src/util/atomic-file.ts";
import { PROMPT_TOKENS, subjectPrompts } from "./generation/subject.ts";
import { startServerProcess } from "./serving/server-process.ts";

const { values } = parseArgs({
  options: {
    layers: { type: "string", default: "28" },
    threads: { type: "string", default: String(availableParallelism()) },
    tokens: { type: "string", default: "24" },
    requests: { type: "string", default: "2" },
    rounds: { type: "string", default: "1" },
  },
});
const scratch = join(tmpdir(), "bitmend-bench-peer");
const modelFile = join(scratch, `subject-${values.layers}.gguf`);
if (!existsSync(modelFile)) throw new Error(`${modelFile} is not there: run bench/generation.ts first.`);
const maxTokens = Number(values.tokens);
const clientCounts = [1, 8, 32] as const;
const capacity = PROMPT_TOKENS + maxTokens;
const prompts = subjectPrompts(32);

/** A server, by what it answers to a prompt. */
interface Server extends AsyncDisposable {
  readonly complete: (promptIds: readonly number[]) => Promise<{ firstToken: number; tokens: number }>;
}

interface Figures {
  readonly requestsPerSecond: number;
  readonly tokensPerSecond: number;
}

const programs: Readonly<Record<string, () => Promise<Server>>> = {
  int8: async () => bitmend(["--int8"]),
  f32: async () => bitmend([]),
  "llama.cpp": llamaCpp,
};

const measured: { program: string; clients: number; figures: Figures; firstTokens: readonly number[] }[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [program, start] of Object.entries(programs)) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- one server at a time
    await using server = await start();
    // oxlint-disable-next-line eslint/no-await-in-loop -- the first request of a server binds memory and warms caches
    await server.complete(prompts[0]!);
    for (const clients of clientCounts) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- one measurement at a time
      measured.push({ program, clients, ...(await measure(server, clients)) });
      console.error(program, clients, measured.at(-1)!.figures);
    }
  }
}
const rows = clientCounts.map((clients) => {
  const of = (program: string) =>
    measured
      .filter((each) => each.program === program && each.clients === clients)
      .toSorted((a, b) => b.figures.tokensPerSecond - a.figures.tokensPerSecond)[0]!;
  const theirs = of("llama.cpp");
  const same = of("int8").firstTokens.filter((token, place) => token === theirs.firstTokens[place]).length;
  const ratio = (program: string): number =>
    rounded(of(program).figures.tokensPerSecond / theirs.figures.tokensPerSecond);
  return {
    clients,
    ...Object.fromEntries(
      Object.keys(programs).flatMap((program) => [
        [`${program} requests/s`, rounded(of(program).figures.requestsPerSecond)],
        [`${program} tokens/s`, rounded(of(program).figures.tokensPerSecond)],
      ]),
    ),
    "ratio int8": ratio("int8"),
    "ratio f32": ratio("f32"),
    "same first token": `${same} of ${clients}`,
  };
});
const record = {
  subject: `Qwen3-0.6B shape, ${values.layers} layers, random 4-bit symmetric weights and head, group 32`,
  promptTokens: PROMPT_TOKENS,
  newTokens: maxTokens,
  requestsOfEachClient: Number(values.requests),
  rounds: Number(values.rounds),
  threads: Number(values.threads),
  peer: "node-llama-cpp 3.22.1 (Q4_0, prebuilt) behind node:http",
  machine: `${cpus()[0]?.model ?? "unknown"}, ${availableParallelism()} threads`,
  loadAverage: loadavg().map((load) => Number(load.toFixed(2))),
  commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  }).trim(),
  date: new Date().toISOString(),
  rows,
};
mkdirSync(join(import.meta.dirname, "results"), { recursive: true });
writeFileAtomically(
  join(import.meta.dirname, "results/serving.json"),
  `${JSON.stringify(record, null, 2)}\n`,
);
console.table(rows);

/** Every client asks one request after another, each client a prompt of its own. */
async function measure(
  server: Server,
  clients: number,
): Promise<{ figures: Figures; firstTokens: readonly number[] }> {
  const firstTokens: number[] = [];
  let tokens = 0;
  const started = performance.now();
  const requests = Number(values.requests);
  const client = async (_: unknown, index: number): Promise<void> => {
    for (let request = 0; request < requests; request++) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- a client waits for its answer
      const answer = await server.complete(prompts[index]!);
      firstTokens[index] = answer.firstToken;
      tokens += answer.tokens;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - started) / 1000;
  const figures = { requestsPerSecond: (clients * requests) / seconds, tokensPerSecond: tokens / seconds };
  return { figures, firstTokens };
}

async function bitmend(options: readonly string[]): Promise<Server> {
  const sizes = ["--threads", values.threads, "--slots", "32", "--context", String(capacity)];
  const server = await startServerProcess([modelFile, "--name", "subject", ...sizes, ...options]);
  return {
    complete: async (promptIds) => {
      const prompt = [...promptIds];
      const body = { model: "subject", prompt, max_tokens: maxTokens, temperature: 0, ignore_eos: true };
      const { choices, usage } = await server.client.completions.create(body);
      // The subject's vocabulary is made-up words: token 17 is "w17".
      const firstToken = Number(/^w(?<id>\d+)/u.exec(choices[0]!.text)?.groups?.["id"]);
      return { firstToken, tokens: usage!.completion_tokens };
    },
    [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
  };
}

async function llamaCpp(): Promise<Server> {
  const script = join(import.meta.dirname, "serving/llama-cpp-server.ts");
  const argv = [script, scratch, modelFile, values.threads, "32", String(capacity + 8)];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "inherit", "pipe"] });
  const url = await new Promise<string>((resolve, reject) => {
    let printed = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      const found = /at (?<url>http:\S+)/u.exec(printed)?.groups?.["url"];
      if (found !== undefined) resolve(found);
    });
    child.on("close", () => reject(new Error(printed)));
  });
  return {
    complete: async (promptIds) => {
      const body = JSON.stringify({ prompt: promptIds, max_tokens: maxTokens });
      const response = await fetch(`${url}/completions`, { method: "POST", body });
      const { tokens }: { tokens: readonly number[] } = JSON.parse(await response.text());
      return { firstToken: tokens[0]!, tokens: tokens.length };
    },
    [Symbol.asyncDispose]: async () => void child.kill("SIGKILL"),
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
