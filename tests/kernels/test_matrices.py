"""Factors of covariances: NumPy's, and the same bits with one thread and more."""

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastem.kernels import matrices as kernel

SIZES = [(1, 1), (3, 2), (5, 17), (40, 48)]  # the last are shared among threads


def matrices(K, D, seed=0):
    A = np.random.default_rng([seed, K, D]).normal(size=(K, D, 2 * D))
    return A @ A.swapaxes(1, 2)


def factor(covariances):
    K = len(covariances)
    inverses, norms = np.zeros_like(covariances), np.empty(K)
    weights = np.full(K, 1 / K)
    scratch = np.empty_like(covariances)
    failed = kernel.factor(weights, covariances, 2.0, scratch, inverses, norms)
    return failed, inverses, norms


def test_large_stacks_are_shared_among_threads():
    assert kernel.work_of(matrices(*SIZES[-1])) >= kernel.LAUNCH_WORK


@pytest.mark.parametrize(("K", "D"), SIZES)
def test_factors_are_numpys(K, D):
    covariances = matrices(K, D)
    failed, inverses, norms = factor(covariances)
    assert failed == -1
    assert_allclose(inverses, 2 * np.linalg.inv(np.linalg.cholesky(covariances)), atol=1e-9)
    _, log_det = np.linalg.slogdet(2 * np.pi * covariances)
    assert_allclose(norms, -np.log2(K) - 0.5 * log_det / np.log(2))


@pytest.mark.parametrize(("K", "D"), SIZES)
def test_the_first_matrix_that_cannot_be_factored_is_named(K, D):
    covariances = matrices(K, D)
    covariances[[K // 2, K - 1], D - 1, D - 1] = -1.0
    assert factor(covariances)[0] == K // 2


def test_the_same_bits_for_any_number_of_threads():
    covariances = matrices(*SIZES[-1])
    expected = factor(covariances)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        for got, one in zip(factor(covariances), expected, strict=True):
            assert_array_equal(got, one)
    finally:
        numba.set_num_threads(before)
