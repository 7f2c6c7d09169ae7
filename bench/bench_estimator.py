"""GaussianMixture: fastem's against scikit-learn's, with the same parameters.

    pytest bench/bench_estimator.py --scale 0.1

`fit` is the whole of it, starts included. Both classes draw the same random numbers, so they begin
and end at the same mixture; the second table shows that.
"""

import time
import warnings
from functools import partial

import numpy as np
import pytest
from measure import Rounds, ratio

from fastem import GaussianMixture

sklearn_mixture = pytest.importorskip("sklearn.mixture")
exceptions = pytest.importorskip("sklearn.exceptions")

SIZES = 1_000, 10_000, 100_000, 1_000_000
SHAPES = (2, 3), (8, 8), (32, 16)
DATA_SETS = range(20)
ANSWERS = "predict", "score_samples", "predict_proba"


def blobs(n, D, K, seed):
    """Rows of K clusters, of random shapes and weights, that touch."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(K, D)) * 3
    shapes = rng.normal(size=(K, D, D)) / np.sqrt(D) + np.eye(D)
    labels = rng.choice(K, size=n, p=rng.dirichlet(np.full(K, 5.0)))
    X = rng.normal(size=(n, D))
    for k in range(K):
        X[labels == k] = X[labels == k] @ shapes[k] + centres[k]
    return X


def fit(of, X, **parameters):
    """A fitted model and the seconds it took."""
    model = of(**parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        began = time.perf_counter()
        model.fit(X)
        return model, time.perf_counter() - began


@pytest.mark.parametrize(("D", "K"), SHAPES)
@pytest.mark.parametrize("n", SIZES)
def bench_fit(n, D, K, scale, report):
    n = max(1000, int(n * scale))
    X = blobs(n, D, K, seed=0)
    parameters = {"n_components": K, "random_state": 0}
    fit(GaussianMixture, X[:1000], **parameters)
    repeats = 5 if n < 100_000 else 2 if n < 1_000_000 else 1
    ours, seconds = zip(*(fit(GaussianMixture, X, **parameters) for _ in range(5)), strict=True)
    theirs, peer = zip(
        *(fit(sklearn_mixture.GaussianMixture, X, **parameters) for _ in range(repeats)),
        strict=True,
    )
    report(
        "GaussianMixture(...).fit, defaults",
        n=f"{n}",
        D=f"{D}",
        K=f"{K}",
        iterations=f"{ours[0].n_iter_} / {theirs[0].n_iter_}",
        likelihood=f"{ours[0].lower_bound_:.5f} / {theirs[0].lower_bound_:.5f}",
        fastem=f"{1e3 * min(seconds):.1f} ms",
        sklearn=f"{1e3 * min(peer):.1f} ms",
        ratio=f"{min(peer) / min(seconds):.1f}",
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize(("D", "K"), [*SHAPES, (4, 30)])
def bench_answers(D, K, covariance_type, dtype, scale, rounds, report):
    """What each row is told, in one run: labels, log densities and responsibilities."""
    n = max(1000, int(50_000 * scale))
    X = blobs(n, D, K, seed=0).astype(dtype)
    parameters = {"n_components": K, "covariance_type": covariance_type, "random_state": 0}
    parameters |= {"init_params": "random_from_data", "max_iter": 2}
    ours, _ = fit(GaussianMixture, X, **parameters)
    theirs, _ = fit(sklearn_mixture.GaussianMixture, X, **parameters)
    race = Rounds(
        {
            (name, asked): partial(getattr(model, asked), X)
            for asked in ANSWERS
            for name, model in (("fastem", ours), ("sklearn", theirs))
        }
    )
    for _ in range(1 + rounds):
        race.once()
    best = {key: race.best(key) for key in race.contenders}
    report(
        "What each row is told: scikit-learn's time over fastem's",
        covariances=covariance_type,
        dtype=dtype,
        n=n,
        D=D,
        K=K,
        **{asked: ratio(best["sklearn", asked] / best["fastem", asked]) for asked in ANSWERS},
    )


@pytest.mark.parametrize("n", [1_000, 100_000])
def bench_likelihood(n, scale, report):
    """The likelihoods of 20 data sets."""
    n = max(1000, int(n * scale))
    gains = []
    for seed in DATA_SETS:
        K, D = 2 + seed % 7, 2 + seed % 3
        X = blobs(n, D, K, seed)
        parameters = {"n_components": K, "random_state": seed, "n_init": 3}
        ours, _ = fit(GaussianMixture, X, **parameters)
        theirs, _ = fit(sklearn_mixture.GaussianMixture, X, **parameters)
        gains.append(ours.score(X) - theirs.score(X))
    gains = np.array(gains)
    report(
        "Likelihood of 20 data sets, n_init=3: fastem less scikit-learn, nats a row",
        n=f"{n}",
        better=f"{(gains > 1e-6).sum()}",
        same=f"{(np.abs(gains) <= 1e-6).sum()}",
        worse=f"{(gains < -1e-6).sum()}",
        mean=f"{gains.mean():+.2e}",
        worst=f"{gains.min():+.2e}",
        best=f"{gains.max():+.2e}",
    )
