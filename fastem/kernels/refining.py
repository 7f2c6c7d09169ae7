"""Factors of full covariances in twice the precision, for those that float64 cannot factor well."""

from __future__ import annotations

import math

from fastem.kernels import pairs
from fastem.kernels.jit import jit_strict


@jit_strict
def refine(weights, covariances, scale, factors, rests, log_norms, scratch):
    """What `factoring.factor` found, anew in twice the precision.

    A matrix that only rounding made positive definite keeps what it has.

    Parameters
    ----------
    weights, covariances, scale, factors, log_norms
        As `factor` takes and leaves them; the last two are replaced.
    rests : like covariances
        Zeros on entry; receives the low parts of the factors.
    scratch : (2, D, D)
    """
    n_matrices, n_features, _ = covariances.shape
    for k in range(weights.size):
        matrix = 0 if n_matrices == 1 else k
        if k == matrix:
            bits = _refine_matrix(
                covariances[k], scale, factors[k], rests[k], scratch[0], scratch[1]
            )
        if not math.isnan(bits):
            weight = math.log2(weights[k]) if weights[k] > 0.0 else -math.inf
            log_norms[k] = weight + bits - 0.5 * n_features * math.log2(2.0 * math.pi)


@jit_strict
def _refine_matrix(covariance, scale, factor, rest, upper, upper_low):
    """As `refine`, one matrix; returns log2 of the factor's determinant, NaN if there is none."""
    D = covariance.shape[0]
    for i in range(D):
        for j in range(i, D):
            # Powers of two: nothing is rounded.
            upper[i, j] = covariance[j, i] * _unit(covariance[i, i]) * _unit(covariance[j, j])
            upper_low[i, j] = 0.0
    if not pairs.cholesky(upper, upper_low):
        return math.nan
    factor[:] = 0.0
    pairs.invert_transposed(upper, upper_low, factor, rest)
    mantissa, exponent = 1.0, 0
    for i in range(D):
        mantissa, more = math.frexp(mantissa * factor[i, i])
        exponent += more + math.frexp(_unit(covariance[i, i]))[1] - 1
        for j in range(i + 1):
            unit = _unit(covariance[j, j])
            product = factor[i, j] * scale
            lost = pairs.fma(factor[i, j], scale, -product) + rest[i, j] * scale
            factor[i, j], rest[i, j] = product * unit, lost * unit
    return exponent + math.log2(mantissa)


@jit_strict
def _unit(variance):
    """The power of two nearest to 1 / standard deviation from above."""
    return math.ldexp(1.0, 1 - math.frexp(math.sqrt(variance))[1])
