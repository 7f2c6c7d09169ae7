"""Time to an equal likelihood: whole fits, each program from a start of its own choosing."""

import warnings
from pathlib import Path

import numpy as np
import peers
import pytest
from measure import Rounds, ratio

import fastem

BIRCH = Path(__file__).parents[1] / "tests" / "data" / "birch1.npz"
#: Rows, columns and components.
SIZES = [(1_000_000, 2, 50), (1_000_000, 8, 16), (300_000, 16, 32), (100_000, 64, 16)]
TIGHT = 1e-6
MAX_ITER = 1000


@pytest.mark.filterwarnings("default:.* is left out")
@pytest.mark.parametrize("size", [*SIZES, "birch1"], ids=str)
def bench_time_to_solution(benchmark, report, scale, rounds, size):
    """The peers run once: on the full sizes scikit-learn takes minutes to an hour.

    A scale below 1 cuts the tight runs of the peers short as well, and then says nothing of them.
    """
    X, K = rows(size, scale)
    max_iter = max(10, round(MAX_ITER * min(scale, 1)))
    found = {}
    race = Rounds({name: keep(found, name, fit, X, K) for name, fit in programs(max_iter).items()})
    fastem.fit(X[:20_000], K, max_iter=2)
    race.once()
    benchmark.group = "whole fits with the default options"
    benchmark.pedantic(race.contenders["fastem"], rounds=rounds)
    race.seconds["fastem"].append(benchmark.stats.stats.min if benchmark.enabled else np.inf)

    level = {name: mean_log_likelihood(mixture, X) for name, mixture in found.items()}
    for name in race.contenders:
        if name in level:
            report(
                "Time to solution: time over fastem's, and what the likelihood lacks to fastem's",
                rows=" x ".join(map(str, X.shape)),
                K=K,
                program=name,
                time=ratio(race.best(name) / race.best("fastem")),
                mean_log_likelihood=f"{level[name]:.7f}",
                lacks=f"{level['fastem'] - level[name]:+.1e}",
            )
    higher = max(level[name] for name in level if not name.startswith("fastem"))
    assert level["fastem"] >= higher - TIGHT, "fastem ended below a peer"


def rows(size, scale):
    """Rows and the number of components."""
    if size == "birch1":
        with np.load(BIRCH) as file:
            X = file["X"].astype(np.float64)
        return X[:: max(1, round(1 / scale))].copy(), 100
    n, D, K = size
    return peers.overlapping(int(n * scale), D, K, separation=3.0)[0], K


def keep(found, name, fit, X, K):
    """A contender that leaves what it found; a peer may be absent, or end at a singular matrix."""

    def run():
        try:
            found[name] = fit(X, K)
        except (pytest.skip.Exception, np.linalg.LinAlgError, ValueError) as error:
            if name.startswith("fastem"):
                raise
            warnings.warn(f"{name} is left out of {X.shape}, K = {K}: {error}", stacklevel=1)

    return run


def scikit_learn(X, K, **options):
    mixture = pytest.importorskip("sklearn.mixture")
    with warnings.catch_warnings():
        # Running out of iterations is a result like any other here.
        warnings.simplefilter(
            "ignore", pytest.importorskip("sklearn.exceptions").ConvergenceWarning
        )
        model = mixture.GaussianMixture(K, random_state=0, **options).fit(X)
    return fastem.Mixture(model.weights_, model.means_, model.covariances_)


def onedal(X, K, max_iter):
    """oneDAL's own start, the best of several short runs; its threshold is on the sum over rows."""
    daal4py = pytest.importorskip("daal4py")
    daal4py.daalinit(2)
    start = daal4py.em_gmm_init(nComponents=K).compute(X)
    result = daal4py.em_gmm(
        nComponents=K, maxIterations=max_iter, accuracyThreshold=TIGHT * len(X)
    ).compute(X, start.weights, start.means, list(start.covariances))
    weights = result.weights.ravel()
    return fastem.Mixture(weights / weights.sum(), result.means, np.stack(result.covariances))


def mean_log_likelihood(mixture, X):
    """Of any program's mixture, by one and the same code."""
    return float(mixture.log_prob(X).mean())


def programs(max_iter):
    """Each is called with the rows and the number of components, and returns a Mixture."""
    return {
        "fastem": lambda X, K: fastem.fit(X, K, random_state=0).mixture,
        "fastem, n_init=1": lambda X, K: fastem.fit(X, K, n_init=1, random_state=0).mixture,
        f"scikit-learn, tol={TIGHT:g}": lambda X, K: scikit_learn(
            X, K, tol=TIGHT, max_iter=max_iter
        ),
        "scikit-learn, defaults": scikit_learn,
        f"oneDAL, tol={TIGHT:g}": lambda X, K: onedal(X, K, max_iter),
    }
