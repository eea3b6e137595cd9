/**
 * @file An HTTP server that speaks OpenAI's protocol for one model.
 *
 * https://platform.openai.com/docs/api-reference: models, completions, chat completions. Beside them /health and, for Prometheus, /metrics.
 */
import { createServer, type Server } from "node:http";
import { isIP, type AddressInfo } from "node:net";
import { GenerationQueue, type QueueOptions } from "../generation/generation-queue.ts";
import type { LanguageModel } from "../generation/language-model.ts";
import { BitmendError } from "../util/errors.ts";
import { ApiError } from "./api-error.ts";
import { chatCompletions } from "./chat-completions.ts";
import { completions } from "./completions.ts";
import { Exchange } from "./exchange.ts";
import { Metrics } from "./metrics.ts";
import type { ServingContext, ServingLimits } from "./serving-context.ts";
import { TokenTexts } from "./token-text.ts";

export interface ServerOptions extends QueueOptions, ServingLimits {
  /** As clients name the model. */
  readonly modelName: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** What clients must send as a bearer token; null: nothing. */
  readonly apiKey: string | null;
}

/** A server that answers, until it is closed. */
export interface RunningServer {
  readonly url: string;
  /** Completions in the batch at most. */
  readonly slots: number;
  /** Rejects when no request can be answered any more. */
  readonly failed: Promise<never>;
  /** Takes no new requests, lets those that run finish for so long, and cuts off the rest. */
  readonly close: (graceMs: number) => Promise<void>;
}

/** Bodies must arrive within this time, so that slow senders cannot hold connections. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 65_000;
const MAX_CONNECTIONS = 4096;

type Handler = (exchange: Exchange, json: unknown, context: ServingContext) => Promise<void>;
const posts: Readonly<Record<string, Handler>> = {
  "/v1/completions": completions,
  "/v1/chat/completions": chatCompletions,
};

/**
 * Starts the server.
 *
 * @throws {BitmendError} `serving/cannot-listen` when the address is taken or not this machine's.
 */
export async function startServer(model: LanguageModel, options: ServerOptions): Promise<RunningServer> {
  const queue = new GenerationQueue(model, options);
  const context: ServingContext = {
    modelName: options.modelName,
    model,
    queue,
    texts: new TokenTexts(model.tokenizer),
    metrics: new Metrics(),
    limits: options,
    startedAt: Math.floor(Date.now() / 1000),
  };
  const site = new Site(context, options);
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => void site.answer(new Exchange(request, response)),
  );
  server.maxConnections = MAX_CONNECTIONS;
  try {
    await listen(server, options);
  } catch (error) {
    await queue[Symbol.asyncDispose]();
    throw error;
  }
  return {
    url: urlOf(server),
    slots: queue.slots,
    failed: queue.failed,
    close: async (graceMs) => {
      const closed = new Promise((resolve) => void server.close(resolve));
      await site.drain(graceMs);
      await queue[Symbol.asyncDispose]();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Whether only programs of this machine reach an address. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/su, "$1").toLowerCase();
  if (bare === "localhost" || bare === "::1") return true;
  return isIP(bare) === 4 && bare.startsWith("127.");
}

/** Routes, guards and counts requests. */
class Site {
  readonly #context: ServingContext;
  readonly #options: ServerOptions;
  readonly #exchanges = new Set<Exchange>();
  #isClosing = false;

  constructor(context: ServingContext, options: ServerOptions) {
    this.#context = context;
    this.#options = options;
  }

  async answer(exchange: Exchange): Promise<void> {
    const { metrics } = this.#context;
    const path = (exchange.request.url ?? "").split("?", 1)[0]!;
    const started = performance.now();
    this.#exchanges.add(exchange);
    let status = 200;
    try {
      await this.#route(exchange, path);
    } catch (error) {
      status = exchange.fail(exchange.signal.aborted ? exchange.signal.reason : error);
    } finally {
      this.#exchanges.delete(exchange);
    }
    const endpoint = Object.hasOwn(posts, path) ? path : "other";
    metrics.countRequest(endpoint, status);
    if (endpoint !== "other") metrics.observeRequest((performance.now() - started) / 1000);
  }

  async drain(graceMs: number): Promise<void> {
    this.#isClosing = true;
    const end = performance.now() + graceMs;
    while (this.#exchanges.size > 0 && performance.now() < end) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- looks again and again
      await sleep(20);
    }
    for (const exchange of this.#exchanges) exchange.giveUp(closing());
    // What was cut off is told so, where it still reads.
    for (let turn = 0; turn < 50 && this.#exchanges.size > 0; turn++) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- looks again and again
      await sleep(20);
    }
  }

  async #route(exchange: Exchange, path: string): Promise<void> {
    const { method = "" } = exchange.request;
    this.#guardHost(exchange);
    if (path === "/health") return this.#health(exchange);
    this.#guardKey(exchange);
    if (Object.hasOwn(posts, path)) {
      if (method !== "POST") throw wrongMethod(method, path);
      if (this.#isClosing) {
        exchange.response.setHeader("Connection", "close");
        throw closing();
      }
      const json = await exchange.json(this.#options.maxBodyBytes);
      this.#guardModel(json);
      return posts[path]!(exchange, json, this.#context);
    }
    if (method !== "GET") throw wrongMethod(method, path);
    if (path === "/metrics") {
      exchange.sendText(this.#context.metrics.render(this.#context.queue));
      return;
    }
    if (path === "/v1/models") {
      exchange.send(200, { object: "list", data: [this.#modelObject()] });
      return;
    }
    if (path.startsWith("/v1/models/")) {
      const name = decode(path.slice("/v1/models/".length));
      if (name !== this.#options.modelName) throw this.#unknownModel(name);
      exchange.send(200, this.#modelObject());
      return;
    }
    throw new ApiError("serving/unknown-path", `There is no ${path} here.`, { status: 404 });
  }

  #health(exchange: Exchange): void {
    const isWell = this.#context.queue.failure === null && !this.#isClosing;
    exchange.send(isWell ? 200 : 503, { status: isWell ? "ok" : this.#isClosing ? "closing" : "failed" });
  }

  /** A page in a browser may send requests to this machine under a name of its own; without a key only the host's name tells them apart. */
  #guardHost({ request }: Exchange): void {
    const { host, apiKey } = this.#options;
    if (apiKey !== null || !isLoopback(host)) return;
    const named = (request.headers.host ?? "").replace(/:\d+$/su, "");
    if (isLoopback(named)) return;
    throw new ApiError("serving/foreign-host", "This server answers only to localhost.", { status: 403 });
  }

  #guardKey(exchange: Exchange): void {
    const { apiKey } = this.#options;
    if (apiKey === null || exchange.carries(apiKey)) return;
    throw new ApiError("serving/bad-key", "The API key is missing or wrong.", {
      status: 401,
      apiCode: "invalid_api_key",
    });
  }

  #guardModel(json: unknown): void {
    if (typeof json !== "object" || json === null || !("model" in json)) return;
    const { model } = json;
    if (typeof model === "string" && model !== this.#options.modelName) throw this.#unknownModel(model);
  }

  #unknownModel(name: string): ApiError {
    return new ApiError(
      "serving/unknown-model",
      `The model ${JSON.stringify(name.slice(0, 200))} does not exist; this server has ${JSON.stringify(this.#options.modelName)}.`,
      { status: 404, apiCode: "model_not_found", param: "model" },
    );
  }

  #modelObject(): object {
    const { modelName, startedAt, queue } = this.#context;
    return {
      id: modelName,
      object: "model",
      created: startedAt,
      owned_by: "bitmend",
      max_model_len: queue.capacity,
    };
  }
}

async function listen(server: Server, { host, port }: ServerOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(
        new BitmendError("serving/cannot-listen", `startServer(): cannot listen on ${host}, port ${port}.`, {
          hint: `${cause.message}. Choose another --port or --host.`,
          cause,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
}

function urlOf(server: Server): string {
  // A server that listens on a port has an address of this kind.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}/v1`;
}

function closing(): ApiError {
  return new ApiError("serving/closing", "The server is shutting down.", { status: 503 });
}

function wrongMethod(method: string, path: string): ApiError {
  return new ApiError("serving/wrong-method", `${path} does not take ${method}.`, { status: 405 });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => void setTimeout(resolve, ms));
}
