"""Rows of many columns beside scikit-learn, whose products are BLAS's: iterations and whole fits.

    pytest bench/bench_wide.py

An iteration is the difference between runs of 4 and of 1 from one start. A fit is fastem's with one
start of k-means++, and fastem's drop-in with scikit-learn's defaults, which begins at its start and
takes its steps. `--scale` takes fewer rows, but never fewer than twice the columns a component.
"""

import warnings

import numpy as np
import peers
import pytest
from measure import Rounds, ratio

import fastem

SHORT, LONG = 1, 4
#: Rows, columns and components.
SHAPES = [
    (20_000, 100, 3),
    (2_000, 200, 3),
    (10_000, 200, 3),
    (5_000, 500, 2),
    (1_500, 1_000, 1),
    (8_000, 1_000, 2),
    (5_000, 2_000, 1),
]


@pytest.mark.parametrize(("n", "D", "K"), SHAPES)
def bench_wide(report, scale, rounds, n, D, K):
    mixture = pytest.importorskip("sklearn.mixture")
    n = max(int(n * scale), min(n, 2 * D * K))
    X, start = peers.overlapping(n, D, K, separation=3.0)
    options = {"n_components": K, "random_state": 0}
    fits = {
        "fit": lambda: fastem.fit(X, K, n_init=1, init="k-means++", random_state=0),
        "drop-in": lambda: fastem.GaussianMixture(**options).fit(X),
        "scikit-learn": lambda: mixture.GaussianMixture(**options).fit(X),
    }
    passes = {
        (name, n_iter): iterations(name, X, start, n_iter)
        for name in ("fastem", "scikit-learn")
        for n_iter in (SHORT, LONG)
    }
    race = Rounds(fits | passes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not converged, or collapsed: that is not looked at here
        for contender in race.contenders.values():
            contender()  # compiles
        for _ in range(rounds):
            race.once()
    seconds = {
        name: race.best((name, LONG)) - race.best((name, SHORT))
        for name in ("fastem", "scikit-learn")
    }
    theirs = race.best("scikit-learn")
    report(
        "Many columns, full covariances: scikit-learn's time over fastem's",
        n=n,
        D=D,
        K=K,
        iteration=ratio(seconds["scikit-learn"] / seconds["fastem"]),
        fit=ratio(theirs / race.best("fit")),
        drop_in=ratio(theirs / race.best("drop-in")),
        GFLOPS=f"{(LONG - SHORT) * 2 * n * K * float(D) ** 2 / seconds['fastem'] / 1e9:.0f}",
        noise=f"{max(map(race.noise, race.contenders)):.0%}",
    )
    ours, sklearns = (
        peers.ITERATIONS[name](X, start, LONG, "full") for name in ("fastem", "scikit-learn")
    )
    np.testing.assert_allclose(ours.means, sklearns.means, atol=1e-6)


def iterations(name, X, start, n_iter):
    return lambda: peers.ITERATIONS[name](X, start, n_iter, "full")
