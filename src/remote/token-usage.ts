import type { RemoteAnswer } from "./remote-answer.ts";
import type { ServerReport } from "./share-requests.ts";

/** What a million tokens cost, in the currency of whoever says it. */
export interface TokenPrices {
  readonly prompt: number;
  readonly completion: number;
}

/** Tokens of some answers, as servers counted them. */
interface TokenCounts {
  readonly answers: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** In the currency of the prices; null without prices. */
  readonly cost: number | null;
}

/** What the answers of one evaluation took. */
export interface UsageReport {
  /** Asked now. */
  readonly asked: TokenCounts;
  /** Found in the cache: paid for already. */
  readonly cached: TokenCounts;
  /** Answers whose server counted no tokens, so that they are missing from the sums. */
  readonly uncounted: number;
  readonly servers: readonly ServerReport[];
}

/** Adds up tokens as answers come. */
export class TokenUsage {
  readonly #prices: TokenPrices | null;
  readonly #sums = {
    asked: { answers: 0, promptTokens: 0, completionTokens: 0 },
    cached: { answers: 0, promptTokens: 0, completionTokens: 0 },
  };
  #uncounted = 0;
  #servers: readonly ServerReport[] = [];

  constructor(prices: TokenPrices | null) {
    this.#prices = prices;
  }

  add(from: "asked" | "cached", { promptTokens, completionTokens }: RemoteAnswer): void {
    const sums = this.#sums[from];
    sums.answers++;
    sums.promptTokens += promptTokens ?? 0;
    sums.completionTokens += completionTokens ?? 0;
    if (promptTokens === null || completionTokens === null) this.#uncounted++;
  }

  setServers(servers: readonly ServerReport[]): void {
    this.#servers = servers;
  }

  /** New tokens that were asked for until now. */
  get newTokens(): number {
    return this.#sums.asked.completionTokens;
  }

  report(): UsageReport {
    const { asked, cached } = this.#sums;
    return {
      asked: { ...asked, cost: this.#cost(asked) },
      cached: { ...cached, cost: this.#cost(cached) },
      uncounted: this.#uncounted,
      servers: this.#servers,
    };
  }

  #cost({ promptTokens, completionTokens }: Omit<TokenCounts, "cost">): number | null {
    if (this.#prices === null) return null;
    const { prompt, completion } = this.#prices;
    return (promptTokens * prompt + completionTokens * completion) / 1e6;
  }
}
