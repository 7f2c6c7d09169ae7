"""Passes over a column that ascends, against passes that leave nothing out."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastem.kernels.ascending import summarise_ascending
from fastem.kernels.passes import summarise

NAMES = np.empty(0, np.int32)


def arguments(n, K, seed, weighted=False, spread=30.0):
    """Rows, units and a density; of the components one is dead and one is wide."""
    rng = np.random.default_rng(seed)
    means = rng.uniform(-spread, spread, (K, 1))
    X = np.sort(means[rng.integers(K, size=n), 0] + rng.normal(size=n))[:, None]
    factors = rng.uniform(0.3, 2.0, (K, 1))
    log_norms = rng.normal(size=K)
    log_norms[0] = -np.inf if seed % 2 else -2000.0
    factors[-1] = 0.01
    weight = rng.exponential(size=n) if weighted else np.empty(0)
    units = np.array([[0.25], [2.0]])
    means = (means - 0.25) * 2.0
    return X, weight, units, means, factors, log_norms


def sums_of(kernel, X, weight, units, means, factors, log_norms, slot_rows=1536):
    K, n_slots = len(means), -(-len(X) // slot_rows)
    sums = np.zeros((n_slots, 3 + 3 * K))
    listed, n_listed = np.arange(K, dtype=np.uint32)[None], np.array([K], np.uint32)
    arrays = X, slot_rows, weight, np.empty(0, np.uint16), listed, n_listed, units, np.empty(0)
    for array in (X, weight, units, means, factors, log_norms, listed, n_listed):
        array.flags.writeable = False
    kernel(0.0, n_slots, *arrays, means, factors, log_norms, sums, NAMES)
    return sums.sum(axis=0)


@pytest.mark.parametrize("n", [1, 511, 512, 513, 5000])
@pytest.mark.parametrize("K", [1, 2, 10, 60])
def test_sums_are_those_of_all_components(n, K):
    for seed in range(3):
        own = arguments(n, K, seed, weighted=seed == 2)
        found, expected = sums_of(summarise_ascending, *own), sums_of(summarise, *own)
        assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * n)


def test_rows_beyond_all_components():
    """Rows so far out that squares overflow count for nothing, as elsewhere."""
    X, weight, units, means, factors, log_norms = arguments(2000, 5, 0)
    X = X.copy()
    X[-3:], X[:2] = 1e200, -1e180
    own = X, weight, units, means, factors, log_norms
    found, expected = sums_of(summarise_ascending, *own), sums_of(summarise, *own)
    assert_allclose(found, expected, rtol=1e-12)
    assert np.isfinite(found).all()
