"""Golden values of the paired statistics, from statsmodels, scipy and exact convolution.

Run: python3 -m venv /tmp/venv && /tmp/venv/bin/pip install scipy==1.17.1 statsmodels==0.15.0 && \
     /tmp/venv/bin/python tools/golden/statistics.py > test/golden/statistics.json
"""

import json
import platform

import numpy
import scipy
import scipy.stats
import statsmodels
from statsmodels.stats.contingency_tables import mcnemar
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


counts = [(0, 1), (1, 1), (0, 20), (20, 20), (8, 10), (1, 100), (965, 1000), (500, 1000), (12_345, 100_000)]
flips = [(0, 0), (0, 1), (1, 5), (3, 3), (10, 30), (47, 5), (250, 300), (2_000, 2_200), (50_000, 51_000), (0, 900)]
tables = [(5, 1, 50), (73, 12, 400), (285, 2, 1000), (10, 10, 1000)]

print(
    json.dumps(
        {
            "source": {
                "program": "statsmodels proportion_confint and mcnemar, scipy.stats.bootstrap, exact convolution in numpy",
                "versions": {
                    "python": platform.python_version(),
                    "numpy": numpy.__version__,
                    "scipy": scipy.__version__,
                    "statsmodels": statsmodels.__version__,
                },
                "seed": "42 (scipy.stats.bootstrap only)",
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
        },
        indent=2,
    )
)
