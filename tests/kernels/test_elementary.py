"""Elementary functions against mpmath at 60 digits, factorisations against numpy.linalg."""

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastem.compiler.options import jit
from fastem.kernels.elementary import cholesky, exp2, invert_transposed, log2


@jit
def apply_exp2(x, out):
    for i in range(x.size):
        out[i] = exp2(x[i])


@jit
def apply_log2(x, out):
    for i in range(x.size):
        out[i] = log2(x[i])


def exp2_of(x):
    out = np.empty_like(x)
    apply_exp2(x, out)
    return out


def log2_of(x):
    out = np.empty_like(x)
    apply_log2(x, out)
    return out


def error_in_ulps(got, function, x):
    """Largest distance of `got` from mpmath's function of x, in units of the last place."""
    with mpmath.workdps(60):
        exact = [function(mpmath.mpf(float(t))) for t in x]
        ulps = np.spacing(np.abs(np.array([float(y) for y in exact])).astype(got.dtype))
        return max(
            abs(mpmath.mpf(float(g)) - y) / mpmath.mpf(float(ulp))
            for g, y, ulp in zip(got, exact, ulps, strict=True)
            if y != 0
        )


# Powers of two --------------------------------------------------------------------------------

LOWEST = {np.float64: -960.0, np.float32: -100.0}
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@dtypes
def test_exp2_is_within_two_ulps_of_mpmath(dtype):
    lowest = LOWEST[dtype]
    near_zero = -np.geomspace(1e-30, 1, 500)
    halfway = np.nextafter(np.arange(lowest, 0) + 0.5, 0)
    x = np.concatenate([np.linspace(lowest, 0, 8001)[1:], near_zero, halfway]).astype(dtype)
    assert error_in_ulps(exp2_of(x), lambda t: mpmath.power(2, t), x) < 2


@dtypes
def test_exp2_of_integers_is_exact(dtype):
    """Oracle: ldexp."""
    x = np.arange(LOWEST[dtype] + 1, 1, dtype=dtype)
    assert np.array_equal(exp2_of(x), np.ldexp(dtype(1), x.astype(int)))


@dtypes
def test_exp2_is_exactly_zero_from_underflow_on(dtype):
    lowest = dtype(LOWEST[dtype])
    below = [lowest, np.nextafter(lowest, -np.inf), lowest - 1, 2 * lowest, -1e30, -np.inf, np.nan]
    assert np.array_equal(exp2_of(np.array(below, dtype)), np.zeros(len(below), dtype))
    assert exp2_of(np.array([np.nextafter(lowest, dtype(0))]))[0] >= np.finfo(dtype).tiny


@dtypes
def test_shares_times_two_coordinates_are_normal_numbers(dtype):
    """Processors take a hundred cycles for a subnormal one, and rows between clusters have many."""
    shares = exp2_of(np.linspace(-1100, 0, 5000, dtype=dtype))
    assert shares[shares > 0].min() * dtype(2**-13) ** 2 >= np.finfo(dtype).tiny


# Logarithms -----------------------------------------------------------------------------------


def test_log2_is_within_three_ulps_of_mpmath():
    sums = np.linspace(1, 1000, 3001)
    wide = np.geomspace(1, 1e300, 3001)
    above = 1 + np.geomspace(2.0**-52, 1, 1001)
    below = 1 - np.geomspace(2.0**-53, 0.5, 1001)
    root = np.nextafter(np.sqrt(2), [0, 2])
    x = np.concatenate([sums, wide, above, below, root, root / 2])
    assert error_in_ulps(log2_of(x), lambda t: mpmath.log(t, 2), x) < 3


def test_log2_of_powers_of_two_is_exact():
    """Oracle: frexp."""
    powers = np.arange(-1022.0, 1024.0)
    assert np.array_equal(log2_of(np.exp2(powers)), powers)


# Small matrices -------------------------------------------------------------------------------


def positive_definite(rng, n, D):
    roots = rng.normal(size=(n, D, 2 * D))
    return roots @ roots.swapaxes(1, 2) / (2 * D)


@pytest.mark.parametrize("D", [*range(1, 20), 31, 32, 33, 50, 64, 65, 70])
def test_factor_and_its_inverse_are_those_of_numpy(D):
    matrices = positive_definite(np.random.default_rng(D), 3, D)
    factors = np.zeros_like(matrices)
    assert cholesky(matrices, factors) == -1
    expected = np.linalg.cholesky(matrices)
    assert_allclose(factors, expected.swapaxes(1, 2), rtol=1e-12, atol=1e-14)
    inverses = np.zeros_like(matrices)
    invert_transposed(factors, inverses)
    assert_allclose(inverses, np.linalg.inv(expected), rtol=1e-12, atol=1e-13)
    assert np.array_equal(inverses, np.tril(inverses))


def test_only_the_lower_triangle_is_read():
    """Oracle: the factor of the whole matrix."""
    matrices = positive_definite(np.random.default_rng(0), 2, 5)
    whole, lower = np.zeros_like(matrices), np.zeros_like(matrices)
    cholesky(matrices, whole)
    cholesky(np.tril(matrices) + np.triu(np.full((5, 5), np.nan), 1), lower)
    assert np.array_equal(whole, lower)
    cholesky(matrices, matrices)
    assert np.array_equal(np.triu(whole), np.triu(matrices))


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 1, 4])
@pytest.mark.parametrize("D", [1, 2, 9])
def test_the_first_matrix_that_is_not_positive_definite_is_named(D, at, bad):
    """Oracle: a pivot that is not positive and finite, put there."""
    matrices = positive_definite(np.random.default_rng(0), 5, D)
    matrices[at, D - 1, D - 1] = matrices[4, 0, 0] = bad
    assert cholesky(matrices, np.zeros_like(matrices)) == at


def test_a_singular_matrix_fails():
    """Oracle: its rank."""
    ones = np.ones((1, 2, 2))
    assert cholesky(ones, np.zeros_like(ones)) == 0
