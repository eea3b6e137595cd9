/** @file Options of verbs that ask models behind an API, and what those cost, in words. */
import { resolve } from "node:path";
import { count } from "../report/number-text.ts";
import { BitmendError } from "../util/errors.ts";
import type { EvaluateOptions, EvaluateResult } from "../verbs/evaluate.ts";
import { readNumber } from "./read-value.ts";

export const remoteOptions = {
  concurrency: { type: "integer", value: "N", help: "Requests that one server works on at once (16)" },
  timeout: { type: "string", value: "SECONDS", help: "Until an answer of a server is whole (1800)" },
  request: { type: "string", value: "JSON", help: `Further fields of every request, e.g. '{"top_k": 20}'` },
  prices: { type: "string", value: "IN,OUT", help: "Of a million prompt and new tokens, to count the cost" },
  cache: { type: "string", value: "FILE", help: "Answers of servers, by content (DIRECTORY/answers.jsonl)" },
} as const;

/** Values of {@link remoteOptions} as the command line gives them. */
interface RemoteValues {
  readonly concurrency?: number | undefined;
  readonly timeout?: string | undefined;
  readonly request?: string | undefined;
  readonly prices?: string | undefined;
  readonly cache?: string | undefined;
}

/**
 * Reads the options of {@link remoteOptions}.
 *
 * @throws {BitmendError} `cli/usage`.
 */
export function readRemoteOptions(values: RemoteValues): NonNullable<EvaluateOptions["remote"]> {
  const { concurrency, cache } = values;
  return {
    concurrency,
    timeoutSeconds: readNumber("timeout", values.timeout),
    fields: readFields(values.request),
    prices: readPrices(values.prices),
    cache: cache === undefined ? undefined : resolve(cache),
  };
}

function readFields(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  try {
    const fields: unknown = JSON.parse(text);
    if (typeof fields === "object" && fields !== null && !Array.isArray(fields)) return { ...fields };
  } catch {
    // Told below.
  }
  throw new BitmendError("cli/usage", `Option --request needs a JSON object, got ${JSON.stringify(text)}.`);
}

function readPrices(
  text: string | undefined,
): { readonly prompt: number; readonly completion: number } | undefined {
  if (text === undefined) return undefined;
  const prices = text.split(",").map((part) => readNumber("prices", part));
  const [prompt, completion] = prices;
  if (prices.length === 2 && prompt !== undefined && completion !== undefined) return { prompt, completion };
  throw new BitmendError(
    "cli/usage",
    `Option --prices needs two numbers like 0.5,1.5, got ${JSON.stringify(text)}.`,
  );
}

/** What the answers of a model behind an API took, a line each. */
export function usageText({
  asked,
  cached,
  uncounted,
  servers,
}: NonNullable<EvaluateResult["usage"]>): string[] {
  const tokens = ({ answers, promptTokens, completionTokens, cost }: typeof asked): string => {
    const price = cost === null ? "" : `, cost ${cost.toFixed(4)}`;
    return `${count(answers)} answers, ${count(promptTokens)} prompt and ${count(completionTokens)} new tokens${price}`;
  };
  return [
    `Asked: ${tokens(asked)}`,
    ...(cached.answers === 0 ? [] : [`From the cache: ${tokens(cached)}`]),
    ...(uncounted === 0 ? [] : [`Without a count by the server: ${count(uncounted)} answers`]),
    ...servers
      .filter(({ failures, givenUp }) => servers.length > 1 || failures > 0 || givenUp !== null)
      .map(({ server, answers, failures, givenUp }) => {
        const end = givenUp === null ? "" : `; given up: ${givenUp}`;
        return `${server}: ${count(answers)} answers, ${count(failures)} failed attempts${end}`;
      }),
  ];
}
