/** @file A server in OpenAI's protocol that answers as a test says. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";

/** What a server got. */
export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  /** How many questions came before. */
  readonly index: number;
}

/** What it does about it. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly delayMs?: number;
  /** Closes the connection: without an answer, or after half of it. */
  readonly cut?: "before" | "midway";
}

export interface ScriptedServer extends AsyncDisposable {
  /** Base URL. */
  readonly url: string;
  /** Questions, lists of models not counted. */
  readonly received: readonly ReceivedRequest[];
}

/** Starts one; `models` is what it lists, null for none. */
export async function scriptedServer(
  answer: (request: ReceivedRequest) => ScriptedAnswer,
  models: readonly Readonly<Record<string, unknown>>[] | null = [{ id: "tiny" }],
): Promise<ScriptedServer> {
  const received: ReceivedRequest[] = [];
  const server = createServer((request, response) => {
    const respond = async (): Promise<void> => {
      const path = request.url ?? "";
      const isList = path.endsWith("/models");
      const content = await text(request);
      const listed: ScriptedAnswer = models === null ? { status: 404 } : { body: { data: models } };
      const question = { path, headers: request.headers, body: parse(content), index: received.length };
      if (!isList) received.push(question);
      const { status = 200, headers = {}, body = {}, delayMs = 0, cut } = isList ? listed : answer(question);
      await new Promise((resolve) => {
        setTimeout(resolve, delayMs);
      });
      const whole = typeof body === "string" ? body : JSON.stringify(body);
      if (cut === "before") request.socket.destroy();
      else {
        response.writeHead(status, { ...headers, "Content-Length": String(Buffer.byteLength(whole)) });
        if (cut === undefined) response.end(whole);
        else response.write(whole.slice(0, whole.length / 2), () => request.socket.destroy());
      }
    };
    respond().catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    received,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function parse(content: string): Readonly<Record<string, unknown>> {
  // What a test sends is an object.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return content === "" ? {} : (JSON.parse(content) as Readonly<Record<string, unknown>>);
}

/** A body of /chat/completions. */
export function chatAnswer(content: string, more: Readonly<Record<string, unknown>> = {}): unknown {
  const choice = { index: 0, message: { role: "assistant", content }, finish_reason: "stop", ...more };
  return { choices: [choice], usage: { prompt_tokens: 10, completion_tokens: 3 } };
}
