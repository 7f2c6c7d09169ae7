"""Rows for the tests of Dask, and what is the same of what they are summed and fitted to."""

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose
from oracle import random_mixture, sample


def problem(n=3000, D=3, dtype=np.float64, covariance_type="full"):
    rng = np.random.default_rng(0)
    mixture = random_mixture(rng, 3, D, covariance_type, spread=8.0)
    return sample(rng, n, *mixture, covariance_type)[0].astype(dtype), mixture


def some_zeros(n):
    rng = np.random.default_rng(1)
    return rng.exponential(size=n) * (rng.random(n) > 0.2)


def assert_same_bits(one, other):
    for name in "counts", "first", "second", "log_likelihood", "classification_entropy", "n_rows":
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def assert_same_fit(one, other, tolerance=1e-9):
    assert one.status.code == other.status.code == "converged"
    assert one.n_iter == other.n_iter
    assert [r.trace for r in one.restarts] == [r.trace for r in other.restarts]
    assert_allclose(one.mixture.weights, other.mixture.weights, rtol=tolerance)
    assert_allclose(one.mixture.means, other.mixture.means, rtol=tolerance)
    assert_allclose(one.mixture.covariances, other.mixture.covariances, rtol=0, atol=tolerance)
    assert_allclose(one.log_likelihood, other.log_likelihood, rtol=tolerance)


def table(n=3000):
    X, _ = problem(n=n)
    return pd.DataFrame(X, columns=["a", "b", "c"]).assign(
        n=np.arange(n) % 7, row=np.arange(n), w=some_zeros(n)
    )
