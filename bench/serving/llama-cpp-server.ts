/**
 * @file llama.cpp (node-llama-cpp) behind HTTP, with the part of /v1/completions that the benchmark asks for. Arguments: folder of the package,
 * model file, threads, sequences at a time, longest sequence. Prints where it listens.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The part of node-llama-cpp that is used here. */
interface NodeLlamaCpp {
  readonly getLlama: (options: object) => Promise<Llama>;
}
interface Llama {
  readonly loadModel: (options: object) => Promise<LlamaModel>;
}
interface LlamaModel {
  readonly createContext: (options: object) => Promise<LlamaContext>;
}
interface LlamaContext {
  readonly getSequence: () => LlamaSequence;
}
interface LlamaSequence {
  readonly evaluate: (tokens: readonly number[], options: object) => AsyncGenerator<number>;
  readonly clearHistory: () => Promise<void>;
}
interface Body {
  readonly prompt: readonly number[];
  readonly max_tokens: number;
}

const [folder, file, ...numbers] = process.argv.slice(2);
const [threads, sequences, capacity] = numbers.map(Number);
const entry = join(folder!, "node_modules/node-llama-cpp/dist/index.js");
const { getLlama }: NodeLlamaCpp = await import(pathToFileURL(entry).href);
const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: "error" });
const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
const context = await model.createContext({
  sequences,
  contextSize: capacity,
  batchSize: Math.max(sequences!, capacity!),
  threads: { ideal: threads, min: threads },
});
const free = Array.from({ length: sequences! }, () => context.getSequence());

const server = createServer((request, response) => {
  answer(request).then(
    (tokens) => response.end(JSON.stringify({ tokens })),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
server.listen(0, "127.0.0.1", () => {
  // A server that listens on a port has an address of this kind.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  const { port } = server.address() as AddressInfo;
  console.error(`at http://127.0.0.1:${port}/v1`);
});

async function answer(request: IncomingMessage): Promise<number[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body: Body = JSON.parse(Buffer.concat(chunks).toString());
  const sequence = free.pop();
  if (sequence === undefined) throw new Error("no free sequence");
  const tokens: number[] = [];
  for await (const token of sequence.evaluate(body.prompt, { temperature: 0, yieldEogToken: true })) {
    tokens.push(token);
    if (tokens.length === body.max_tokens) break;
  }
  await sequence.clearHistory();
  free.push(sequence);
  return tokens;
}
