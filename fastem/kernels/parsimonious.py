"""M steps of the parsimonious families, but for those of one orientation and varying shapes.

Models are called as in table 1 of G. Celeux and G. Govaert, Pattern Recognition 28 (1995) 781, and
functions by mclust's letters for volume, shape and orientation, as `averages` says. All keep the
floor.
"""

import math

import numpy as np

from fastem.compiler.options import jit, jit_allocating
from fastem.kernels.decomposition import (
    MAX_STEPS,
    SHARE,
    TINY,
    TOLERANCE,
    add_to,
    along,
    compose,
    eigen,
    equal_shapes,
    equal_volumes,
    scatters,
    traces,
)
from fastem.kernels.elementary import cholesky, invert_transposed
from fastem.kernels.floor import ROUNDING


@jit_allocating
def vei(statistics, shape, ridge, floor, before, covariances):
    """Proportional variances, [lambda_k B]."""
    K, D = shape
    volumes = np.empty(K if before.size else 0)
    for k in range(volumes.size):
        volumes[k] = 0.0
        for d in range(D):
            volumes[k] += before[k * D + d]
    spread, shares = _spread(statistics, shape, ridge), statistics[:K]
    equal_shapes(shares, spread, floor, volumes, covariances.reshape(K, D))


@jit_allocating
def evi(statistics, shape, ridge, floor, before, covariances):
    """Variances of equal product, [lambda B_k]."""
    K, D = shape
    spread, shares = _spread(statistics, shape, ridge), statistics[:K]
    equal_volumes(shares, spread, floor, covariances.reshape(K, D))


# Ellipsoids along their own axes.
#
# The axes are those of each component's scatter, whatever the variances are. Axes are taken in the
# order of their variances, and every structure keeps that order, so by von Neumann's inequality no
# other orientation does better.


@jit_allocating
def eev(statistics, shape, ridge, floor, before, covariances):
    """Equal but for orientation, [lambda D_k A D_k']."""
    K, D = shape
    axes, spread = _own_axes(statistics, shape, ridge)
    for d in range(D):
        total = 0.0
        for k in range(K):
            total += statistics[k] * spread[k, d]
        for k in range(K):
            spread[k, d] = max(total, floor)
    compose(axes, spread, covariances.reshape(K, D, D))


@jit_allocating
def vev(statistics, shape, ridge, floor, before, covariances):
    """One shape, [lambda_k D_k A D_k']."""
    K, D = shape
    axes, spread = _own_axes(statistics, shape, ridge)
    variances = np.empty((K, D))
    equal_shapes(statistics[:K], spread, floor, traces(before, K, D), variances)
    compose(axes, variances, covariances.reshape(K, D, D))


@jit_allocating
def evv(statistics, shape, ridge, floor, before, covariances):
    """Equal determinants, [lambda C_k]."""
    K, D = shape
    axes, spread = _own_axes(statistics, shape, ridge)
    variances = np.empty((K, D))
    equal_volumes(statistics[:K], spread, floor, variances)
    compose(axes, variances, covariances.reshape(K, D, D))


@jit_allocating
def _own_axes(statistics, shape, ridge):
    """Axes of each component's scatter, in columns, and the variances along them."""
    axes, spread = scatters(statistics, shape, ridge), np.empty(shape)
    for k in range(shape[0]):
        eigen(axes[k], spread[k], axes[k])
        for d in range(shape[1]):
            spread[k, d] = max(spread[k, d], 0.0)
    return axes, spread


@jit_allocating
def _spread(statistics, shape, ridge):
    """Variances of each component's rows, and the ridge."""
    K, D = shape
    found, own = np.empty((K, D)), statistics[K + K * D :]
    for k in range(K):
        for d in range(D):
            found[k, d] = own[k * D + d] + ridge[d]
    return found


# Proportional ellipsoids.


@jit_allocating
def vee(statistics, shape, ridge, floor, before, covariances):
    """Proportional matrices, [lambda_k C]."""
    K, D = shape
    shares, spread = statistics[:K], scatters(statistics, shape, ridge)
    volumes, share = traces(before, K, D), SHARE if before.size else 0.0
    if not before.size:
        volumes = _volumes(spread, floor)
    found = covariances.reshape(K, D, D)
    free, matrices, least = np.empty(K), np.zeros((3, D, D)), math.inf
    for k in range(K):
        free[k] = volumes[k]
    if proportional_matrices(shares, spread, free, matrices, TOLERANCE, share, MAX_STEPS):
        for k in range(K):
            least = min(least, free[k])
        if least * _least_eigenvalue(matrices, floor / least) >= floor:
            for k in range(K):
                found[k] = 0.0
                add_to(found[k], free[k], matrices[0])
            return
    _proportional_above(shares, spread, floor, volumes, share, found)


@jit
def proportional_matrices(shares, scatters, volumes, matrices, tolerance, share, max_steps):
    """Minimise sum_k p_k [log |v_k C| + tr(S_k C^-1) / v_k] over volumes v_k and a matrix C.

    Parameters
    ----------
    shares : (K,) float64
    scatters : (K, D, D) float64
        The S above, symmetric.
    volumes : (K,) float64
        Positive, where to begin; updated in place.
    matrices : (3, D, D) float64
        Zeros. The first receives C, the others its lower Cholesky factor and the inverse of that.
    tolerance, share : float
        Largest relative change of a volume in a step that is the last, and the same as a share of
        the change in the first step.
    max_steps : int

    Returns
    -------
    done : bool
        False if C was not positive definite; the step is not taken then.
    """
    n_components, size, _ = scatters.shape
    for step in range(max_steps):
        for i in range(size):
            for j in range(size):
                total = 0.0
                for k in range(n_components):
                    total += shares[k] / volumes[k] * scatters[k, i, j]
                matrices[0, i, j] = total
                matrices[2, i, j] = 0.0
        if cholesky(matrices[:1], matrices[1:2]) >= 0:
            return False
        invert_transposed(matrices[1:2], matrices[2:3])
        precision = matrices[1]
        for i in range(size):
            for j in range(i + 1):
                total = 0.0
                for d in range(i, size):
                    total += matrices[2, d, i] * matrices[2, d, j]
                precision[i, j] = total
        largest = 0.0
        for k in range(n_components):
            total = 0.0
            for i in range(size):
                total += precision[i, i] * scatters[k, i, i]
                for j in range(i):
                    total += 2.0 * precision[i, j] * scatters[k, i, j]
            updated = total / size
            if not updated > 0.0:
                return False
            largest = max(largest, abs(updated - volumes[k]) / updated)
            volumes[k] = updated
        if step == 0:
            tolerance = max(tolerance, share * largest)
        if largest <= tolerance:
            return True
    return True


@jit_allocating
def _least_eigenvalue(matrices, enough):
    """Of the first matrix, or a bound below it that is enough."""
    # Of the inverse of its factor, the last, the squares sum up to a trace above 1 / the least.
    size, total = matrices.shape[1], 0.0
    for i in range(size):
        for j in range(i + 1):
            total += matrices[2, i, j] * matrices[2, i, j]
    if 1.0 / total >= enough:
        return 1.0 / total
    values = np.empty(size)
    eigen(matrices[0], values, matrices[1])
    return values[0]


@jit_allocating
def _volumes(matrices, floor):
    """|S_k|^(1/D), singular matrices raised."""
    K, D, _ = matrices.shape
    found, values, axes = np.empty(K), np.empty(D), np.empty((D, D))
    for k in range(K):
        eigen(matrices[k], values, axes)
        total = 0.0
        for d in range(D):
            total += math.log(max(values[d], max(floor, TINY)))
        found[k] = math.exp(total / D)
    return found


@jit_allocating
def _proportional_above(shares, spread, floor, volumes, share, covariances):
    """What `proportional_matrices` does, with eigenvalues raised to the floor at each half step."""
    K, D, _ = spread.shape
    tolerance, axes, values, own = TOLERANCE, np.empty((1, D, D)), np.empty(D), np.empty(D)
    for step in range(MAX_STEPS):
        pooled, narrowest = np.zeros((D, D)), math.inf
        for k in range(K):
            add_to(pooled, shares[k] / volumes[k], spread[k])
            narrowest = min(narrowest, volumes[k])
        eigen(pooled, values, axes[0])
        least = max(max(floor, TINY) / narrowest, 2.0 * ROUNDING * D * values[D - 1])
        for d in range(D):
            values[d] = max(values[d], least)
        change = 0.0
        for k in range(K):
            along(axes[0], spread[k], own)
            total = 0.0
            for d in range(D):
                total += own[d] / values[d]
            updated = max(total / D, TINY)
            if floor > 0.0:
                updated = max(updated, floor / values[0])
            change = max(change, abs(updated - volumes[k]) / updated)
            volumes[k] = updated
        if step == 0:
            tolerance = max(tolerance, share * change)
        if change <= tolerance:
            break
    variances = np.empty((K, D))
    for k in range(K):
        for d in range(D):
            variances[k, d] = volumes[k] * values[d]
    compose(axes, variances, covariances)
