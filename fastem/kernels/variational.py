"""Variational EM of full and of diagonal covariances, as `fastem.covariance.variational` has it.

The formulas are explained there. `beliefs` is the prior in one vector: the numbers below, then its
mean (D,) and its scale, (D, D) or (D,).
"""

from __future__ import annotations

import math

from fastem.compiler.options import jit_strict
from fastem.kernels.elementary import LN2
from fastem.kernels.special import digamma, log_beta, log_gamma

#: Whether weights are by sticks, their concentration, rows in all, rows that the prior's mean and
#: its scale count for, and the log of the prior Wishart's constant; then mean and scale.
STICKS, CONCENTRATION, N_ROWS, MEAN_PRECISION, DEGREES, LOG_CONSTANT, NUMBERS = range(7)
_TINY = 2.2250738585072014e-308


@jit_strict
def believe(beliefs, point, shape, factors, scale, log_norms):
    """Norms of a density in the E step, and -KL(posterior || prior) / n.

    Parameters
    ----------
    beliefs : (6 + D + D D,) or (6 + 2 D,)
    point : (K + K D,) or longer
        Weights and means.
    shape : (K, D)
    factors : (K, D, D) or (K, D)
        Inverse Cholesky factors, or inverse standard deviations, times scale.
    log_norms : (K,)
        Receives the norms, in bits.

    Returns
    -------
    log_prior : float
        In nats a row.
    """
    K, D = shape
    n_rows, prior_beta = beliefs[N_ROWS], beliefs[MEAN_PRECISION]
    total = _expect_log_weights(beliefs, point, K, log_norms)
    for k in range(K):
        count, mean = point[k] * n_rows, point[K + k * D : K + (k + 1) * D]
        centre, spread = beliefs[NUMBERS : NUMBERS + D], beliefs[NUMBERS + D :]
        squares, traces, log_variance = measure(centre, spread, mean, factors, k, scale)
        beta, nu = prior_beta + count, beliefs[DEGREES] + count
        log_determinant, gammas = D * LN2, 0.0
        for d in range(D):
            half = 0.5 * (nu - d)
            log_determinant += digamma(half)
            gammas += log_gamma(half)
        log_scale = log_variance + D * math.log(nu)
        ratio = prior_beta / beta
        total += 0.5 * (D * (ratio - 1.0 - math.log(ratio)) + prior_beta * squares)
        total += beliefs[LOG_CONSTANT] - 0.5 * nu * (D * LN2 - log_scale) - gammas
        total += 0.5 * (count * (log_determinant - log_scale) - nu * D + traces)
        nats = log_norms[k] + 0.5 * (log_determinant - log_scale - D / beta)
        log_norms[k] = nats / LN2 - 0.5 * D * math.log2(2.0 * math.pi)
    return -total / n_rows


@jit_strict
def log_constants(beliefs, weights, n_features, log_norms, log_jacobian):
    """What the posterior's constants add to the bound of all rows after an M step, in nats.

    Parameters
    ----------
    beliefs : as of `believe`
    weights : (K,)
    n_features : int
    log_norms : (K,)
        log2 of the density of each component at its mean.
    log_jacobian : float
        Of the units, in nats.
    """
    K, D, n_rows, own = weights.shape[0], n_features, beliefs[N_ROWS], beliefs[CONCENTRATION]
    total, following = 0.0, 0.0
    for k in range(K - 1, -1, -1):
        count = weights[k] * n_rows
        if beliefs[STICKS] > 0.0:
            total += log_beta(1.0 + count, own + following)
        else:
            total += log_gamma(own + count)
        following += count
        nu = beliefs[DEGREES] + count
        log_covariance = -2.0 * LN2 * log_norms[k] - D * math.log(2.0 * math.pi)
        log_scale = log_covariance + D * math.log(nu) - 2.0 * log_jacobian
        total += 0.5 * nu * (D * LN2 - log_scale)
        total -= 0.5 * D * math.log(beliefs[MEAN_PRECISION] + count)
        for d in range(D):
            total += log_gamma(0.5 * (nu - d))
    if beliefs[STICKS] > 0.0:
        return total
    return total - log_gamma(K * own + following)


@jit_strict
def measure(centre, spread, mean, factors, k, scale):
    """Square of a mean's distance to a centre, trace of a spread, and log determinant.

    Parameters
    ----------
    centre, mean : (D,)
    spread : (D D,) or (D,)
        A matrix, or its diagonal.
    factors : (n, D, D) or (n, D)
        Inverse Cholesky factors, or inverse standard deviations, times scale; that of k measures.
    k : int
    scale : float
    """
    D = mean.shape[0]
    squares, traces, log_variance = 0.0, 0.0, 0.0
    if factors.ndim == 2:
        for d in range(D):
            factor = factors[k, d] / scale
            step = factor * (mean[d] - centre[d])
            squares += step * step
            traces += factor * factor * spread[d]
            log_variance -= 2.0 * math.log(factor)
    else:
        for i in range(D):
            step, trace = 0.0, 0.0
            for j in range(i + 1):
                step += factors[k, i, j] * (mean[j] - centre[j])
                column = 0.0
                for m in range(i + 1):
                    column += factors[k, i, m] * spread[j * D + m]
                trace += factors[k, i, j] * column
            squares += step / scale * (step / scale)
            traces += trace / (scale * scale)
            log_variance -= 2.0 * math.log(factors[k, i, i] / scale)
    return squares, traces, log_variance


@jit_strict
def _expect_log_weights(beliefs, point, K, log_weights):
    """Expected logarithms of the weights, and the divergence of their posterior in nats."""
    n_rows, own = beliefs[N_ROWS], beliefs[CONCENTRATION]
    divergence, rows = 0.0, 0.0
    if beliefs[STICKS] > 0.0:
        for k in range(K - 1, -1, -1):
            log_weights[k] = rows
            rows += point[k] * n_rows
        left_before = 0.0
        for k in range(K):
            count, following = point[k] * n_rows, log_weights[k]
            taken, left = 1.0 + count, own + following
            both = digamma(taken + left)
            log_taken, log_left = digamma(taken) - both, digamma(left) - both
            divergence += log_beta(1.0, own) - log_beta(taken, left)
            divergence += count * log_taken + following * log_left
            log_weights[k] = log_taken + left_before
            left_before += log_left
        return divergence
    for k in range(K):
        rows += point[k] * n_rows
    both = digamma(K * own + rows)
    for k in range(K):
        count = point[k] * n_rows
        log_weights[k] = digamma(own + count) - both
        divergence += log_gamma(own) - log_gamma(own + count) + count * log_weights[k]
    return divergence + log_gamma(K * own + rows) - log_gamma(K * own)


@jit_strict
def maximise(statistics, shape, ridge, floor, dead, beliefs, found):
    """The posterior from statistics of rows: weights, means and variances in one vector.

    Parameters
    ----------
    statistics : (K + K D + K D,)
        Weights, means and variances of each component's rows.
    shape : (K, D)
    ridge : (D,), floor, dead : float
        Added to variances, the least that these may be, and the weight of a component of no rows.
    beliefs : (6 + 2 D,)
    found : (K + K D + K D,)
        Receives the posterior.
    """
    K, D = shape
    n_rows, prior_beta = beliefs[N_ROWS], beliefs[MEAN_PRECISION]
    for k in range(K):
        count = statistics[k] * n_rows if statistics[k] > dead else 0.0
        pull = prior_beta / (prior_beta + count)
        nu = beliefs[DEGREES] + count
        found[k] = max(count / n_rows, _TINY)
        for d in range(D):
            at = K + k * D + d
            delta = statistics[at] - beliefs[NUMBERS + d]
            spread = statistics[K * D + at] + ridge[d] + pull * delta * delta
            found[at] = statistics[at] - pull * delta
            variance = (beliefs[NUMBERS + D + d] + count * spread) / nu
            found[K * D + at] = max(variance, floor)
