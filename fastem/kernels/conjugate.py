"""M step and log density of a conjugate prior, as `fastem.covariance.with_prior` has it.

The formulas are explained there. `prior` is one vector: the numbers below, then the prior's mean
(D,) and its scale, (D, D) or (D,).
"""

from __future__ import annotations

from fastem.compiler.options import jit_strict
from fastem.kernels.variational import measure

#: One row's share of all, rows that the prior's mean counts for, what covariances' determinants are
#: raised to, and whether components share one covariance; then mean and scale.
SHARE, SHRINKAGE, POWER, SHARED, NUMBERS = range(5)
_TINY = 2.2250738585072014e-308


@jit_strict
def log_density(prior, point, shape, factors, scale, log_norms):
    """Log density of a point but for a constant, in nats a row; log_norms stay as they are.

    Parameters
    ----------
    prior : (4 + D + D D,) or (4 + 2 D,)
    point : (K + K D,) or longer
        Weights and means.
    shape : (K, D)
    factors : (K or 1, D, D) or (K, D)
        Inverse Cholesky factors, or inverse standard deviations, times scale.
    scale : float
    log_norms : (K,)
        Of the density.
    """
    K, D = shape
    own = 1.0 / K if prior[SHARED] > 0.0 else 1.0
    centre, spread = prior[NUMBERS : NUMBERS + D], prior[NUMBERS + D :]
    total = 0.0
    for k in range(K):
        mean = point[K + k * D : K + (k + 1) * D]
        which = k if factors.shape[0] > 1 else 0
        squares, traces, log_variance = measure(centre, spread, mean, factors, which, scale)
        total += 0.5 * (1.0 + own * prior[POWER]) * log_variance
        total += 0.5 * (own * traces + prior[SHRINKAGE] * squares)
    return -prior[SHARE] * total


@jit_strict
def add_rows(statistics, shape, unit, dead, prior, found):
    """Statistics of rows and of the prior's pseudo rows together.

    Parameters
    ----------
    statistics : (K + K D + K D D,) or (K + K D + K D,)
        Weights, means and covariances of each component's rows.
    shape : (K, D)
    unit : float
        What one row of all weighs.
    dead : float
        The weight of a component of no rows.
    prior : as of `log_density`
    found : like statistics
        Receives those of all together.
    """
    K, D = shape
    width = (statistics.shape[0] - K - K * D) // K
    kappa, own = prior[SHRINKAGE] * unit, unit / K if prior[SHARED] > 0.0 else unit
    total = 0.0
    for k in range(K):
        count = statistics[k] if statistics[k] > dead else 0.0
        pull = kappa / max(count + kappa, _TINY)
        found[k] = count + unit + own * prior[POWER]
        total += found[k]
        means, spread = K + k * D, K + K * D + k * width
        for i in range(D):
            step = statistics[means + i] - prior[NUMBERS + i]
            found[means + i] = statistics[means + i] - pull * step
            for j in range(i if width == D else 0, i + 1 if width == D else D):
                at = i if width == D else i * D + j
                product = step * (statistics[means + j] - prior[NUMBERS + j])
                scatter = count * (statistics[spread + at] + pull * product)
                found[spread + at] = (scatter + own * prior[NUMBERS + D + at]) / found[k]
    for k in range(K):
        found[k] /= total
