import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bootstrapMeanInterval } from "../../src/evaluation/bootstrap-interval.ts";
import { mcnemarExactP } from "../../src/evaluation/mcnemar.ts";
import { wilsonInterval } from "../../src/evaluation/wilson-interval.ts";

interface Golden {
  readonly source: { readonly program: string };
  readonly wilson: readonly { successes: number; trials: number; interval: number[] }[];
  readonly mcnemar: readonly { lost: number; won: number; p: number }[];
  readonly bootstrap: readonly {
    lost: number;
    won: number;
    n: number;
    low: number;
    high: number;
    scipy: number[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL("statistics.json", import.meta.url), "utf8")) as Golden;

describe(`statistics match ${golden.source.program}`, () => {
  test.each(golden.wilson)("Wilson interval of $successes of $trials", ({ successes, trials, interval }) =>
    // float64, a dozen operations
    expect(wilsonInterval(successes, trials)).toBeAllClose(interval, { relative: 1e-12, absolute: 1e-14 }),
  );

  test.each(golden.mcnemar)("McNemar p of $lost lost, $won won", ({ lost, won, p }) =>
    // ln n! near 1e6 carries an absolute error of 1e-10, which is the relative error of p
    expect([mcnemarExactP(lost, won)]).toBeAllClose([p], { relative: 1e-8, absolute: 0 }),
  );

  test.each(golden.bootstrap)(
    "bootstrap interval of $lost lost, $won won of $n",
    ({ lost, won, n, low, high, scipy }) => {
      const differences = Array.from({ length: n }, (_, index) =>
        index < lost ? 1 : index < lost + won ? -1 : 0,
      );
      const interval = bootstrapMeanInterval(differences, { seed: 1 });
      // A quantile of 10,000 resamples is off by about 0.03 standard deviations; two lattice steps of 1/n at most here.
      expect(interval).toBeAllClose([low, high], { relative: 0, absolute: 2 / n + 1e-12 });
      expect(interval).toBeAllClose(scipy, { relative: 0, absolute: 3 / n + 1e-12 });
    },
  );
});

test("10,000 resamples of 1,000 problems take well under a second", () => {
  const differences = Array.from({ length: 1000 }, (_, index) => (index % 5 === 0 ? 1 : 0));
  const start = performance.now();
  bootstrapMeanInterval(differences, { seed: 1 });
  // About 0.1 s on an idle core; the limit leaves room for a loaded one.
  expect(performance.now() - start).toBeLessThan(2000);
});
