"""A mixture for each column: fit_columns against scikit-learn's class in a loop.

    pytest bench/bench_columns.py --scale 0.1

The two take turns, so that whatever else the machine does hits both; the fastest turns count. Of
20 columns a round, or more, fastem fits all and scikit-learn the first four, so that many rounds
see all columns; `overall` is the ratio of the mean times.
"""

import time
import warnings

import numpy as np
import pytest
from measure import ratio

import fastem

sklearn_mixture = pytest.importorskip("sklearn.mixture")

ROWS, K, LOOKED_AT = 10_000, 10, 4


def column(seed):
    """Rows of three clusters that touch."""
    rng = np.random.default_rng(seed)
    return rng.normal(rng.normal(0, 4, 3)[rng.integers(3, size=ROWS)])


def seconds(of):
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = of()
    return found, time.perf_counter() - began


@pytest.mark.parametrize("kind", ["variational", "plain"])
def bench_columns(kind, scale, rounds, report):
    n_columns = max(20, int(1000 * scale))
    X = np.column_stack([column(seed) for seed in range(n_columns)])
    prior = fastem.DirichletProcess(1e-3) if kind == "variational" else False

    def ours(some):
        return lambda: fastem.fit_columns(some, K, prior=prior, random_state=0)

    def theirs(own):
        options = {"n_components": K, "random_state": 0}
        if kind == "variational":
            options["weight_concentration_prior"] = 1e-3
            return sklearn_mixture.BayesianGaussianMixture(**options).fit(own[:, None])
        return sklearn_mixture.GaussianMixture(**options).fit(own[:, None])

    seconds(ours(X[:, :4]))
    each = max(20, n_columns // rounds)
    times = {"fastem": [], "sklearn": []}
    effective = []
    for i in range(rounds):
        some = X[:, np.arange(i * each, (i + 1) * each) % n_columns]
        fits, took = seconds(ours(some))
        times["fastem"].append(took / each)
        effective += [fitted.n_effective for fitted in fits]
        _, took = seconds(lambda some=some: [theirs(own) for own in some.T[:LOOKED_AT]])
        times["sklearn"].append(took / LOOKED_AT)
    best = {name: min(runs) for name, runs in times.items()}
    pairs = sorted(b / a for a, b in zip(times["fastem"], times["sklearn"], strict=True))
    report(
        "A mixture for each column of 10,000 rows, K = 10, whole fits",
        kind=kind,
        columns=f"{n_columns}",
        effective=f"{np.mean(effective):.2f}",
        fastem=f"{1e3 * best['fastem']:.1f} ms",
        sklearn=f"{1e3 * best['sklearn']:.1f} ms",
        ratio=ratio(best["sklearn"] / best["fastem"]),
        median=ratio(pairs[len(pairs) // 2]),
        overall=ratio(np.mean(times["sklearn"]) / np.mean(times["fastem"])),
    )
