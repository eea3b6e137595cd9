"""Golden values of the statistics, from statsmodels, scipy, exact convolution and enumeration.

Run: python3 -m venv /tmp/venv && /tmp/venv/bin/pip install scipy==1.17.1 statsmodels==0.15.0 && \
     /tmp/venv/bin/python tools/golden/statistics.py > test/golden/statistics.json
"""

import itertools
import json
import platform
from fractions import Fraction

import numpy
import scipy
import scipy.stats
import statsmodels
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import normal_sample_size_one_tail
from statsmodels.stats.proportion import proportion_confint


def resampled_quantiles(lost: int, won: int, count: int) -> dict:
    """2.5 % and 97.5 % quantiles of the exact distribution of the resampled mean difference, by convolving `count` draws."""
    one = numpy.array([won, count - lost - won, lost], dtype=numpy.float64) / count
    total = numpy.ones(1)
    for _ in range(count):
        total = numpy.convolve(total, one)
    cumulative = numpy.cumsum(total)
    values = numpy.arange(-count, count + 1) / count
    return {
        "lost": lost,
        "won": won,
        "n": count,
        "low": float(values[numpy.searchsorted(cumulative, 0.025)]),
        "high": float(values[numpy.searchsorted(cumulative, 0.975)]),
    }


def scipy_percentile(lost: int, won: int, count: int) -> list:
    values = numpy.array([1.0] * lost + [-1.0] * won + [0.0] * (count - lost - won))
    result = scipy.stats.bootstrap(
        (values,), numpy.mean, n_resamples=10_000, method="percentile", rng=numpy.random.default_rng(42)
    )
    return [float(result.confidence_interval.low), float(result.confidence_interval.high)]


def clustered_interval(samples: list) -> list:
    """95 % interval of the mean of all samples, errors clustered by problem: a regression on a constant."""
    outcomes = numpy.concatenate([numpy.asarray(one, dtype=float) for one in samples])
    problems = numpy.repeat(numpy.arange(len(samples)), [len(one) for one in samples])
    fit = OLS(outcomes, numpy.ones((len(outcomes), 1))).fit(
        cov_type="cluster", cov_kwds={"groups": problems}, use_t=True
    )
    return [float(bound) for bound in fit.conf_int()[0]]


def majority_by_enumeration(classes: list, silent: int, k: int) -> float:
    """Share of all k-subsets whose most frequent answer is right; of t tied answers each wins 1/t of the time."""
    samples = [index for index, one in enumerate(classes) for _ in range(one["votes"])] + [None] * silent
    total, subsets = Fraction(0), 0
    for subset in itertools.combinations(samples, k):
        subsets += 1
        votes = [subset.count(index) for index in range(len(classes))]
        top = max(votes, default=0)
        if top == 0:
            continue
        winners = [index for index, count in enumerate(votes) if count == top]
        total += Fraction(sum(classes[index]["correct"] for index in winners), len(winners))
    return float(total / subsets)


def permutation_p(differences: list) -> float:
    """Two-sided p over all signs, by scipy; ties with the observed sum count."""
    result = scipy.stats.permutation_test(
        (numpy.array(differences), numpy.zeros(len(differences))),
        lambda left, right, axis: numpy.sum(left - right, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=numpy.inf,
        alternative="two-sided",
    )
    return float(result.pvalue)


def permutation_by_counting(differences: list) -> float:
    """Two-sided p over all signs in exact fractions, sums held in a table; not doubled but counted on both sides."""
    chances = {Fraction(0): Fraction(1)}
    for one in differences:
        following = {}
        for total, chance in chances.items():
            for signed in (one, -one):
                following[total + signed] = following.get(total + signed, Fraction(0)) + chance / 2
        chances = following
    observed = abs(sum(differences))
    return float(sum(chance for total, chance in chances.items() if abs(total) >= observed))


def power_case(difference: float, discordant: float) -> dict:
    """Problems by statsmodels' normal approximation, and the true power of the exact McNemar test at that number."""
    count = normal_sample_size_one_tail(
        difference, 0.8, 0.025, std_null=discordant**0.5, std_alternative=(discordant - difference**2) ** 0.5
    )
    problems = int(numpy.ceil(count))
    power = 0.0
    for trials in range(problems + 1):
        chance = scipy.stats.binom.pmf(trials, problems, discordant)
        if chance < 1e-12:
            continue
        lost = numpy.arange(trials + 1)
        tail = numpy.minimum(1, 2 * scipy.stats.binom.cdf(numpy.minimum(lost, trials - lost), trials, 0.5))
        share = (discordant + difference) / (2 * discordant)
        power += chance * scipy.stats.binom.pmf(lost, trials, share)[tail <= 0.05].sum()
    return {"difference": difference, "discordant": discordant, "problems": float(count), "exactPower": float(power)}


generator = numpy.random.default_rng(7)
sampled = [(generator.random((problems, 1)) > generator.random((problems, samples))).astype(int).tolist() for problems, samples in [(2, 4), (12, 8), (40, 16), (300, 4)]]
pass_cases = [(0, 10, 1), (10, 10, 3), (3, 10, 2), (1, 200, 100), (37, 200, 10), (5, 5, 5), (199, 200, 2)]
vote_cases = [
    ([(2, True), (1, False)], 0, 3), ([(1, True), (1, False)], 0, 2), ([(3, True), (4, False), (2, False)], 1, 5),
    ([(2, True), (1, False), (1, False), (1, False)], 3, 4), ([(5, False), (4, True)], 0, 1), ([], 4, 2),
    ([(4, True), (4, False), (4, False)], 2, 8), ([(6, True), (3, False), (1, False)], 0, 6),
]
signs = [[1, 1, 1, -1, 0, 1, 1], [0.5, -0.25, 0.75, 0.25, 0, -0.5, 1, 0.25, 0.5], (generator.integers(-8, 9, 14) / 8).tolist(), [0.0, 0.0]]
fractions = [[Fraction(int(value), 64) for value in generator.integers(-20, 30, 60)], [Fraction(int(value), 12) for value in generator.integers(-9, 12, 200)]]
tests = [[0.01, 0.04, 0.03], [0.5], [0.2, 0.001, 0.9, 0.001, 0.04, 0.0124]]
powers = [(0.01, 0.034), (0.05, 0.2), (0.02, 0.02), (0.1, 0.5), (0.3, 0.35)]

counts = [(0, 1), (1, 1), (0, 20), (20, 20), (8, 10), (1, 100), (965, 1000), (500, 1000), (12_345, 100_000)]
flips = [(0, 0), (0, 1), (1, 5), (3, 3), (10, 30), (47, 5), (250, 300), (2_000, 2_200), (50_000, 51_000), (0, 900)]
tables = [(5, 1, 50), (73, 12, 400), (285, 2, 1000), (10, 10, 1000)]

print(
    json.dumps(
        {
            "source": {
                "program": "statsmodels (proportion_confint, mcnemar, OLS clustered, multipletests, normal_sample_size_one_tail), scipy (bootstrap, hypergeom, permutation_test), convolution and enumeration",
                "versions": {
                    "python": platform.python_version(),
                    "numpy": numpy.__version__,
                    "scipy": scipy.__version__,
                    "statsmodels": statsmodels.__version__,
                },
                "seed": "42 (scipy.stats.bootstrap), 7 (cases)",
                "command": "python tools/golden/statistics.py > test/golden/statistics.json",
            },
            "wilson": [
                {"successes": k, "trials": n, "interval": list(map(float, proportion_confint(k, n, method="wilson")))}
                for k, n in counts
            ],
            "mcnemar": [
                {"lost": b, "won": c, "p": float(mcnemar([[0, b], [c, 0]], exact=True).pvalue) if b + c else 1.0}
                for b, c in flips
            ],
            "bootstrap": [
                {**resampled_quantiles(*table), "scipy": scipy_percentile(*table)} for table in tables
            ],
            "clustered": [{"samples": one, "interval": clustered_interval(one)} for one in sampled],
            "passAtK": [
                {"correct": c, "samples": n, "k": k, "chance": float(1 - scipy.stats.hypergeom.pmf(0, n, c, k))}
                for c, n, k in pass_cases
            ],
            "majority": [
                {"classes": classes, "silent": silent, "k": k, "chance": majority_by_enumeration(classes, silent, k)}
                for classes, silent, k in (
                    ([{"votes": votes, "correct": correct} for votes, correct in one], silent, k)
                    for one, silent, k in vote_cases
                )
            ],
            "permutation": [{"differences": one, "p": permutation_p(one)} for one in signs]
            + [{"differences": list(map(float, one)), "p": permutation_by_counting(one)} for one in fractions],
            "holm": [{"p": one, "adjusted": multipletests(one, method="holm")[1].tolist()} for one in tests],
            "power": [power_case(*one) for one in powers],
        },
        indent=2,
    )
)
