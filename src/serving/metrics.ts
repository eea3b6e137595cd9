/** @file What the server counts, in {@link https://prometheus.io/docs/instrumenting/exposition_formats/ | Prometheus' text format}. */

/** Upper bounds of the buckets, seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Values of this moment. */
export interface Gauges {
  readonly running: number;
  readonly waiting: number;
  readonly slots: number;
}

export class Metrics {
  /** By endpoint and status. */
  readonly #requests = new Map<string, number>();
  readonly #seconds = new Histogram("bitmend_request_seconds", "Seconds from a request's body to its end.");
  readonly #firstToken = new Histogram(
    "bitmend_first_token_seconds",
    "Seconds from a request's body to the first token of each of its choices.",
  );
  promptTokens = 0;
  newTokens = 0;

  countRequest(endpoint: string, status: number): void {
    const labels = `{endpoint="${endpoint}",status="${status}"}`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
  }

  observeRequest(seconds: number): void {
    this.#seconds.observe(seconds);
  }

  observeFirstToken(seconds: number): void {
    this.#firstToken.observe(seconds);
  }

  render({ running, waiting, slots }: Gauges): string {
    const requests = [...this.#requests].map(([labels, count]) => `bitmend_requests_total${labels} ${count}`);
    const lines = [
      ...header("bitmend_requests_total", "counter", "Requests that have ended."),
      ...requests,
      ...single("bitmend_prompt_tokens_total", "counter", "Prompt tokens of accepted requests.", {
        value: this.promptTokens,
      }),
      ...single("bitmend_new_tokens_total", "counter", "Tokens generated, stop tokens included.", {
        value: this.newTokens,
      }),
      ...single("bitmend_running", "gauge", "Completions in the batch.", { value: running }),
      ...single("bitmend_waiting", "gauge", "Completions that wait for a slot.", { value: waiting }),
      ...single("bitmend_slots", "gauge", "Completions that fit into the batch.", { value: slots }),
      ...single("process_resident_memory_bytes", "gauge", "Resident memory.", {
        value: process.memoryUsage.rss(),
      }),
      ...this.#seconds.lines(),
      ...this.#firstToken.lines(),
    ];
    return `${lines.join("\n")}\n`;
  }
}

class Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #counts = BUCKETS.map(() => 0);
  #count = 0;
  #sum = 0;

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  observe(value: number): void {
    for (const [index, bound] of BUCKETS.entries()) if (value <= bound) this.#counts[index]!++;
    this.#count++;
    this.#sum += value;
  }

  lines(): string[] {
    const name = this.#name;
    const buckets = BUCKETS.map((bound, index) => `${name}_bucket{le="${bound}"} ${this.#counts[index]}`);
    return [
      ...header(name, "histogram", this.#help),
      ...buckets,
      `${name}_bucket{le="+Inf"} ${this.#count}`,
      `${name}_sum ${this.#sum}`,
      `${name}_count ${this.#count}`,
    ];
  }
}

function header(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function single(name: string, type: string, ...[help, { value }]: [string, { value: number }]): string[] {
  return [...header(name, type, help), `${name} ${value}`];
}
