"""Matrices held at a floor, against NumPy's eigenvalues."""

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastem.kernels import floor as kernel
from fastem.kernels.matrices import work_of

SIZES = [(1, 1), (3, 2), (5, 17), (40, 48)]  # the last are shared among threads


def matrices(K, D, seed=0):
    A = np.random.default_rng([seed, K, D]).normal(size=(K, D, 2 * D))
    return A @ A.swapaxes(1, 2)


def above_floor(covariances, floor):
    passed = np.empty(len(covariances), bool)
    return kernel.above_floor(covariances, floor, 1e-13, passed), passed


@pytest.mark.parametrize(("K", "D"), SIZES)
def test_matrices_below_the_floor_are_found(K, D):
    """Oracle: NumPy's eigenvalues."""
    covariances = matrices(K, D)
    least = np.linalg.eigvalsh(covariances)[:, 0]
    floor = np.sort(least)[K // 2] * 0.999
    all_passed, passed = above_floor(covariances, floor)
    assert_array_equal(passed, least > floor)
    assert all_passed == passed.all()
    assert above_floor(covariances, 0.0)[0]


def test_the_same_bits_for_any_number_of_threads():
    covariances = matrices(*SIZES[-1])
    assert work_of(covariances) >= kernel.LAUNCH_WORK
    _, expected = above_floor(covariances, 10.0)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        assert_array_equal(above_floor(covariances, 10.0)[1], expected)
    finally:
        numba.set_num_threads(before)


@pytest.mark.parametrize(("K", "D"), SIZES)
@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_low_eigenvalues_are_raised_and_no_others(K, D, scale):
    covariances = matrices(K, D) * scale
    values, vectors = np.linalg.eigh(covariances)
    floor = np.sort(values[:, 0])[K // 2] * 1.001
    found = kernel.raised(covariances.copy(), floor)
    expected = (vectors * np.maximum(values, floor)[:, None]) @ vectors.swapaxes(1, 2)
    assert_allclose(found, expected, atol=1e-13 * values.max())
    above = values[:, 0] > floor * (1 + 1e-12)
    assert above.sum() == K - K // 2 - 1
    assert_array_equal(found[above], covariances[above])
    assert_array_equal(found, found.swapaxes(1, 2))


def test_a_matrix_singular_to_rounding_can_be_factored_after_it():
    """Three columns of which two are one, without a floor."""
    rows = np.random.default_rng(0).normal(size=(50, 2))[:, [0, 1, 1]]
    covariance = np.cov(rows.T)
    found = kernel.raised(covariance.copy(), 0.0)
    assert_allclose(found, covariance, atol=1e-13)
    np.linalg.cholesky(found)
