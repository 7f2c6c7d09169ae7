"""The small matrices between two passes: M step and factors of full covariances.

They are compiled because a fit of a few hundred rows would else spend its time calling NumPy.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import jit, jit_strict
from fastem.compiler.slot_loop import slot_loop
from fastem.compiler.threads import LAUNCH_WORK
from fastem.kernels import wide_matrices
from fastem.kernels.elementary import cholesky, invert_transposed
from fastem.kernels.wide import COLUMNS


def factor(
    weights: NDArray[np.float64],
    covariances: NDArray[np.float64],
    scale: float,
    factors: NDArray[np.float64],
    inverses: NDArray[np.float64],
    log_norms: NDArray[np.float64],
) -> int:
    """Scaled inverses of Cholesky factors, and log2 of weight times density at the mean.

    Matrices are factored as correlations, so that no product of their columns' scales can overflow.

    Parameters
    ----------
    weights : (K,)
    covariances : (K, D, D), or (1, D, D) for all
        Symmetric; the lower triangles are read.
    scale : float
        Factor on the inverses.
    factors : like covariances
        Scratch.
    inverses : like covariances
        Zeros on entry; receives the result.
    log_norms : (K,)

    Returns
    -------
    failed : int
        Index of the first matrix that is not positive definite, or -1.
    """
    work = work_of(covariances)
    if covariances.shape[-1] >= COLUMNS:
        for k, matrix in enumerate(factors):
            if not _factor_wide(covariances[k], scale, matrix, inverses[k]):
                return k
        _measure(weights, scale, inverses, log_norms)
        return -1
    if work < LAUNCH_WORK:
        return factor_all(weights, covariances, scale, factors, inverses, log_norms)
    passed = np.empty(len(covariances), np.bool_)
    _factor_each(work, len(passed), covariances, scale, factors, inverses, passed)
    if not passed.all():
        return int(passed.argmin())
    _measure(weights, scale, inverses, log_norms)
    return -1


def _factor_wide(
    covariance: NDArray[np.float64],
    scale: float,
    matrix: NDArray[np.float64],
    inverse: NDArray[np.float64],
) -> bool:
    """As `_factor_matrix`, of many columns."""
    variances = np.diagonal(covariance)
    if not ((variances > 0.0) & (variances < np.inf)).all():
        return False
    deviations = np.sqrt(variances)
    wide_matrices.load(covariance, deviations, matrix)
    pivots = wide_matrices.pivots_for(len(matrix))
    if not wide_matrices.cholesky(matrix, pivots):
        return False
    wide_matrices.invert(matrix, pivots, scale / deviations, inverse)
    return True


def work_of(matrices: NDArray[np.float64]) -> float:
    """Floating point operations that factor matrices (n, D, D), about."""
    return float(matrices.size) * matrices.shape[-1]


@jit
def factor_all(weights, covariances, scale, factors, inverses, log_norms):
    """As `factor`, one after the other."""
    for k in range(covariances.shape[0]):
        if not _factor_matrix(k, covariances, scale, factors, inverses):
            return k
    _measure(weights, scale, inverses, log_norms)
    return -1


@slot_loop
def _factor_each(k, covariances, scale, factors, inverses, passed):
    passed[k] = _factor_matrix(k, covariances, scale, factors, inverses)


@jit
def _factor_matrix(k, covariances, scale, factors, inverses):
    covariance, matrix, inverse = covariances[k], factors[k], inverses[k]
    n_features = covariance.shape[0]
    for i in range(n_features):
        variance = covariance[i, i]
        if not (variance > 0.0 and variance < math.inf):
            return False
    for i in range(n_features):
        deviation = math.sqrt(covariance[i, i])
        for j in range(i + 1):
            matrix[i, j] = covariance[i, j] / deviation
    for j in range(n_features):
        deviation = math.sqrt(covariance[j, j])
        for i in range(j, n_features):
            matrix[i, j] /= deviation
    if cholesky(factors[k : k + 1], factors[k : k + 1]) >= 0:
        return False
    invert_transposed(factors[k : k + 1], inverses[k : k + 1])
    for j in range(n_features):
        unit = scale / math.sqrt(covariance[j, j])
        for i in range(j, n_features):
            inverse[i, j] *= unit
    return True


@jit
def _measure(weights, scale, inverses, log_norms):
    """log2 of weight times density at the mean."""
    n_matrices, n_features, _ = inverses.shape
    for k in range(weights.shape[0]):
        matrix = 0 if n_matrices == 1 else k
        bits = math.log2(weights[k]) if weights[k] > 0.0 else -math.inf
        for i in range(n_features):
            bits += math.log2(inverses[matrix, i, i] / scale)
        log_norms[k] = bits - 0.5 * n_features * math.log2(2.0 * math.pi)


@jit
def factor_diagonal(weights, variances, scale, inverses, log_norms):
    """As `factor`, of diagonal covariances: variances and inverses (K, D)."""
    n_components, n_features = variances.shape
    for k in range(n_components):
        bits = math.log2(weights[k]) if weights[k] > 0.0 else -math.inf
        for i in range(n_features):
            variance = variances[k, i]
            if not (variance > 0.0 and variance < math.inf):
                return k
            inverses[k, i] = scale / math.sqrt(variance)
            bits -= 0.5 * math.log2(variance)
        log_norms[k] = bits - 0.5 * n_features * math.log2(2.0 * math.pi)
    return -1


@jit_strict
def shares(counts, noise, found):
    """Counts over their sum and the noise's; equal where that is 0."""
    # Strictly, for else a division might become a product, and all of the rows be less than 1.
    total = 0.0
    for k in range(counts.shape[0]):
        total += counts[k]
    total += noise
    for k in range(counts.shape[0]):
        found[k] = counts[k] / total if total > 0.0 else 1.0 / counts.shape[0]


@jit
def scatter(about, counts, first, second, noise, dead, statistics):
    """Weights, means, and covariances about them, from moments.

    Parameters
    ----------
    about, first : (K, D)
    counts : (K,)
    second : (K, D, D) or (K, D)
        Of matrices only the lower triangles are read.
    noise : float
        What counts beside the components.
    dead : float
        A component with a smaller share of the counts keeps its mean and takes the average of the
        others' covariances.
    statistics : (K + K D + K D D,) or (K + K D + K D,)
        Receives weights, means and covariances; no variance is negative.

    Returns
    -------
    n_dead : int
    """
    K, D = about.shape
    width = second.size // K
    spreads = second.reshape(K, width)
    shares(counts, noise, statistics)
    total = 0.0
    for k in range(K):
        total += counts[k]
    n_dead = 0
    living = 0.0
    for k in range(K):
        living += counts[k] if counts[k] > dead * total else 0.0
        means = statistics[K + k * D :]
        covariance = statistics[K + K * D + k * width :]
        n_dead += counts[k] <= dead * total
        count = math.inf if counts[k] <= dead * total else counts[k]
        for i in range(D):
            delta = first[k, i] / count
            means[i] = about[k, i] + delta
            for j in range(i if width == D else 0, i + 1):
                at = i if width == D else i * D + j
                value = spreads[k, at] / count - delta * (first[k, j] / count)
                covariance[at] = max(value, 0.0) if i == j else value
    if width != D:
        mirror(statistics[K + K * D :], K, D)
    if n_dead > 0:
        for k in range(K):
            if counts[k] <= dead * total:
                for p in range(width):
                    pooled = 0.0
                    for m in range(K):
                        if counts[m] > dead * total:
                            pooled += counts[m] / living * statistics[K + K * D + m * width + p]
                    statistics[K + K * D + k * width + p] = pooled
    return n_dead


#: Rows and columns that are mirrored together: they stay in a cache.
MIRRORED = 32


@jit
def mirror(matrices, K, D):
    """Copy the lower triangles of K matrices, (K D D,), to the upper ones."""
    for k in range(K):
        matrix = matrices[k * D * D : (k + 1) * D * D]
        for first in range(0, D, MIRRORED):
            for left in range(0, first + 1, MIRRORED):
                for i in range(first, min(first + MIRRORED, D)):
                    for j in range(left, min(left + MIRRORED, i)):
                        matrix[j * D + i] = matrix[i * D + j]
