/** @file One queue of requests, many servers: whoever is free takes the next, and what a server fails to answer goes back to the queue. */
import { EventQueue } from "../generation/event-queue.ts";
import { BitmendError } from "../util/errors.ts";
import type { Attempt } from "./attempt.ts";

export interface SharingOptions<Request, Answer> {
  /** Base URLs. */
  readonly servers: readonly string[];
  /** Requests that one server works on at once. */
  readonly concurrency: number;
  readonly attempt: (server: string, request: Request, signal: AbortSignal) => Promise<Attempt<Answer>>;
  readonly signal?: AbortSignal | undefined;
  /** Of the pause after a server's first failure; each further one in a row doubles it. Default: 500. */
  readonly firstPauseMs?: number;
}

/** What became of a server. */
export interface ServerReport {
  readonly server: string;
  readonly answers: number;
  /** Attempts that failed and were made again. */
  readonly failures: number;
  /** Why it is not asked any more; null while it is. */
  readonly givenUp: string | null;
}

/** Failures in a row after which a server is given up. */
const SERVER_ATTEMPTS = 8;
/** Attempts of one request, over all servers. */
const REQUEST_ATTEMPTS = 6;
const LONGEST_PAUSE_MS = 60_000;
/** A server that asks for a longer pause is given up. */
const LONGEST_ASKED_PAUSE_MS = 10 * 60_000;

interface Work<Request> {
  readonly request: Request;
  attempts: number;
}

interface Server {
  readonly url: string;
  inFlight: number;
  answers: number;
  failures: number;
  failuresInRow: number;
  /** Rises with each failure, so that requests that fail together count once. */
  era: number;
  resumesAt: number;
  givenUp: BitmendError | null;
}

/**
 * Asks every request of one server or another, and yields answers as they come.
 *
 * A server that fails pauses as a whole, as long as it asks for or twice as long each time, and is then tried with one request before it gets
 * more. It is given up after 8 failures in a row; its requests go to the others.
 *
 * @yields Answers, in the order of their coming.
 * @throws {BitmendError} `remote/unreachable` when no server is left, `remote/unanswered` for a request that failed 6 times where others
 * succeed, and what `attempt` refuses with.
 */
export async function* shareRequests<Request extends { readonly id: string }, Answer>(
  requests: readonly Request[],
  options: SharingOptions<Request, Answer>,
): AsyncGenerator<{ readonly request: Request; readonly answer: Answer }, readonly ServerReport[], void> {
  const sharing = new Sharing(requests, options);
  try {
    yield* sharing.answers();
    return sharing.reports();
  } finally {
    sharing.stop();
  }
}

class Sharing<Request extends { readonly id: string }, Answer> {
  readonly #options: SharingOptions<Request, Answer>;
  readonly #servers: readonly Server[];
  /** Those before `#next` are taken: removing them one by one would move the others each time. */
  readonly #queue: Work<Request>[];
  #next = 0;
  readonly #answers = new EventQueue<{ readonly request: Request; readonly answer: Answer }>();
  readonly #stopped = new AbortController();
  readonly #timers = new Set<NodeJS.Timeout>();
  #left: number;

  constructor(requests: readonly Request[], options: SharingOptions<Request, Answer>) {
    this.#options = options;
    this.#queue = requests.map((request) => ({ request, attempts: 0 }));
    this.#left = requests.length;
    this.#servers = options.servers.map((url) => {
      return {
        url,
        inFlight: 0,
        answers: 0,
        failures: 0,
        failuresInRow: 0,
        era: 0,
        resumesAt: 0,
        givenUp: null,
      };
    });
  }

  async *answers(): AsyncGenerator<{ readonly request: Request; readonly answer: Answer }, void, void> {
    const { signal } = this.#options;
    const abort = (): void => this.#fail(signal?.reason);
    signal?.throwIfAborted();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      if (this.#left === 0) return;
      this.#dispatch();
      yield* this.#answers;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Ends what is under way. */
  stop(): void {
    this.#stopped.abort();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  reports(): readonly ServerReport[] {
    return this.#servers.map(({ url, answers, failures, givenUp }) => {
      return { server: url, answers, failures, givenUp: givenUp?.message ?? null };
    });
  }

  #fail(failure: unknown): void {
    this.#answers.close(failure);
    this.stop();
  }

  /** Gives waiting requests to servers: one that works before one that is tried again, then the one that has the fewest. */
  #dispatch(): void {
    while (this.#next < this.#queue.length && !this.#stopped.signal.aborted) {
      const now = performance.now();
      const free = this.#servers.filter((server) => this.#isFree(server, now));
      if (free.length === 0) return;
      const server = free.reduce((best, each) => (isBetter(each, best) ? each : best));
      const work = this.#queue[this.#next++]!;
      server.inFlight++;
      this.#work(server, work).catch((error: unknown) => this.#fail(error));
    }
  }

  #isFree({ givenUp, resumesAt, inFlight, failuresInRow }: Server, now: number): boolean {
    const most = failuresInRow === 0 ? this.#options.concurrency : 1;
    return givenUp === null && resumesAt <= now && inFlight < most;
  }

  async #work(server: Server, work: Work<Request>): Promise<void> {
    const { era } = server;
    const { request } = work;
    const attempt = await this.#options.attempt(server.url, request, this.#stopped.signal);
    server.inFlight--;
    if (this.#stopped.signal.aborted) return;
    if (attempt.type === "answer") {
      server.answers++;
      server.failuresInRow = 0;
      this.#answers.push({ request, answer: attempt.answer });
      this.#left--;
      if (this.#left === 0) this.#answers.close();
    } else if (attempt.type === "passing") {
      server.failures++;
      if (attempt.blame === "request") work.attempts++;
      if (work.attempts >= REQUEST_ATTEMPTS) throw unanswered(request.id, server.url, attempt.reason);
      // At the end, so that neither a bad request nor a bad server meets only the other.
      this.#queue.push(work);
      if (era === server.era) this.#pause(server, attempt);
    } else {
      if (attempt.by === "request") throw attempt.error;
      this.#queue.push(work);
      this.#giveUp(server, attempt.error);
    }
    this.#dispatch();
  }

  #pause(server: Server, { reason, pauseMs }: { readonly reason: string; readonly pauseMs: number }): void {
    server.era++;
    server.failuresInRow++;
    if (server.failuresInRow >= SERVER_ATTEMPTS || pauseMs > LONGEST_ASKED_PAUSE_MS) {
      const asked = pauseMs > LONGEST_ASKED_PAUSE_MS ? `, asking for ${Math.ceil(pauseMs / 1000)} s` : "";
      this.#giveUp(server, unreachable(server, `${reason}${asked}`));
      return;
    }
    const { firstPauseMs = 500 } = this.#options;
    const own = Math.min(firstPauseMs * 2 ** (server.failuresInRow - 1), LONGEST_PAUSE_MS);
    const pause = Math.max(own, pauseMs);
    server.resumesAt = performance.now() + pause;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      // Timers may fire a little early.
      server.resumesAt = 0;
      this.#dispatch();
    }, pause);
    this.#timers.add(timer);
  }

  #giveUp(server: Server, error: BitmendError): void {
    server.givenUp ??= error;
    if (this.#servers.some(({ givenUp }) => givenUp === null)) return;
    const reasons = this.#servers.map(({ givenUp }) => givenUp!);
    if (reasons.length === 1) throw reasons[0]!;
    throw new BitmendError(
      "remote/unreachable",
      `shareRequests(): no server is left:\n${reasons.map(({ message }) => `  ${message}`).join("\n")}`,
      { hint: "What was answered is kept; start again when one is back." },
    );
  }
}

function isBetter(left: Server, right: Server): boolean {
  if (left.failuresInRow === right.failuresInRow) return left.inFlight < right.inFlight;
  return left.failuresInRow < right.failuresInRow;
}

function unreachable({ url, failuresInRow }: Server, reason: string): BitmendError {
  return new BitmendError(
    "remote/unreachable",
    `shareRequests(): ${url} failed ${failuresInRow} times in a row, at last: ${reason}.`,
    { hint: "What was answered is kept; start again when the server is back." },
  );
}

function unanswered(id: string, url: string, reason: string): BitmendError {
  return new BitmendError(
    "remote/unanswered",
    `shareRequests(): "${id}" failed ${REQUEST_ATTEMPTS} times, at last at ${url}: ${reason}.`,
    {
      hint: "What was answered is kept; start again, perhaps with a longer --timeout or a smaller --concurrency.",
    },
  );
}
