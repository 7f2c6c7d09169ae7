"""Choosing the number of components and the family of small files, beside scikit-learn."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from measure import Rounds, ratio

import fastem

DATA = Path(__file__).parents[1] / "tests" / "data"
COUNTS = range(1, 10)
FAMILIES = ["full", "tied", "diag", "spherical"]
FILES = {"faithful.csv": [0, 1], "iris.csv": [0, 1, 2, 3]}


@pytest.mark.parametrize("n_init", [1, 10])
@pytest.mark.parametrize("file", FILES)
def bench_selection(benchmark, report, rounds, file, n_init):
    """K = 1..9 and four families, with the same number of starts in both programs."""
    X = np.loadtxt(DATA / file, delimiter=",", skiprows=1, usecols=FILES[file])
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
        file=file,
        rows=f"{X.shape[0]} x {X.shape[1]}",
        n_init=n_init,
        scikit_learn=ratio(race.best("scikit-learn") / race.best("fastem")),
        noise=f"{max(race.noise(name) for name in race.contenders):.0%}",
        lowest_bic=f"{found['fastem']:.2f}",
        theirs=f"{found['scikit-learn']:.2f}",
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
