"""Densities and moments of a tile under diagonal covariances, against SciPy's and NumPy's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from fastem.kernels.axis_aligned import accumulate, log_densities
from fastem.kernels.elementary import HALF_BITS, LN2
from fastem.kernels.tile import ROWS, SPARE, STRIDE, TILE_ROWS, buffer, load, padded

K = 3
LIST = np.array([2, 0, 1], np.uint32)


def loaded(D, dtype):
    """Rows, and their tile and a density buffer."""
    rows = np.random.default_rng(D).normal(size=(TILE_ROWS, D)).astype(dtype)
    tile, densities = buffer(D, rows), buffer(SPARE + K, rows)
    load(rows, 0, TILE_ROWS, np.zeros(D), np.ones(D), tile)
    columns = densities.reshape(-1, int(STRIDE))[SPARE:, :TILE_ROWS]
    return rows.astype(float), tile, densities, columns


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 1e-4)])
@pytest.mark.parametrize("D", [1, 2, 3, 4, 5, 8, 11, 200])
def test_densities_are_scipys(D, dtype, tolerance):
    rng = np.random.default_rng(D)
    means, deviations = rng.normal(size=(K, D)), rng.uniform(0.5, 2, (K, D))
    weights = rng.dirichlet(np.ones(K))
    rows, tile, densities, found = loaded(D, dtype)
    norms = np.log(weights) + norm(means, deviations).logpdf(means).sum(axis=1)
    arrays = means, HALF_BITS / deviations, norms / LN2
    parameters = [np.ascontiguousarray(array, dtype) for array in arrays]
    log_densities(tile, ROWS, *parameters, LIST, K, densities)
    expected = norm(means[:, None], deviations[:, None]).logpdf(rows).sum(axis=2)
    expected += np.log(weights)[:, None]
    assert_allclose(found * LN2, expected[LIST], rtol=tolerance, atol=tolerance * D)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 1e-4)])
@pytest.mark.parametrize("D", [1, 2, 3, 4, 5, 8, 11, 200])
def test_moments_are_numpys_and_are_added(D, dtype, tolerance):
    rng = np.random.default_rng(D)
    means = rng.normal(size=(K, D)).astype(dtype)
    rows, tile, densities, resp = loaded(D, dtype)
    resp[:] = rng.uniform(size=resp.shape)
    counts, first, second = np.ones(K), np.ones((K, D)), np.ones((K, D))
    accumulate(tile, ROWS, means, LIST, 2, densities, counts, first, second)
    for a, k in enumerate(LIST[:2]):
        offset, r = rows - means[k], resp[a].astype(float)
        assert_allclose(counts[k] - 1, r.sum(), rtol=tolerance)
        assert_allclose(first[k] - 1, r @ offset, rtol=0, atol=tolerance * TILE_ROWS)
        assert_allclose(second[k] - 1, r @ offset**2, rtol=tolerance, atol=tolerance * TILE_ROWS)
    assert_array_equal(np.concatenate([counts[1:2], first[1], second[1]]), 1)


def test_loops_end_with_the_rows():
    rng = np.random.default_rng(0)
    means, factors = rng.normal(size=(K, 5)), np.ones((K, 5))
    rows, tile, densities, columns = loaded(5, np.float64)
    columns[:] = 7.0
    log_densities(tile, padded(70), means, factors, np.zeros(K), LIST, K, densities)
    assert (columns[:, :128] != 7.0).all()
    assert (columns[:, 128:] == 7.0).all()
    columns[:] = 1.0
    counts, first, second = np.zeros(K), np.zeros((K, 5)), np.zeros((K, 5))
    accumulate(tile, padded(70), means, LIST, K, densities, counts, first, second)
    assert_array_equal(counts, 128.0)
    assert_allclose(first[1], (rows[:128] - means[1]).sum(axis=0), rtol=1e-12, atol=1e-12)
