import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bootstrapMeanInterval } from "../../src/evaluation/bootstrap-interval.ts";
import { holmAdjusted } from "../../src/evaluation/holm.ts";
import { majorityAtK } from "../../src/evaluation/majority-at-k.ts";
import { mcnemarExactP } from "../../src/evaluation/mcnemar.ts";
import { passAtK } from "../../src/evaluation/pass-at-k.ts";
import { pairedPermutation } from "../../src/evaluation/permutation-test.ts";
import { differenceFound, problemsNeeded } from "../../src/evaluation/power.ts";
import { studentInterval } from "../../src/evaluation/student-interval.ts";
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
  readonly clustered: readonly { samples: number[][]; interval: number[] }[];
  readonly passAtK: readonly { correct: number; samples: number; k: number; chance: number }[];
  readonly majority: readonly {
    classes: { votes: number; correct: boolean }[];
    silent: number;
    k: number;
    chance: number;
  }[];
  readonly permutation: readonly { differences: number[]; p: number }[];
  readonly holm: readonly { p: number[]; adjusted: number[] }[];
  readonly power: readonly {
    difference: number;
    discordant: number;
    problems: number;
    exactPower: number;
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

  test.each(golden.clustered)(
    "Student over problem means is a regression clustered by problem",
    ({ samples, interval }) => {
      const means = samples.map((one) => one.reduce((sum, each) => sum + each, 0) / one.length);
      // quantiles by two continued fractions, sums of up to 1,200 outcomes
      expect(studentInterval(means)).toBeAllClose(interval, { relative: 1e-10, absolute: 1e-12 });
    },
  );

  test.each(golden.passAtK)("pass@$k with $correct of $samples right", ({ correct, samples, k, chance }) =>
    expect([passAtK(correct, samples, k)]).toBeAllClose([chance], { relative: 1e-11, absolute: 1e-13 }),
  );

  test.each(golden.majority)("maj@$k is the share of all subsets", ({ classes, silent, k, chance }) =>
    expect([majorityAtK(classes, silent, k)]).toBeAllClose([chance], { relative: 1e-13, absolute: 1e-15 }),
  );

  test.each(golden.permutation)("paired permutation p $p", ({ differences, p }) => {
    const exact = pairedPermutation(differences, { seed: 1 });
    expect(exact.draws).toBeNull();
    expect([exact.p]).toBeAllClose([p], { relative: 1e-11, absolute: 0 });
    // Off every lattice, so that signs are drawn: 20,000 of them put p within 0.0037 of the truth at worst, one standard deviation.
    const drawn = pairedPermutation(
      differences.map((each) => each * Math.PI),
      { seed: 1 },
    );
    expect(drawn.draws === null).toBe(differences.every((each) => each === 0));
    expect(Math.abs(drawn.p - p)).toBeLessThan(0.015);
  });

  test.each(golden.holm)("Holm of $p", ({ p, adjusted }) =>
    expect(holmAdjusted(p)).toBeAllClose(adjusted, { relative: 1e-14, absolute: 0 }),
  );

  test.each(golden.power)(
    "$difference at $discordant discordant takes $problems problems",
    ({ difference, discordant, problems, exactPower }) => {
      const spread = { between: discordant, within: null };
      expect(problemsNeeded(difference, spread)).toBe(Math.ceil(problems));
      expect([differenceFound(problems, spread)]).toBeAllClose([difference], { relative: 1e-6, absolute: 0 });
      expect(exactPower).toBeGreaterThan(0.775);
      expect(exactPower).toBeLessThan(0.8);
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
