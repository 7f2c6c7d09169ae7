"""Densities of a tile under full covariance matrices, against SciPy's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal

from fastem.kernels.elementary import HALF_BITS, LN2
from fastem.kernels.ellipsoidal import log_densities
from fastem.kernels.tile import LISTED, ROWS, SPARE, STRIDE, TILE_ROWS, buffer, load, padded

K = 4


def problem(D, dtype, shared=False, seed=0):
    """Rows, weights, means and covariances (K or 1, D, D)."""
    rng = np.random.default_rng([seed, D])
    roots = np.tril(rng.normal(size=(1 if shared else K, D, D))) / D
    roots[:, range(D), range(D)] = rng.uniform(0.5, 2.0, (len(roots), D))
    weights = rng.dirichlet(np.ones(K))
    rows = rng.normal(size=(TILE_ROWS, D)).astype(dtype)
    return rows, weights, rng.normal(size=(K, D)), roots @ roots.swapaxes(1, 2)


def arrays(weights, means, covariances, dtype):
    """What the kernel takes: inverted Cholesky factors, and log2 of weight times the peak."""
    roots = np.linalg.cholesky(covariances)
    logs = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
    norms = np.log(weights) - logs - means.shape[1] / 2 * np.log(2 * np.pi)
    factors = np.tril(np.linalg.inv(roots)) * HALF_BITS
    return [np.ascontiguousarray(a, dtype) for a in (means, factors, norms / LN2)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("D", [*range(1, 10), 24, 35, 200])
def test_densities_are_scipys(D, shared, dtype):
    rows, weights, means, covariances = problem(D, dtype, shared)
    tile, densities, scratch = (buffer(n, rows) for n in (D, SPARE + K, 4))
    load(rows, 0, TILE_ROWS, np.zeros(D), np.ones(D), tile)
    listed = np.array([2, 0, 3, 1], np.uint32)
    densities[:] = 7
    parameters = arrays(weights, means, covariances, dtype)
    log_densities(tile, ROWS, *parameters, listed, 3, densities, scratch)
    found = densities.reshape(SPARE + K, int(STRIDE))[:, :TILE_ROWS]
    for a, k in enumerate(listed[:3]):
        covariance = covariances[0 if shared else k]
        expected = multivariate_normal(means[k], covariance).logpdf(rows) + np.log(weights[k])
        tolerance = 1e-12 if dtype == np.float64 else 1e-4
        got = found[int(LISTED // STRIDE) + a] * LN2
        assert_allclose(got, np.atleast_1d(expected), rtol=tolerance, atol=tolerance)
    assert_array_equal(found[-1], 7)  # a component that is not listed


def test_a_weight_of_zero_is_minus_infinity():
    rows, _, means, covariances = problem(3, np.float64)
    with np.errstate(divide="ignore"):
        parameters = arrays(np.array([1.0, 0.0, 0.0, 0.0]), means, covariances, np.float64)
    tile, densities, scratch = (buffer(n, rows) for n in (3, SPARE + K, 4))
    load(rows, 0, TILE_ROWS, np.zeros(3), np.ones(3), tile)
    log_densities(tile, ROWS, *parameters, np.arange(4, dtype=np.uint32), 4, densities, scratch)
    found = densities.reshape(SPARE + K, int(STRIDE))[SPARE:, :TILE_ROWS]
    assert np.isfinite(found[0]).all()
    assert (found[1:] == -np.inf).all()


@pytest.mark.parametrize("D", [3, 4, 9])
def test_loops_end_with_the_rows(D):
    rows, weights, means, covariances = problem(D, np.float64)
    parameters, every = (
        arrays(weights, means, covariances, np.float64),
        np.arange(K, dtype=np.uint32),
    )
    found = []
    for n_rows in padded(70), ROWS:
        tile, densities, scratch = (buffer(n, rows) for n in (D, SPARE + K, 4))
        load(rows, 0, TILE_ROWS, np.zeros(D), np.ones(D), tile)
        densities[:] = 7
        log_densities(tile, n_rows, *parameters, every, K, densities, scratch)
        found.append(densities.reshape(SPARE + K, int(STRIDE))[SPARE:, :TILE_ROWS])
    some, whole = found
    assert_allclose(some[:, :128], whole[:, :128], rtol=1e-14)
    assert (some[:, 128:] == 7).all()
