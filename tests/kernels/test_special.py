"""Gamma functions in compiled code, against SciPy's and mpmath's."""

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special

from fastem.compiler.options import jit
from fastem.kernels.special import digamma, log_beta, log_gamma

ARGUMENTS = [
    1e-300,
    1e-8,
    1e-3,
    0.1,
    0.5,
    1.0,
    1.4616321449683623,
    2.0,
    9.99,
    10.0,
    37.5,
    1e4,
    1e15,
]


@jit
def evaluate(x, found):
    for i in range(x.size):
        found[0, i] = digamma(x[i])
        found[1, i] = log_gamma(x[i])


def test_digamma_and_log_gamma_are_scipys():
    x = np.concatenate([ARGUMENTS, np.geomspace(1e-5, 1e6, 500)])
    found = np.empty((2, x.size))
    evaluate(x, found)
    assert_allclose(found[0], special.digamma(x), rtol=2e-15, atol=4e-15)
    assert_allclose(found[1], special.gammaln(x), rtol=2e-15, atol=4e-15)


@pytest.mark.parametrize("x", ARGUMENTS)
def test_digamma_is_mpmaths(x):
    assert_allclose(digamma(x), float(mpmath.digamma(x)), rtol=1e-15, atol=2e-15)


@pytest.mark.parametrize("x", [1e-3, 1.0, 20.5, 3000.0])
@pytest.mark.parametrize("y", [1e-3, 1.0, 7.0, 3000.0])
def test_log_beta_is_scipys(x, y):
    assert_allclose(log_beta(x, y), special.betaln(x, y), rtol=1e-12, atol=1e-11)
