"""Variational mixtures: an iteration of fastem's against one of scikit-learn's.

    pytest bench/bench_bayesian.py --scale 0.1

Both classes begin and end at the same posterior, iteration by iteration.
"""

import time
import warnings

import numpy as np
import pytest
from measure import Rounds, ratio

from fastem import BayesianGaussianMixture

sklearn_mixture = pytest.importorskip("sklearn.mixture")

ITERATIONS = 20


def blobs(n, D, K=5, seed=0):
    """Rows of K clusters that touch."""
    rng = np.random.default_rng(seed)
    return rng.normal(rng.normal(0, 4, (K, D))[rng.integers(K, size=n)])


def seconds(of, *arguments, **named):
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = of(*arguments, **named)
    return found, time.perf_counter() - began


@pytest.mark.parametrize("D", [1, 8])
def bench_iteration(D, scale, rounds, report):
    """An iteration: the time of many less that of one, from the same start."""
    X = blobs(max(1000, int(100_000 * scale)), D)

    def run(cls, n):
        model = cls(n_components=10, tol=0, max_iter=n, init_params="random_from_data")
        return lambda: seconds(model.set_params(random_state=0).fit, X)

    classes = {
        "fastem": BayesianGaussianMixture,
        "sklearn": sklearn_mixture.BayesianGaussianMixture,
    }
    contenders = Rounds(
        {(name, n): run(cls, n) for name, cls in classes.items() for n in (1, 1 + ITERATIONS)}
    )
    for _ in range(rounds):
        contenders.once()
    ours, theirs = (
        (contenders.best((name, 1 + ITERATIONS)) - contenders.best((name, 1))) / ITERATIONS
        for name in classes
    )
    report(
        "BayesianGaussianMixture: an iteration, K = 10",
        n=f"{len(X)}",
        D=f"{D}",
        fastem=f"{1e3 * ours:.2f} ms",
        sklearn=f"{1e3 * theirs:.2f} ms",
        ratio=ratio(theirs / ours),
        wanted={1: "20x", 8: "40x"}[D],
    )
