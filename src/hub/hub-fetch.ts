import { setTimeout as sleep } from "node:timers/promises";
import { BitmendError } from "../util/errors.ts";
import type { HubSettings } from "./hub-settings.ts";

/** Attempts of one request, the first among them. */
const ATTEMPTS = 6;
/** Of the pause before the second attempt; each later one is twice as long. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** Until the headers of an answer are there. */
const ANSWER_TIMEOUT_MS = 30_000;

/** What a request is made for, for its errors. */
export interface HubFetchOptions extends Pick<HubSettings, "endpoint" | "token"> {
  /** `org/name@revision`, as people wrote it. */
  readonly id: string;
  readonly signal?: AbortSignal | undefined;
  /** Default: {@link FIRST_PAUSE_MS}. */
  readonly firstPauseMs?: number;
}

/**
 * A `fetch` for the hub: tries again after what passes by itself (429, 5xx, a network that stutters), as long as the server's `Retry-After`
 * says, and turns refusals into errors that say what to do. The token goes to the hub and to no other host.
 *
 * The function it returns throws `hub/gated`, `hub/no-access`, `hub/not-found`, `hub/unreachable` or `hub/refused`.
 */
export function hubFetch(options: HubFetchOptions): typeof fetch {
  const { endpoint, token, signal, firstPauseMs = FIRST_PAUSE_MS } = options;
  const hub = new URL(endpoint).origin;
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    const url = input instanceof Request ? input.url : String(input);
    if (token !== null && new URL(url).origin === hub) headers.set("Authorization", `Bearer ${token}`);
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      // oxlint-disable-next-line eslint/no-await-in-loop -- attempts follow each other
      const answer = await attemptFetch(input, { ...init, headers }, signal);
      if (answer instanceof Response && answer.ok) return answer;
      const passing = !(answer instanceof Response) || answer.status === 429 || answer.status >= 500;
      if (!passing || attempt === ATTEMPTS) throw refusal(answer, { ...options, url });
      const pause = firstPauseMs * 2 ** (attempt - 1);
      const asked = answer instanceof Response ? retryAfterMs(answer) : 0;
      // oxlint-disable-next-line eslint/no-await-in-loop -- see above
      if (answer instanceof Response) await answer.body?.cancel();
      // oxlint-disable-next-line eslint/no-await-in-loop -- see above
      await sleep(Math.min(Math.max(pause, asked), LONGEST_PAUSE_MS), undefined, signal ? { signal } : {});
    }
  };
}

/** The answer, or why there is none. */
async function attemptFetch(
  input: Parameters<typeof fetch>[0],
  init: RequestInit,
  signal: AbortSignal | undefined,
): Promise<Response | Error> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new Error("no answer in time")), ANSWER_TIMEOUT_MS);
  try {
    const signals = signal === undefined ? [timeout.signal] : [timeout.signal, signal];
    return await fetch(input, { ...init, signal: AbortSignal.any(signals) });
  } catch (error) {
    signal?.throwIfAborted();
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
  }
}

/** Seconds or a date, in milliseconds from now; 0 where the server does not say. */
function retryAfterMs({ headers }: Response): number {
  const value = headers.get("Retry-After");
  if (value === null) return 0;
  const milliseconds = /^\d+$/u.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : 0;
}

function refusal(
  answer: Response | Error,
  { id, token, endpoint, url }: HubFetchOptions & { readonly url: string },
): BitmendError {
  const where = "hubFetch()";
  if (answer instanceof Error) {
    const reason = answer.cause instanceof Error ? answer.cause.message : answer.message;
    return new BitmendError(
      "hub/unreachable",
      `${where}: expected an answer from ${new URL(url).host}, got none in ${ATTEMPTS} attempts (${reason}).`,
      { hint: "Check the network, or HF_ENDPOINT; what is in the cache works without.", cause: answer },
    );
  }
  const { status, headers } = answer;
  const said = headers.get("X-Error-Code") ?? "";
  if (said === "GatedRepo") {
    return new BitmendError(
      "hub/gated",
      `${where}: ${id} is gated, and this access is not approved (${status}).`,
      {
        hint: `Ask for access at ${endpoint}/${id.split("@")[0]}, then set HF_TOKEN to a token of that account.`,
      },
    );
  }
  const missing = { RevisionNotFound: "revision", EntryNotFound: "file" }[said];
  if (status === 404 && missing !== undefined) {
    return new BitmendError(
      "hub/not-found",
      `${where}: ${id}: the hub knows the repository, not this ${missing}.`,
      {
        hint: "Check the spelling of the revision.",
      },
    );
  }
  if (status === 401 || status === 403 || status === 404) {
    // The hub does not tell strangers whether a private repository exists.
    return new BitmendError(
      status === 404 ? "hub/not-found" : "hub/no-access",
      `${where}: expected a model ${id} on the hub, but it does not exist, or is private and ${token === null ? "no token was sent" : "the token may not read it"} (${status}).`,
      { hint: "Check the spelling; for a private model set HF_TOKEN." },
    );
  }
  return new BitmendError("hub/refused", `${where}: ${id}: the hub answered with status ${status}.`, {
    hint: "Try again later.",
  });
}
