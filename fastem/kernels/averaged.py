"""Covariances of the families in which they are averages of the components' own.

Over components (`pooled`), over columns (`level`), over both or over neither: tied, spherical, EII
and EEI, full and diagonal.
"""

from fastem.compiler.options import jit, jit_strict


@jit
def average(averages, statistics, shape, ridge, floor, spreads):
    """Covariances of the family, (K, D, D), (1, D, D) or (K, D), of those of each component's rows.

    Parameters
    ----------
    averages : (bool, bool)
        Whether over components, and whether over columns.
    statistics : (P,)
        Weights, means and covariances of each component's rows.
    shape : (K, D)
    ridge : (D,), floor : float
        Added to variances, and the least that these may be: of matrices this is left to others.
    spreads : like the factors
        Receives them.
    """
    if spreads.ndim == 3:
        _pool(statistics, shape[0] * (1 + shape[1]), spreads)
    else:
        _average(averages, statistics, shape[0] * (1 + shape[1]), ridge, floor, spreads)


@jit
def compress(spreads, covariances):
    """Write spreads in the family's own shape: one number where all of a component are one."""
    flat = spreads.reshape(spreads.size)
    step = flat.shape[0] // covariances.shape[0]
    for p in range(covariances.shape[0]):
        covariances[p] = flat[p * step]


@jit
def expand(covariances, spreads):
    """The reverse."""
    flat = spreads.reshape(spreads.size)
    step = flat.shape[0] // covariances.shape[0]
    for p in range(flat.shape[0]):
        flat[p] = covariances[p // step]


@jit_strict
def _pool(statistics, before, matrices):
    """Matrices of each component, or their average."""
    n_matrices, D, _ = matrices.shape
    K = before // (1 + D)
    pooled = n_matrices < K
    flat, own = matrices.reshape(matrices.size), statistics[before:]
    for p in range(flat.shape[0]):
        if pooled:
            flat[p] = 0.0
            for k in range(K):
                flat[p] += statistics[k] * own[k * D * D + p]
        else:
            flat[p] = own[p]


@jit_strict
def _average(averages, statistics, before, ridge, floor, variances):
    K, D = variances.shape
    pooled, level = averages
    own = statistics[before:].reshape(K, D)
    for k in range(K):
        for d in range(D):
            variances[k, d] = own[k, d] + ridge[d]
        if level:
            total = 0.0
            for d in range(D):
                total += variances[k, d]
            for d in range(D):
                variances[k, d] = total / D
    if pooled:
        for d in range(D):
            total = 0.0
            for k in range(K):
                total += statistics[k] * variances[k, d]
            for k in range(K):
                variances[k, d] = total
    for k in range(K):
        for d in range(D):
            variances[k, d] = max(variances[k, d], floor)
