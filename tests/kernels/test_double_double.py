"""Arithmetic in pairs, against fractions and against mpmath with 60 digits."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastem.compiler.options import jit_strict
from fastem.kernels import double_double

compiled = settings(deadline=None)
floats = st.floats(-1e100, 1e100, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-100)


@jit_strict
def fma(x, y, z):
    return double_double.fma(x, y, z)


@compiled
@given(floats, floats)
def test_sum_and_rounding_are_exact_together(x, y):
    total, rounding = double_double.two_sum(x, y)
    assert total == x + y
    assert Fraction(total) + Fraction(rounding) == Fraction(x) + Fraction(y)


@compiled
@given(floats, floats)
def test_product_and_rounding_are_exact_together(x, y):
    product = x * y
    assert Fraction(product) + Fraction(fma(x, y, -product)) == Fraction(x) * Fraction(y)


@pytest.mark.parametrize("condition", [1.0, 1e8, 1e13])
@pytest.mark.parametrize("D", [1, 2, 5, 12])
def test_inverse_factor_has_twice_the_digits(D, condition):
    rng = np.random.default_rng(D)
    axes, _ = np.linalg.qr(rng.normal(size=(D, D)))
    matrix = (axes * np.geomspace(1, 1 / condition, D)) @ axes.T
    matrix = (matrix + matrix.T) / 2
    with mp.workdps(60):
        expected = mp.cholesky(mp.matrix(matrix.tolist())) ** -1
        upper, inverse = np.stack([matrix, 0 * matrix]), np.zeros((2, D, D))
        assert double_double.cholesky(*upper)
        double_double.invert_transposed(*upper, *inverse)
        assert not np.triu(inverse, 1).any()
        for i, j in zip(*np.tril_indices(D), strict=True):
            found = mp.mpf(float(inverse[0, i, j])) + mp.mpf(float(inverse[1, i, j]))
            assert abs(found - expected[i, j]) < 1e-29 * condition * abs(expected[i, i])


@pytest.mark.parametrize(
    "matrix", [[[0.0]], [[-1.0]], [[np.inf]], [[np.nan]], [[1.0, 2.0], [2.0, 1.0]]]
)
def test_matrix_that_is_not_positive_definite(matrix):
    assert not double_double.cholesky(np.array(matrix), np.zeros(np.shape(matrix)))
