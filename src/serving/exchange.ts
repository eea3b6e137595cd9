import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError, toApiError } from "./api-error.ts";

/** A client that does not read what it asked for is given up when so much waits for it. */
const MAX_UNREAD_BYTES = 16 * 2 ** 20;

/** So many times the longest body are read and thrown away before the connection is cut. */
const DISCARDED_BODIES = 8;

/** One request and its response. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the client has gone, or when the server ends. */
  readonly signal: AbortSignal;
  readonly #given = new AbortController();
  #isStreaming = false;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    this.signal = this.#given.signal;
    response.on("close", () => {
      if (!response.writableFinished) this.giveUp(clientGone());
    });
  }

  giveUp(reason: Error): void {
    if (!this.#given.signal.aborted) this.#given.abort(reason);
  }

  /**
   * Reads the body.
   *
   * @throws {ApiError} 413 for more than `maxBytes`, 400 for what is not JSON.
   */
  async json(maxBytes: number): Promise<unknown> {
    let chunks: Buffer[] = [];
    let bytes = 0;
    // A client that is still sending does not read the answer: a body somewhat too long is read to its end and thrown away.
    const patience = DISCARDED_BODIES * maxBytes;
    if (Number(this.request.headers["content-length"] ?? 0) > patience) throw tooLong(maxBytes);
    for await (const chunk of this.request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > patience) throw tooLong(maxBytes);
      if (bytes > maxBytes) chunks = [];
      else chunks.push(chunk);
    }
    if (bytes > maxBytes) throw tooLong(maxBytes);
    try {
      return JSON.parse(Buffer.concat(chunks).toString("utf8"));
    } catch (cause) {
      throw new ApiError("serving/bad-json", "The body is not JSON.", { status: 400, cause });
    }
  }

  /** Whether the request carries this key as a bearer token. */
  carries(apiKey: string): boolean {
    const given = /^Bearer (.*)$/su.exec(this.request.headers.authorization ?? "")?.[1] ?? "";
    return timingSafeEqual(digest(given), digest(apiKey));
  }

  send(status: number, body: object): void {
    this.#end(status, "application/json", JSON.stringify(body));
  }

  sendText(text: string): void {
    this.#end(200, "text/plain; version=0.0.4; charset=utf-8", text);
  }

  /** One server-sent event; the first one begins the stream. */
  sendEvent(data: object | "[DONE]"): void {
    if (!this.#isStreaming) {
      this.#isStreaming = true;
      this.response.writeHead(200, {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-cache",
      });
    }
    this.response.write(`data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
    if (this.response.writableLength > MAX_UNREAD_BYTES) this.giveUp(clientGone());
  }

  endEvents(): void {
    this.sendEvent("[DONE]");
    this.response.end();
  }

  /** Tells the client what went wrong, as well as it still can. Gives the status. */
  fail(thrown: unknown): number {
    const error = toApiError(thrown);
    if (this.#isStreaming) {
      this.response.end(`data: ${JSON.stringify(error.body())}\n\n`);
      return error.status;
    }
    if (error.status === 429 || error.status === 503) this.response.setHeader("Retry-After", "1");
    if (error.status === 401) this.response.setHeader("WWW-Authenticate", "Bearer");
    // The rest of a body that nobody reads must not be taken for the next request.
    if (!this.request.complete) this.response.setHeader("Connection", "close");
    this.send(error.status, error.body());
    return error.status;
  }

  #end(status: number, type: string, body: string): void {
    if (this.response.headersSent || this.response.destroyed) return;
    this.response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
    this.response.end(body);
  }
}

function tooLong(maxBytes: number): ApiError {
  return new ApiError("serving/body-too-large", `The body is longer than ${maxBytes} bytes.`, {
    status: 413,
  });
}

/** So that a comparison takes the same time wherever two texts differ. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function clientGone(): ApiError {
  // nginx's status for a client that closed its connection; nobody receives it, the metrics count it.
  return new ApiError("serving/client-gone", "The client closed the connection.", { status: 499 });
}
