/** What says where an API's key is, and the key. */
export interface ApiKey {
  /** Null where there is none. */
  readonly key: string | null;
  /** The variables that were, or would be, read; the most particular one first. */
  readonly variables: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The key for a server, from the environment.
 *
 * `BITMEND_API_KEY_<HOST>_<PORT>`, then `BITMEND_API_KEY_<HOST>` (capitals, everything but letters and digits as `_`), then
 * `OPENAI_API_KEY`. The last belongs to no particular host, so it is not sent in clear text to another machine.
 */
export function apiKey(server: string, environment: Environment = process.env): ApiKey {
  const url = new URL(server);
  const host = variablePart(url.hostname);
  const own = `BITMEND_API_KEY_${host}`;
  const variables = [
    ...(url.port === "" ? [] : [`${own}_${url.port}`]),
    own,
    ...(url.protocol === "https:" || isLoopback(url.hostname) ? ["OPENAI_API_KEY"] : []),
  ];
  const keys = variables.map((name) => environment[name]?.trim() ?? "");
  return { key: keys.find((key) => key !== "") ?? null, variables };
}

function variablePart(host: string): string {
  return host
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/gu, "_")
    .replaceAll(/^_+|_+$/gu, "");
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/u.test(host);
}
