"""Arithmetic in twice the precision: a number is the unevaluated sum of two floats, high and low.

Triangular factors and products with rows are all made of one step here, `add_multiple`. Products
come with their rounding error by one fused multiply-add; a CPU without that instruction takes the C
library's.

T. J. Dekker, Numer. Math. 18 (1971) 224; T. Ogita, S. M. Rump and S. Oishi, SIAM J. Sci. Comput. 26
(2005) 1955.
"""

import math
from typing import Any

import numba.extending

from fastem.kernels.jit import jit_strict


def _fma(typingctx, x, y, z):
    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return x(x, x, x), generate


#: x * y + z, rounded once.
fma: Any = numba.extending.intrinsic(_fma)


@jit_strict
def two_sum(x, y):
    """Sum of x and y, and what its rounding has lost, exactly."""
    total = x + y
    added = total - x
    return total, (x - (total - added)) + (y - added)


@jit_strict
def add_multiple(factor, factor_low, x, x_low, y, y_low):
    """Add to a vector y a multiple of the vector x.

    Low parts of y only gather what their high parts lose: terms that cancel leave them larger than
    a rounding error, until `two_sum` has put both parts in order.
    """
    for i in range(y.size):
        product = factor * x[i]
        lost = fma(factor, x[i], -product)
        lost = fma(factor, x_low[i], fma(factor_low, x[i], lost))
        y[i], rounding = two_sum(y[i], product)
        y_low[i] += rounding + lost


@jit_strict
def _divide(x, x_low, by, by_low):
    """Divide a vector by a number."""
    inverse = 1.0 / by
    inverse_low = fma(-inverse, by_low, fma(-inverse, by, 1.0)) * inverse
    for i in range(x.size):
        high, low = two_sum(x[i], x_low[i])
        quotient = high * inverse
        lost = fma(high, inverse, -quotient)
        lost = fma(high, inverse_low, fma(low, inverse, lost))
        x[i], x_low[i] = two_sum(quotient, lost)


@jit_strict
def cholesky(upper, upper_low):
    """Factor a matrix into U' U, in place.

    Parameters
    ----------
    upper, upper_low : (D, D)
        The matrix, symmetric, of which the upper triangle is read and becomes U.

    Returns
    -------
    done : bool
        False if it is not positive definite.
    """
    for i in range(upper.shape[0]):
        row, row_low = upper[i, i:], upper_low[i, i:]
        for d in range(i):
            add_multiple(
                -upper[d, i], -upper_low[d, i], upper[d, i:], upper_low[d, i:], row, row_low
            )
        pivot, rest = two_sum(row[0], row_low[0])
        if not (pivot > 0.0 and pivot < math.inf):
            return False
        root = math.sqrt(pivot)
        row[0], row_low[0] = root, (fma(-root, root, pivot) + rest) / (2.0 * root)
        _divide(row[1:], row_low[1:], row[0], row_low[0])
    return True


@jit_strict
def invert_transposed(upper, upper_low, inverse, inverse_low):
    """The inverse of U', lower triangular, into two arrays (D, D) of zeros."""
    for i in range(upper.shape[0]):
        row, row_low = inverse[i, : i + 1], inverse_low[i, : i + 1]
        row[i] = 1.0
        for d in range(i):
            known, known_low = inverse[d, : d + 1], inverse_low[d, : d + 1]
            add_multiple(
                -upper[d, i], -upper_low[d, i], known, known_low, row[: d + 1], row_low[: d + 1]
            )
        _divide(row, row_low, upper[i, i], upper_low[i, i])
