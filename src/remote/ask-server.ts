import { BitmendError, type ErrorCode } from "../util/errors.ts";
import { apiKey } from "./api-key.ts";
import type { Attempt } from "./attempt.ts";
import { exchange, type Exchanged } from "./exchange.ts";
import { errorWords, parseAnswer, type RemoteAnswer } from "./remote-answer.ts";
import type { RequestBody } from "./request-body.ts";

export interface Question {
  /** Base URL. */
  readonly server: string;
  /** Under the base URL, with its slash. */
  readonly path: string;
  readonly body: RequestBody;
  /** Until the answer is whole. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Asks a server once, and says what its answer means for the request and for the server. */
export async function askServer(question: Question): Promise<Attempt<RemoteAnswer>> {
  const { server, path, body, timeoutMs, signal } = question;
  let exchanged: Exchanged;
  try {
    exchanged = await exchange(`${server}${path}`, {
      method: "POST",
      headers: requestHeaders(server),
      body: JSON.stringify(body),
      timeoutMs,
      signal,
    });
  } catch (error) {
    return failed(error);
  }
  const { status } = exchanged;
  if (status >= 200 && status < 300) {
    const answer = parseAnswer(exchanged.body);
    if (answer !== null) return { type: "answer", answer };
    return passing(exchanged, { reason: "its answer is no completion", blame: "request" });
  }
  const { message, code, parameter } = errorWords(exchanged.body);
  const reason = `status ${status}${message === "" ? "" : `: ${message}`}`;
  if (isOldTokenLimit(question, { status, parameter })) return askServer(withNewTokenLimit(question));
  if (status === 429 && code === "insufficient_quota") return refusedByServer(server, status, reason);
  if (status === 429 || status === 503) return passing(exchanged, { reason, blame: "server" });
  if (status >= 500 || status === 408 || status === 409 || status === 425) {
    return passing(exchanged, { reason, blame: "request" });
  }
  if ([401, 402, 403, 404, 405].includes(status) || status < 400)
    return refusedByServer(server, status, reason);
  return {
    type: "refused",
    by: "request",
    error: new BitmendError("remote/refused", `askServer(): ${server} refuses a request with ${reason}.`, {
      hint: `Change what is asked: --max-new-tokens, --temperature, or --request '{"FIELD": null}' for a field that it does not take.`,
    }),
  };
}

/** Headers of every request to a server. */
export function requestHeaders(server: string): Readonly<Record<string, string>> {
  const { key } = apiKey(server);
  return {
    "Content-Type": "application/json",
    Accept: "application/json",
    ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
  };
}

/** A server that cannot be reached is at fault itself; one that falls silent midway perhaps because of the request. */
function failed(error: unknown): Attempt<RemoteAnswer> {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message : String(error);
  const words = message === "" ? code : message;
  const unreached = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"];
  const isUnreached = unreached.includes(code) || words.startsWith("no connection");
  return { type: "passing", reason: words, blame: isUnreached ? "server" : "request", pauseMs: 0 };
}

function passing(
  { headers }: Exchanged,
  why: { readonly reason: string; readonly blame: "server" | "request" },
): Attempt<RemoteAnswer> {
  return { type: "passing", ...why, pauseMs: retryAfterMs(headers["retry-after"]) };
}

/** Seconds or a date, in milliseconds from now; 0 where the server does not say. */
function retryAfterMs(value: string | undefined): number {
  if (value === undefined) return 0;
  const milliseconds = /^\d+(?:\.\d+)?$/u.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : 0;
}

/** OpenAI's thinking models know the limit by its newer name only. */
function isOldTokenLimit(
  { body }: Question,
  { status, parameter }: { readonly status: number; readonly parameter: string },
): boolean {
  return status === 400 && parameter === "max_tokens" && "max_tokens" in body && "messages" in body;
}

function withNewTokenLimit(question: Question): Question {
  const { max_tokens: limit, ...body } = question.body;
  return { ...question, body: { ...body, max_completion_tokens: limit } };
}

/** What the server says to this request it would say to any. */
function refusedByServer(server: string, status: number, reason: string): Attempt<never> {
  return { type: "refused", by: "server", error: serverRefusal(server, status, reason) };
}

/** The error of a server that takes no request of ours. */
export function serverRefusal(server: string, status: number, reason: string): BitmendError {
  const { key, variables } = apiKey(server);
  const missing = `Put the key in ${variables.join(" or ")}.`;
  const [code, hint]: [ErrorCode, string] =
    status === 401 || status === 403
      ? [
          "remote/no-access",
          key === null ? missing : `The key of ${variables.join(" or ")} is not accepted; check it.`,
        ]
      : status === 404 || status === 405
        ? [
            "remote/no-model",
            "Check the path of the URL (it ends in /v1, mostly) and the model's name after #.",
          ]
        : status === 402 || status === 429
          ? ["remote/no-quota", "The account has no means left; what was answered is kept."]
          : ["remote/refused", "Name the URL that it redirects to, if it does."];
  const said = key === null ? " (no key was sent)" : "";
  return new BitmendError(code, `askServer(): ${server} refuses with ${reason}${said}.`, { hint });
}
