"""The small matrices between two passes: M step and factors of full covariances.

They are compiled because a fit of a few hundred rows would else spend its time calling NumPy.
"""

import math

from fastem.kernels.elementary import cholesky, invert_lower
from fastem.kernels.jit import jit


@jit
def factor(weights, covariances, scale, factors, inverses, log_norms):
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
    n_matrices, n_features, _ = covariances.shape
    for k in range(n_matrices):
        for i in range(n_features):
            variance = covariances[k, i, i]
            if not (variance > 0.0 and variance < math.inf):
                return k
        for i in range(n_features):
            deviation = math.sqrt(covariances[k, i, i])
            for j in range(i + 1):
                factors[k, i, j] = covariances[k, i, j] / deviation
                factors[k, i, j] /= math.sqrt(covariances[k, j, j])
    failed = cholesky(factors, factors)
    if failed >= 0:
        return failed
    invert_lower(factors, inverses)
    for k in range(n_matrices):
        for i in range(n_features):
            for j in range(i + 1):
                inverses[k, i, j] *= scale / math.sqrt(covariances[k, j, j])
    for k in range(weights.shape[0]):
        matrix = 0 if n_matrices == 1 else k
        bits = math.log2(weights[k]) if weights[k] > 0.0 else -math.inf
        for i in range(n_features):
            bits += math.log2(inverses[matrix, i, i] / scale)
        log_norms[k] = bits - 0.5 * n_features * math.log2(2.0 * math.pi)
    return -1


@jit
def scatter(about, counts, first, second, means, covariances):
    """Means, and covariances about them, from moments.

    Parameters
    ----------
    about, first : (K, D)
    counts : (K,)
        Not 0; infinite for a component without rows, which keeps its mean.
    second : (K, D, D)
    means : (K, D)
    covariances : (K, D, D)
        Receives symmetric matrices; their variances are not negative.
    """
    n_components, n_features = about.shape
    for k in range(n_components):
        for i in range(n_features):
            delta = first[k, i] / counts[k]
            means[k, i] = about[k, i] + delta
            for j in range(i + 1):
                value = second[k, i, j] / counts[k] - delta * (first[k, j] / counts[k])
                covariances[k, i, j] = value
                covariances[k, j, i] = value
            covariances[k, i, i] = max(covariances[k, i, i], 0.0)


@jit
def above_floor(covariances, ridge, floor, rounding, bounded, scratch):
    """Add the ridge, and look for matrices with eigenvalues below the floor.

    Parameters
    ----------
    covariances : (n, D, D)
    ridge : (D,)
        Added to the diagonals.
    floor, rounding : float
        A matrix passes if what is left of it is positive definite after its diagonal has lost this
        share, and then the floor.
    bounded : like covariances
        Receives the sums.
    scratch : like covariances

    Returns
    -------
    failed : int
        Index of the first matrix that does not pass, or -1.
    """
    n_matrices, n_features, _ = covariances.shape
    for k in range(n_matrices):
        for i in range(n_features):
            for j in range(n_features):
                bounded[k, i, j] = covariances[k, i, j]
                scratch[k, i, j] = covariances[k, i, j]
            bounded[k, i, i] += ridge[i]
            scratch[k, i, i] = bounded[k, i, i] * (1.0 - rounding) - floor
    return cholesky(scratch, scratch)
