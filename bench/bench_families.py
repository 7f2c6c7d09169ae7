"""The whole grid of mclust, fourteen families with 1 to 9 components; scikit-learn's four."""

import time
from pathlib import Path

import numpy as np
import pytest
from measure import Rounds, ratio
from peers import overlapping

import fastem

DATA = Path(__file__).parents[1] / "tests" / "data"
COUNTS = range(1, 10)
SCIKIT_LEARN = ["full", "tied", "diag", "spherical"]
FILES = {"faithful.csv": [0, 1], "iris.csv": [0, 1, 2, 3]}


@pytest.mark.parametrize("init", ["k-means++", "hierarchical"])
@pytest.mark.parametrize("file", FILES)
def bench_small_files(benchmark, report, rounds, file, init):
    """Ten starts of each of 126 fits; mclust, which is not run here, makes one of each."""
    X = np.loadtxt(DATA / file, delimiter=",", skiprows=1, usecols=FILES[file])
    options = {"covariance_type": "mclust", "init": init, "random_state": 0}
    found, seconds = [], []

    def grid():
        began = time.perf_counter()
        found.append(fastem.select(X, COUNTS, **options))
        seconds.append(time.perf_counter() - began)

    benchmark.group = "families"
    benchmark.pedantic(grid, warmup_rounds=1, rounds=rounds)
    report(
        "fourteen families, K = 1..9 (wanted: iris in 0.5 s)",
        file=file,
        rows=f"{X.shape[0]} x {X.shape[1]}",
        init=init,
        **summary(found[-1], min(seconds)),
    )


def bench_beside_scikit_learn(benchmark, report, rounds, scale):
    """One start of each fit; scikit-learn has four of the families."""
    mixture = pytest.importorskip("sklearn.mixture")
    X, _ = overlapping(int(20_000 * scale), 8, 5, separation=3.0)
    found = {}

    def select(families):
        options = {"covariance_type": families, "n_init": 1, "random_state": 0}
        found[len(families)] = fastem.select(X, COUNTS, **options)

    def theirs():
        found["theirs"] = min(
            mixture.GaussianMixture(k, covariance_type=name, max_iter=1000, random_state=0)
            .fit(X)
            .bic(X)
            for name in SCIKIT_LEARN
            for k in COUNTS
        )

    race = Rounds(
        {
            "fourteen": lambda: select(["mclust"]),
            "four": lambda: select(SCIKIT_LEARN),
            "scikit-learn": theirs,
        }
    )
    benchmark.group = "families"
    benchmark.pedantic(race.contenders["four"], setup=race.once, rounds=rounds)
    report(
        "fourteen families on more rows, and four of them beside scikit-learn's",
        rows=f"{X.shape[0]} x {X.shape[1]}",
        **summary(found[1], race.best("fourteen")),
        scikit_learn=ratio(race.best("scikit-learn") / race.best("four")),
        noise=f"{max(race.noise(name) for name in race.contenders):.0%}",
        four=f"{found[4].best_row.bic:.2f}",
        theirs=f"{found['theirs']:.2f}",
    )


def summary(choice, seconds):
    """Columns of the report."""
    best = choice.best_row
    return {
        "seconds": f"{seconds:.2f}",
        "best": f"{best.covariance_type}, {best.n_components}",
        "lowest_bic": f"{best.bic:.2f}",
    }
