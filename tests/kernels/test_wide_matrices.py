"""Large matrices by BLAS: NumPy's, and the same bits for any number of threads."""

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastem.kernels import matrices as kernel
from fastem.kernels import wide_matrices
from fastem.kernels.floor import above_floor
from fastem.kernels.wide import COLUMNS

sizes = pytest.mark.parametrize("D", [1, 2, 63, 64, 65, 128, 200, 300])


def matrix(D, seed=0):
    A = np.random.default_rng([seed, D]).normal(size=(D, 2 * D))
    return A @ A.T / D


def factored(covariance):
    found, pivots = np.triu(covariance), wide_matrices.pivots_for(len(covariance))
    return wide_matrices.cholesky(found, pivots), found, pivots


@sizes
def test_factors_and_inverses_are_numpys(D):
    covariance = matrix(D)
    done, found, pivots = factored(covariance)
    expected = np.linalg.cholesky(covariance)
    assert done
    assert_allclose(np.tril(found), expected, atol=1e-13)
    assert_allclose(np.triu(found), expected.T, atol=1e-13)
    units, inverse = np.linspace(1.0, 2.0, D), np.zeros((D, D))
    wide_matrices.invert(found, pivots, units, inverse)
    assert_allclose(inverse, np.linalg.inv(expected) * units, atol=1e-12)
    assert not np.triu(inverse, 1).any()


@sizes
def test_what_is_not_definite_is_found(D):
    """Oracle: NumPy's eigenvalues."""
    covariance = matrix(D)
    least = np.linalg.eigvalsh(covariance)[0]
    for lowered in 0.999, 1.001:
        moved = covariance - lowered * least * np.eye(D)
        pivots = wide_matrices.pivots_for(D)
        assert factored(moved)[0] == (lowered < 1)
        assert wide_matrices.is_definite(moved, pivots[0], np.empty_like(pivots[0])) == (
            lowered < 1
        )
    assert not factored(np.full((D, D), np.nan))[0]


@pytest.mark.parametrize("exponent", [-480, 0, 480])
def test_wide_covariances_are_factored(exponent):
    """Oracle: NumPy, of the same matrices with columns near 1."""
    K, D = 2, COLUMNS + 9
    near = np.stack([matrix(D, seed) for seed in range(K)])
    columns = np.exp2(np.random.default_rng(0).integers(-20, 20, D) + exponent)
    covariances = near * columns[:, None] * columns
    inverses, norms = np.zeros((K, D, D)), np.empty(K)
    scratch, weights = np.empty((K, D, D)), np.full(K, 0.5)
    assert kernel.factor(weights, covariances, 2.0, scratch, inverses, norms) == -1
    expected = 2.0 * np.linalg.inv(np.linalg.cholesky(near))
    assert_allclose(inverses * columns, expected, atol=1e-11)
    log_det = np.linalg.slogdet(2 * np.pi * near)[1] / np.log(2)
    assert_allclose(norms, -1 - 0.5 * log_det - np.log2(columns).sum(), rtol=1e-12)
    covariances[1, -1, -1] *= -1
    assert kernel.factor(weights, covariances, 2.0, scratch, np.zeros((K, D, D)), norms) == 1


def test_wide_matrices_below_the_floor_are_found():
    """Oracle: NumPy's eigenvalues."""
    covariances = np.stack([matrix(COLUMNS + 9, seed) for seed in range(3)])
    least = np.linalg.eigvalsh(covariances)[:, 0]
    floor, passed = np.sort(least)[1] * 0.999, np.empty(3, bool)
    assert not above_floor(covariances, floor, 1e-13, passed)
    assert (passed == (least > floor)).all()


def test_only_the_lower_triangles_are_read():
    D = COLUMNS + 9
    whole = matrix(D)[None]
    upper = whole.copy()
    upper[0][np.triu_indices(D, 1)] = np.nan
    passed = np.empty(1, bool)
    assert above_floor(upper, 0.0, 1e-13, passed)
    found = []
    for covariances in whole, upper:
        inverses, norms = np.zeros((1, D, D)), np.empty(1)
        scratch = np.empty((1, D, D))
        assert kernel.factor(np.ones(1), covariances, 1.0, scratch, inverses, norms) == -1
        found.append(inverses)
    assert np.array_equal(*found)


def test_bits_are_the_same_for_any_number_of_threads():
    D, before, found = 400, numba.get_num_threads(), []
    try:
        for n_threads in range(1, before + 1):
            numba.set_num_threads(n_threads)
            _, factor, pivots = factored(matrix(D))
            inverse = np.zeros((D, D))
            wide_matrices.invert(factor, pivots, np.ones(D), inverse)
            found.append((factor, inverse))
    finally:
        numba.set_num_threads(before)
    for other in found[1:]:
        assert all(map(np.array_equal, found[0], other))
