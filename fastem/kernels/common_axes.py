"""M steps of ellipsoids of one orientation and varying shapes: mclust's EVE and VVE.

R. P. Browne and P. D. McNicholas, Adv. Data Anal. Classif. 8 (2014) 217, showed that the
objective can be majorised; here every majorisation is minimised over a rotation of two axes, as
B. N. Flury and W. Gautschi, SIAM J. Sci. Stat. Comput. 7 (1986) 169, do for VVE.

Begun at the present axes the expected log-likelihood never falls, though it may have several maxima
over orientations. Called as `averages` says.
"""

import math

import numpy as np

from fastem.compiler.options import jit, jit_allocating
from fastem.kernels.decomposition import (
    TINY,
    add_to,
    along,
    compose,
    eigen,
    equal_volumes,
    scatters,
)

#: The last sweep turns no axis by more than this, in radians.
ANGLE = 1e-9
MAX_SWEEPS = 1000
#: Begun at the present axes an M step ends sooner: at this share of the first sweep's angle, or
#: after so many sweeps. No sweep lowers the expected log-likelihood, so such a generalised EM never
#: leads down, and more sweeps bring little that the next step would not: 178 rows of 13 columns,
#: EVE, K = 2 to 9 took seven times as long with all of them as with ten, and ended no higher. Of
#: 116 fits of EVE and VVE to real rows ten ended higher in 8 and lower in 6, for 1.4 times the
#: processor time of three.
WARM_SHARE, WARM_SWEEPS = 0.01, 3
#: Matrices share axes along which they have no larger elements off their diagonals, as a share of
#: their traces.
ALIGNED = 1e-9


@jit_allocating
def vve(statistics, shape, ridge, floor, before, covariances):
    """Common principal axes, Celeux and Govaert's [lambda_k D A_k D']."""
    _common(statistics, shape, ridge, floor, before, covariances, False)


@jit_allocating
def eve(statistics, shape, ridge, floor, before, covariances):
    """Common principal axes and equal determinants, Celeux and Govaert's [lambda D A_k D']."""
    _common(statistics, shape, ridge, floor, before, covariances, True)


@jit_allocating
def _common(statistics, shape, ridge, floor, before, covariances, equal_volume):
    """Axes by rotations, from the present ones or the likeliest of a few; then variances."""
    K, D = shape
    shares, spread = statistics[:K], scatters(statistics, shape, ridge)
    found, previous = covariances.reshape(K, D, D), before.reshape(before.size // (D * D), D, D)
    axes, share, most = np.empty((1, D, D)), 0.0, MAX_SWEEPS
    if before.size:
        share, most = WARM_SHARE, WARM_SWEEPS
    if not (before.size and _shared_axes(previous, axes[0])):
        _likeliest_axes(shares, spread, floor, equal_volume, previous, axes[0])
    begun, rotated = np.zeros((1, D, D)), np.empty((K, D, D))
    add_to(begun[0], 1.0, axes[0])
    _rotate_all(spread, axes[0], rotated)
    lowest = max(floor, TINY)
    common_axes(shares, rotated, axes[0], lowest, equal_volume, ANGLE, share, most)
    own, variances = np.empty((K, D)), np.empty((K, D))
    for k in range(K):
        for d in range(D):
            own[k, d] = max(rotated[k, d, d], 0.0)
    if _vary(shares, own, floor, equal_volume, variances) <= floor:
        # What the rotations minimise knows of the floor, but not what it costs the others.
        loss, other = _loss(shares, own, variances), np.empty((K, D))
        for k in range(K):
            along(begun[0], spread[k], own[k])
        _vary(shares, own, floor, equal_volume, other)
        if _loss(shares, own, other) < loss:
            axes, variances = begun, other
    compose(axes, variances, found)


@jit_allocating
def _shared_axes(matrices, axes):
    """Whether matrices (K, D, D) share their axes, which are then written, in columns."""
    K, D, _ = matrices.shape
    # Any sum of them has these axes too; such weights keep axes apart that a plain sum would make a
    # sphere of.
    mixed, rotated, sizes = np.zeros((D, D)), np.empty((K, D, D)), np.zeros(K)
    for k in range(K):
        for d in range(D):
            sizes[k] += matrices[k, d, d]
        add_to(mixed, (1.0 + k / max(K - 1.0, 1.0)) / max(sizes[k], TINY), matrices[k])
    eigen(mixed, np.empty(D), axes)
    _rotate_all(matrices, axes, rotated)
    for k in range(K):
        for i in range(D):
            for j in range(D):
                if i != j and abs(rotated[k, i, j]) > ALIGNED * sizes[k]:
                    return False
    return True


@jit_allocating
def _likeliest_axes(shares, spread, floor, equal_volume, previous, axes):
    """The best of the axes of the average of the scatters, of each, and of previous matrices."""
    K, D, _ = spread.shape
    own, variances, best = np.empty((K, D)), np.empty((K, D)), math.inf
    values, frame, n_previous = np.empty(D), np.empty((D, D)), previous.shape[0]
    for n in range(n_previous + 1 + K):
        matrix = np.zeros((D, D))
        if n < n_previous:
            add_to(matrix, 1.0, previous[n])
        elif n == n_previous:
            for k in range(K):
                add_to(matrix, shares[k], spread[k])
        else:
            add_to(matrix, 1.0, spread[n - n_previous - 1])
        eigen(matrix, values, frame)
        for k in range(K):
            along(frame, spread[k], own[k])
        _vary(shares, own, floor, equal_volume, variances)
        loss = _loss(shares, own, variances)
        if loss < best or n == 0:
            best = loss
            for i in range(D):
                for j in range(D):
                    axes[i, j] = frame[i, j]


@jit_allocating
def _vary(shares, own, floor, equal_volume, variances):
    """Given the axes, the variances of EVI or of `diag`; returns the least."""
    least = math.inf
    if equal_volume:
        equal_volumes(shares, own, floor, variances)
    for k in range(own.shape[0]):
        for d in range(own.shape[1]):
            if not equal_volume:
                variances[k, d] = max(own[k, d], floor)
            least = min(least, variances[k, d])
    return least


@jit
def _loss(shares, spread, variances):
    """The objective of `decomposition`."""
    total = 0.0
    for k in range(spread.shape[0]):
        own = 0.0
        for d in range(spread.shape[1]):
            variance = max(variances[k, d], TINY)
            own += math.log(variance) + spread[k, d] / variance
        total += shares[k] * own
    return total


@jit_allocating
def _rotate_all(matrices, axes, rotated):
    """Matrices in the frame of axes in columns."""
    K, D, _ = matrices.shape
    half = np.empty((D, D))
    for k in range(K):
        for i in range(D):
            for j in range(D):
                half[i, j] = 0.0
                rotated[k, i, j] = 0.0
            for m in range(D):
                for j in range(D):
                    half[i, j] += matrices[k, i, m] * axes[m, j]
        for m in range(D):
            for i in range(D):
                for j in range(D):
                    rotated[k, i, j] += axes[m, i] * half[m, j]


@jit_allocating
def common_axes(shares, scatters, axes, floor, equal_volume, tolerance, share, max_sweeps):
    """Rotate to the axes along which the components' variances s_kj are likeliest.

    Minimises sum_k p_k sum_j log s_kj, or with `equal_volume` sum_k p_k (prod_j s_kj)^(1/D). Both
    are concave in s, so the tangent at the present axes lies above them: a sum_k,j w_kj s_kj,
    which a rotation of two axes minimises in closed form. No rotation raises the objective.

    Parameters
    ----------
    shares : (K,) float64
    scatters : (K, D, D) float64
        In the frame of `axes`; rotated along with them.
    axes : (D, D) float64
        In columns; rotated in place.
    floor : float
        Above 0; no smaller variance gains anything.
    equal_volume : bool
    tolerance, share : float
        Largest angle, in radians, of a sweep that is the last, and the same as a share of the
        largest angle of the first sweep.
    max_sweeps : int
    """
    n_components, size, _ = scatters.shape
    weights, logs = np.empty(n_components), np.empty((n_components, size))
    for sweep in range(max_sweeps):
        largest = 0.0
        for k in range(n_components):
            weights[k] = shares[k]
            if equal_volume:
                for j in range(size):
                    logs[k, j] = math.log(max(scatters[k, j, j], floor))
                weights[k] *= math.exp(logs[k].sum() / size)
        for p in range(size - 1):
            for q in range(p + 1, size):
                along = 0.0
                across = 0.0
                for k in range(n_components):
                    first = scatters[k, p, p]
                    second = scatters[k, q, q]
                    weight = weights[k] * (1.0 / max(first, floor) - 1.0 / max(second, floor))
                    along += weight * 0.5 * (first - second)
                    across += weight * scatters[k, p, q]
                # The tangent is along cos 2t + across sin 2t, with along at most 0.
                if across == 0.0:
                    continue
                angle = 0.5 * math.atan2(-across, -along)
                largest = max(largest, abs(angle))
                _rotate(scatters, axes, p, q, math.cos(angle), math.sin(angle))
                if equal_volume:
                    for k in range(n_components):
                        weights[k] *= math.exp(_relog(scatters[k], p, q, floor, logs[k]) / size)
        if sweep == 0:
            tolerance = max(tolerance, share * largest)
        if largest <= tolerance:
            return


@jit
def _relog(scatter, p, q, floor, logs):
    """Note the logarithms of two variances, not below the floor; by how much their sum changed."""
    before = logs[p] + logs[q]
    logs[p] = math.log(max(scatter[p, p], floor))
    logs[q] = math.log(max(scatter[q, q], floor))
    return logs[p] + logs[q] - before


@jit
def _rotate(scatters, axes, p, q, c, s):
    n_components, size, _ = scatters.shape
    for i in range(size):
        a = axes[i, p]
        b = axes[i, q]
        axes[i, p] = c * a + s * b
        axes[i, q] = c * b - s * a
    for k in range(n_components):
        for i in range(size):
            a = scatters[k, i, p]
            b = scatters[k, i, q]
            scatters[k, i, p] = c * a + s * b
            scatters[k, i, q] = c * b - s * a
        for i in range(size):
            a = scatters[k, p, i]
            b = scatters[k, q, i]
            scatters[k, p, i] = c * a + s * b
            scatters[k, q, i] = c * b - s * a
