"""Arithmetic in twice the precision: a number is the unevaluated sum of two floats, high and low.

Triangular factors and products with rows are all made of one step here, `add_multiple`. Products
come with their rounding error by one fused multiply-add; a CPU without that instruction takes the C
library's. `refine` factors full covariances so, and `log_densities` meets the rows of a tile with
them: where columns nearly determine one another the terms of factor @ (x - mean) cancel, and what
rounding did to them would be left, eps times the root of the covariance's condition.

T. J. Dekker, Numer. Math. 18 (1971) 224; T. Ogita, S. M. Rump and S. Oishi, SIAM J. Sci. Comput. 26
(2005) 1955.
"""

from __future__ import annotations

import math
from typing import Any

import numba.extending

from fastem.compiler.options import jit_strict
from fastem.kernels.tile import LISTED, ROWS, STRIDE, size


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


@jit_strict
def refine(weights, covariances, scale, factors, factors_low, log_norms, scratch):
    """Factor covariances anew, in twice the precision.

    A matrix that only rounding made positive definite keeps what it has.

    Parameters
    ----------
    weights, covariances, scale, factors, log_norms
        As `matrices.factor` takes and leaves them; the last two are replaced.
    factors_low : like covariances
        Zeros on entry. Receives the low parts of the factors.
    scratch : (2, D, D)
    """
    n_matrices, n_features, _ = covariances.shape
    for k in range(weights.size):
        matrix = 0 if n_matrices == 1 else k
        if k == matrix:
            bits = _refine_matrix(
                covariances[k], scale, factors[k], factors_low[k], scratch[0], scratch[1]
            )
        if not math.isnan(bits):
            weight = math.log2(weights[k]) if weights[k] > 0.0 else -math.inf
            log_norms[k] = weight + bits - 0.5 * n_features * math.log2(2.0 * math.pi)


@jit_strict
def _refine_matrix(covariance, scale, factor, factor_low, upper, upper_low):
    """As `refine`, one matrix; returns log2 of the factor's determinant, NaN if there is none."""
    D = covariance.shape[0]
    for i in range(D):
        for j in range(i, D):
            # Powers of two: nothing is rounded.
            upper[i, j] = covariance[j, i] * _unit(covariance[i, i]) * _unit(covariance[j, j])
            upper_low[i, j] = 0.0
    if not cholesky(upper, upper_low):
        return math.nan
    factor[:] = 0.0
    invert_transposed(upper, upper_low, factor, factor_low)
    mantissa, exponent = 1.0, 0
    for i in range(D):
        mantissa, more = math.frexp(mantissa * factor[i, i])
        exponent += more + math.frexp(_unit(covariance[i, i]))[1] - 1
        for j in range(i + 1):
            unit = _unit(covariance[j, j])
            product = factor[i, j] * scale
            lost = fma(factor[i, j], scale, -product) + factor_low[i, j] * scale
            factor[i, j], factor_low[i, j] = product * unit, lost * unit
    return exponent + math.log2(mantissa)


@jit_strict
def _unit(variance):
    """The power of two nearest to 1 / standard deviation from above."""
    return math.ldexp(1.0, 1 - math.frexp(math.sqrt(variance))[1])


@jit_strict
def log_densities(tile, means, factors, factors_low, log_norms, compensated, densities, scratch):
    """log2 of weight times density of some components on the tile's rows.

    Parameters
    ----------
    tile : flat, D columns
    means : (K, D)
    factors, factors_low : (K, D, D) or (1, D, D), lower triangular
        High and low parts of the factors that `ellipsoidal` takes.
    log_norms : (K,)
    compensated : (n_compensated,) uint32
        The components.
    densities : flat, a column for each component from `LISTED` on
        Those of these components are written.
    scratch : flat, 2 D + 2 columns
    """
    n_features = means.shape[1]
    shared = factors_low.shape[0] == 1
    low = size(n_features) * STRIDE
    y = scratch[low + low : low + low + ROWS]
    y_low = scratch[low + low + STRIDE : low + low + STRIDE + ROWS]
    for a in range(compensated.size):
        k = compensated[a]
        matrix = 0 if shared else k
        factor, factor_low = factors[matrix], factors_low[matrix]
        density = densities[LISTED + size(k) * STRIDE :]
        for b in range(ROWS):
            density[b] = log_norms[k]
        for i in range(n_features):
            column = size(i) * STRIDE
            for b in range(ROWS):
                difference = two_sum(tile[column + b], -means[k, i])
                scratch[column + b], scratch[low + column + b] = difference
                y[b] = y_low[b] = 0.0
            for j in range(i + 1):
                column = size(j) * STRIDE
                x, x_low = scratch[column : column + ROWS], scratch[low + column :]
                add_multiple(factor[i, j], factor_low[i, j], x, x_low, y, y_low)
            for b in range(ROWS):
                length = y[b] + y_low[b]
                density[b] -= length * length
