"""Volumes, shapes and axes, against SciPy and NumPy; whole M steps are in covariance."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq, minimize

from fastem.kernels import decomposition as kernel

K = 4


def problem(D, seed=0):
    rng = np.random.default_rng([seed, D])
    return rng.dirichlet(np.full(K, 3.0)), np.exp(rng.normal(size=(K, D)))


def matrices(D, seed=0):
    roots = np.random.default_rng([seed, D]).normal(size=(K, D, D + 1))
    return roots @ roots.swapaxes(1, 2)


@pytest.mark.parametrize("D", [1, 2, 7])
@pytest.mark.parametrize("scale", [1.0, 1e-140, 1e140])
def test_equal_volumes_are_the_average_of_the_components(D, scale):
    """Oracle: the closed form."""
    shares, spread = problem(D)
    variances = np.empty((K, D))
    kernel.equal_volumes(shares, scale * spread, 0.0, variances)
    own = np.exp(np.log(spread).mean(axis=1))
    assert_allclose(variances / scale, shares @ own * spread / own[:, None], rtol=1e-12)


@pytest.mark.parametrize("D", [1, 2, 7])
@pytest.mark.parametrize("above", [1.0 + 1e-9, 1.3, 3.0, 100.0])
def test_equal_volumes_on_the_floor(D, above):
    """Oracle: SciPy's root of the same condition, sum_k p_k mu_k = 1 at the common volume."""
    shares, spread = problem(D)
    variances = np.empty((K, D))
    kernel.equal_volumes(shares, spread, 0.0, variances)
    floor = above * variances.min()
    kernel.equal_volumes(shares, spread, floor, variances)

    def multiplier(k, log_volume):
        def excess(log):
            return np.log(np.maximum(floor, spread[k] / np.exp(log))).mean() - log_volume

        return brentq(excess, -50.0, 50.0, xtol=1e-14)

    def total(log_volume):
        return shares @ np.exp([multiplier(k, log_volume) for k in range(K)]) - 1.0

    low = np.log(floor) + 1e-9
    if total(low) > 0:
        log_volume = brentq(total, low, 30.0, xtol=1e-12)
        mu = np.exp([[multiplier(k, log_volume)] for k in range(K)])
        assert_allclose(variances, np.maximum(floor, spread / mu), rtol=1e-7)
    else:
        assert_allclose(variances, floor, rtol=1e-8)
    assert variances.min() >= floor


@pytest.mark.parametrize("D", [1, 2, 7])
def test_equal_shapes_are_proportional_and_stationary(D):
    """Oracle: each half step's closed form moves nothing."""
    shares, spread = problem(D)
    variances = np.empty((K, D))
    kernel.equal_shapes(shares, spread.copy(), 0.0, np.empty(0), variances)
    volumes = variances.sum(axis=1)
    shape = variances[0] / volumes[0]
    assert_allclose(variances, volumes[:, None] * shape, rtol=1e-12)
    assert_allclose((spread / shape).mean(axis=1), volumes, rtol=1e-9)
    assert_allclose(shares @ (spread / volumes[:, None]), shape, rtol=1e-9)


@pytest.mark.parametrize("D", [1, 2, 7, 40])
def test_axes_and_what_they_compose(D):
    """Oracle: NumPy."""
    stack = matrices(D)
    axes, values = np.empty_like(stack), np.empty((K, D))
    for k in range(K):
        kernel.eigen(stack[k], values[k], axes[k])
        own = np.empty(D)
        kernel.along(axes[k], stack[k], own)
        assert_allclose(own, values[k], rtol=1e-10)
    assert_allclose(values, np.linalg.eigvalsh(stack), rtol=1e-10)
    composed = np.empty_like(stack)
    kernel.compose(axes, values, composed)
    assert_allclose(composed, stack, rtol=1e-10, atol=1e-12)
    assert_array_equal(composed, composed.swapaxes(1, 2))


# Proportional variances.

D = 4
TO_THE_END = 1e-13, 0.0, 500


def loss(shares, spread, variances):
    return shares @ (np.log(variances) + spread / variances).sum(axis=1)


def test_variances_are_scipys_minimum():
    shares, spread = problem(D)

    def at(logs):
        return loss(shares, spread, np.exp(logs[:K, None] + logs[None, K:]))

    least = minimize(at, np.zeros(K + D), tol=1e-12).fun
    volumes, shape = np.ones(K), np.empty(D)
    kernel.proportional_variances(shares, spread, volumes, shape, 0.0, *TO_THE_END)
    assert loss(shares, spread, volumes[:, None] * shape) == pytest.approx(least, abs=1e-9)


@pytest.mark.parametrize("floor", [0.5, 5.0, 1e3])
def test_above_a_floor_each_volume_is_the_best_of_a_grid(floor):
    shares, spread = problem(D)
    volumes, shape = np.full(K, floor), np.ones(D)
    before = loss(shares, spread, np.full((K, D), floor))
    kernel.proportional_variances(shares, spread, volumes, shape, floor, *TO_THE_END)
    variances = volumes[:, None] * shape
    assert variances.min() >= floor * (1 - 1e-12)
    found = loss(shares, spread, variances)
    assert found <= before + 1e-12
    for k in range(K):
        for other in np.geomspace(floor / shape.min(), 100 * volumes.max(), 2000):
            tried = volumes.copy()
            tried[k] = other
            assert loss(shares, spread, tried[:, None] * shape) >= found - 1e-9


def test_a_share_of_the_first_change_ends_it_early():
    """Half of the first change: the second step, or one soon after, is the last."""
    shares, spread = problem(D)
    ends = []
    for share, steps in (0.0, 1), (1.0, 500), (0.0, 500):
        volumes, shape = np.ones(K), np.empty(D)
        kernel.proportional_variances(shares, spread, volumes, shape, 0.0, 0.0, share, steps)
        ends.append(volumes)
    assert_allclose(ends[0], ends[1], rtol=0)
    assert not np.allclose(ends[0], ends[2], rtol=1e-9)
