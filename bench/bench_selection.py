"""Choosing the number of components and the family of small files, beside scikit-learn.

And the fourteen families of mclust, beside nothing: no other program in Python has them.
"""

import warnings

import optima
import pytest
from measure import Rounds, ratio

import fastem

COUNTS = range(1, 10)
FAMILIES = ["full", "tied", "diag", "spherical"]


@pytest.mark.parametrize("n_init", [1, 10])
@pytest.mark.parametrize("name", ["faithful", "iris"])
def bench_selection(benchmark, report, rounds, name, n_init):
    """K = 1..9 and four families, with the same number of starts in both programs."""
    X = optima.rows(name)
    pytest.importorskip("sklearn.mixture")
    found = {}

    def ours():
        choice = fastem.select(X, COUNTS, covariance_type=FAMILIES, n_init=n_init, random_state=0)
        found["fastem"] = choice.best_row.bic

    def theirs():
        found["scikit-learn"] = scikit_learn(X, n_init)

    race = Rounds({"fastem": ours, "scikit-learn": theirs})
    ours()
    benchmark.group = "select"
    benchmark.pedantic(ours, setup=race.once, rounds=rounds)
    report(
        "select over K = 1..9 and four families (wanted: 3x)",
        data=name,
        rows=f"{X.shape[0]} x {X.shape[1]}",
        n_init=n_init,
        scikit_learn=ratio(race.best("scikit-learn") / race.best("fastem")),
        noise=f"{max(race.noise(name) for name in race.contenders):.0%}",
        lowest_bic=f"{found['fastem']:.2f}",
        theirs=f"{found['scikit-learn']:.2f}",
    )


@pytest.mark.parametrize("name", ["iris", "seeds", "wine"])
def bench_fourteen_families(benchmark, report, name):
    """K = 1..9, once: many columns beside few rows make M steps of common axes take longest."""
    X, found = optima.rows(name), []

    def ours():
        found.append(fastem.select(X, COUNTS, covariance_type="mclust", random_state=0))

    fastem.select(X, 2, covariance_type="mclust")  # compiles
    benchmark.group = "fourteen families"
    benchmark.pedantic(ours, rounds=1)
    report(
        "select over K = 1..9 and fourteen families",
        data=name,
        rows=f"{X.shape[0]} x {X.shape[1]}",
        seconds=f"{benchmark.stats.stats.min:.1f}",
        lowest_bic=f"{found[-1].best_row.bic:.2f}",
    )


def scikit_learn(X, n_init):
    """The lowest BIC of the grid, with scikit-learn's own defaults."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return min(
            GaussianMixture(k, covariance_type=name, n_init=n_init, random_state=0).fit(X).bic(X)
            for name in FAMILIES
            for k in COUNTS
        )
