"""Pseudo rows of a conjugate prior and its density; published figures: covariance/test_prior."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastem.kernels import conjugate
from fastem.kernels.elementary import HALF_BITS

K, D, COPIES, POWER = 3, 2, 4, 7.0
WEIGHTS = np.array([0.5, 0.3, 0.2])
CENTRE = np.array([1.0, -2.0])
SPREAD = np.array([[2.0, 0.5], [0.5, 1.0]])


def prior_of(shared, diagonal, share=0.01):
    scale = np.diag(SPREAD) if diagonal else SPREAD.ravel()
    return np.concatenate(([share, COPIES, POWER, float(shared)], CENTRE, scale))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("diagonal", [False, True])
def test_pseudo_rows_are_rows_at_the_centre(shared, diagonal):
    """Oracle: rows of equal weight and copies of the centre; the last component has none."""
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(n, D)) + 3 * k for k, n in enumerate((9, 5))]
    n_rows = sum(map(len, rows))
    covariances = [np.cov(X.T, bias=True) for X in rows] + [np.eye(D)]
    means = [X.mean(axis=0) for X in rows] + [np.full(D, 9.0)]
    if diagonal:
        covariances = [np.diag(S) for S in covariances]
    weights = np.array([len(X) / n_rows for X in rows] + [1e-9])
    statistics = np.concatenate((weights, np.ravel(means), np.ravel(covariances)))
    found = np.empty(statistics.shape)
    prior, unit = prior_of(shared, diagonal), 1 / n_rows
    conjugate.add_rows(statistics, (K, D), unit, 1e-8, prior, found)
    own, counts = 1 / K if shared else 1.0, np.empty(K)
    for k, X in enumerate([*rows, np.empty((0, D))]):
        together = np.r_[X, np.tile(CENTRE, (COPIES, 1))]
        counts[k] = len(X) + 1 + own * POWER
        expected = (together - together.mean(axis=0)).T @ (together - together.mean(axis=0))
        expected = (expected + own * SPREAD) / counts[k]
        mean = found[K + k * D : K + (k + 1) * D]
        got = found[K + K * D :].reshape(K, -1)[k]
        assert_allclose(mean, together.mean(axis=0), rtol=1e-12)
        assert_allclose(got, np.diag(expected) if diagonal else expected.ravel(), rtol=1e-12)
    assert_allclose(found[:K], counts / counts.sum(), rtol=1e-14)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("diagonal", [False, True])
def test_log_density(shared, diagonal):
    """Oracle: determinants, traces and squares by NumPy."""
    rng = np.random.default_rng(1)
    means = rng.normal(size=(K, D))
    roots = np.tril(rng.normal(size=(1 if shared and not diagonal else K, D, D))) + 3 * np.eye(D)
    if diagonal:
        roots = roots * np.eye(D)
    factors = HALF_BITS * np.linalg.inv(roots)
    factors = np.ascontiguousarray(np.diagonal(factors, axis1=1, axis2=2) if diagonal else factors)
    point, norms = np.concatenate((WEIGHTS, means.ravel())), rng.normal(size=K)
    given, before = (prior_of(shared, diagonal), point, (K, D), factors, HALF_BITS), norms.copy()
    found = conjugate.log_density(*given, norms)
    spread, own, expected = np.diag(np.diag(SPREAD)) if diagonal else SPREAD, 1.0, 0.0
    if shared:
        own = 1 / K
    for k in range(K):
        root = roots[k if len(roots) > 1 else 0]
        covariance, step = root @ root.T, means[k] - CENTRE
        expected -= 0.5 * (1 + own * POWER) * np.linalg.slogdet(covariance)[1]
        expected -= 0.5 * own * np.trace(np.linalg.solve(covariance, spread))
        expected -= 0.5 * COPIES * step @ np.linalg.solve(covariance, step)
    assert_allclose(found, 0.01 * expected, rtol=1e-12)
    np.testing.assert_array_equal(norms, before)
