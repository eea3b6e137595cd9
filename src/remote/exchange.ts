/**
 * @file One HTTP request and its whole answer, with limits of our own.
 *
 * Node's `fetch` gives up after five minutes without headers, and a server that does not stream sends none until the last token is there.
 */
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

export interface ExchangeOptions {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Until the answer is whole. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Exchanged {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Until a connection is there. */
const CONNECT_TIMEOUT_MS = 20_000;
/** A longer answer is no completion. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20;

const agents = {
  "http:": new HttpAgent({ keepAlive: true }),
  "https:": new HttpsAgent({ keepAlive: true }),
};

/**
 * Sends one request; redirections are not followed, so a key goes to no other host.
 *
 * @throws {Error} when there is no whole answer: no connection, cut, too long, not in time, or aborted.
 */
export async function exchange(address: string, options: ExchangeOptions): Promise<Exchanged> {
  const { method, headers, body, timeoutMs, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Exchanged>();
  const isSecure = new URL(address).protocol === "https:";
  const request = (isSecure ? httpsRequest : httpRequest)(address, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }) },
    agent: agents[isSecure ? "https:" : "http:"],
    signal,
  });
  const giveUp = (why: string): void => void request.destroy(new Error(why));
  const timer = setTimeout(() => giveUp(`no whole answer in ${timeoutMs / 1000} s`), timeoutMs);
  const connecting = setTimeout(
    () => giveUp(`no connection in ${CONNECT_TIMEOUT_MS / 1000} s`),
    CONNECT_TIMEOUT_MS,
  );
  request.on("socket", (socket) => {
    if (!socket.connecting) clearTimeout(connecting);
    else socket.once("connect", () => clearTimeout(connecting));
  });
  request.on("error", reject);
  request.on("response", (response) => {
    const exchanged = async (): Promise<Exchanged> => {
      const text = await readBody(response, giveUp);
      return { status: response.statusCode ?? 0, headers: response.headers, body: text };
    };
    exchanged().then(resolve, reject);
  });
  request.end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    clearTimeout(connecting);
  }
}

async function readBody(response: IncomingMessage, giveUp: (why: string) => void): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Buffer)) continue;
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) giveUp(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    else chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
