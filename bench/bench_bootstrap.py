"""Standard errors by the bootstrap, beside scikit-learn run on the rows of each draw."""

import warnings
from pathlib import Path

import numpy as np
import peers
import pytest
from measure import Rounds, ratio

import fastem

DATA = Path(__file__).parents[1] / "tests" / "data"
REPLICATES = 20
#: scikit-learn stops at a small change, which says little of what is left: at its default of 1e-3
#: replicates hardly leave the fit, and standard errors come out too small.
TOL = 1e-6


def faithful(scale):
    return np.loadtxt(DATA / "faithful.csv", delimiter=",", skiprows=1), 2


def overlapping(scale):
    return peers.overlapping(int(10_000 * scale), 4, 3, separation=4.0)[0], 3


@pytest.mark.parametrize("rows", [faithful, overlapping])
def bench_bootstrap(benchmark, report, rounds, scale, rows):
    """So many replicates, each from the fitted mixture; full covariances."""
    pytest.importorskip("sklearn.mixture")
    X, n_components = rows(scale)
    fitted = fastem.fit(X, n_components, random_state=0)
    found = {}

    def ours():
        found["fastem"] = fastem.bootstrap(fitted, X, REPLICATES, random_state=0).means

    def theirs():
        found["scikit-learn"] = scikit_learn(fitted.mixture, X)

    race = Rounds({"fastem": ours, "scikit-learn": theirs})
    benchmark.group = f"{REPLICATES} replicates"
    benchmark.pedantic(ours, setup=race.once, rounds=rounds)
    errors = {name: means.std(axis=0, ddof=1) for name, means in found.items()}
    apart = errors["scikit-learn"] / errors["fastem"]
    report(
        "Bootstrap: scikit-learn's time over fastem's",
        rows=f"{X.shape[0]} x {X.shape[1]}, K = {n_components}",
        scikit_learn=ratio(race.best("scikit-learn") / race.best("fastem")),
        its_standard_errors=f"{apart.min():.2f} to {apart.max():.2f} of fastem's",
        noise=f"{max(race.noise(name) for name in race.contenders):.0%}",
    )


def scikit_learn(mixture, X):
    """Means of replicates (n, K, D), of the same number of rows drawn."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    rng = np.random.default_rng(0)
    start = {
        "weights_init": mixture.weights,
        "means_init": mixture.means,
        "precisions_init": np.linalg.inv(mixture.covariances),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.array(
            [
                GaussianMixture(mixture.n_components, tol=TOL, max_iter=1000, **start)
                .fit(X[rng.integers(len(X), size=len(X))])
                .means_
                for _ in range(REPLICATES)
            ]
        )
