"""The decomposition that the parsimonious families share: volume, shape and orientation.

    Sigma_k = D_k diag(v_k1 .. v_kD) D_k',    v_kj = lambda_k a_kj,    prod_j a_kj = 1

lambda_k is the volume (of the unit ellipsoid, to the power 2 / D), a_k the shape, D_k the
orientation. In the frame of the orientations an M step knows only the rows' variances s_kj along
the axes and the components' shares p_k; it minimises

    sum_k p_k sum_j [log v_kj + s_kj / v_kj]

over variances v whose volume and shape are each equal (E) or varying (V) among components. In
log v this is convex and each structure is a linear subspace, so there is one minimum. Models are
called as in table 1 of G. Celeux and G. Govaert, Pattern Recognition 28 (1995) 781, whose M steps
these are: B is a diagonal matrix, C any, A a shape. J. D. Banfield and A. E. Raftery, Biometrics
49 (1993) 803, introduced the decomposition.
"""

import math

import numpy as np

from fastem.compiler.options import jit, jit_allocating

#: Iterative M steps stop when no volume changes by more than this, relatively.
TOLERANCE = 1e-11
#: Begun at the parameters before the step they stop earlier: at this share of the first change.
#: Warm starts come ever closer, so what is left undone shrinks as EM itself converges.
SHARE = 1e-3
MAX_STEPS = 500
#: Stands in for variances of zero where their logarithm is taken.
TINY = 1e-150
#: Largest logarithm of which the exponential is taken.
MOST = 500.0


@jit_allocating
def equal_shapes(shares, spread, floor, volumes, variances):
    """Volumes and one shape in turn until both settle: varying volumes, equal shapes.

    Each half step is the exact minimum given the other, above the floor too, so from volumes that
    were feasible the objective never rises. On the floor itself the two may settle before the joint
    minimum.

    Parameters
    ----------
    shares : (K,)
    spread : (K, D)
        The s above; those of 0 are raised in place.
    floor : float
    volumes : (K,) or (0,)
        Where to begin, but for a common factor, if that is known.
    variances : (K, D)
        Receives them.
    """
    K, D = spread.shape
    begun = np.empty(K)
    for k in range(K):
        total = 0.0
        for d in range(D):
            spread[k, d] = max(spread[k, d], TINY)
            total += math.log(max(spread[k, d], floor))
        begun[k] = max(volumes[k], TINY) if volumes.size else math.exp(total / D)
    common, share = np.empty(D), SHARE if volumes.size else 0.0
    proportional_variances(shares, spread, begun, common, floor, TOLERANCE, share, MAX_STEPS)
    for k in range(K):
        for d in range(D):
            variances[k, d] = begun[k] * common[d]


@jit
def proportional_variances(shares, spread, volumes, shape, floor, tolerance, share, max_steps):
    """Minimise sum_k p_k sum_j [log v_kj + s_kj / v_kj] over v_kj = volumes_k shape_j >= floor.

    Each half step is the exact minimum given the other.

    Parameters
    ----------
    shares : (K,) float64
    spread : (K, D) float64
        The s above, positive.
    volumes : (K,) float64
        Positive, where to begin; updated in place.
    shape : (D,) float64
        Receives the shape.
    floor : float
    tolerance, share : float
        Largest relative change of a volume in a step that is the last, and the same as a share of
        the change in the first step.
    max_steps : int
    """
    n_components, size = spread.shape
    for step in range(max_steps):
        least = volumes[0]
        for k in range(1, n_components):
            least = min(least, volumes[k])
        narrowest = 0.0
        for j in range(size):
            total = 0.0
            for k in range(n_components):
                total += shares[k] * (spread[k, j] / volumes[k])
            shape[j] = max(total, floor / least)
            narrowest = shape[j] if j == 0 else min(narrowest, shape[j])
        largest = 0.0
        for k in range(n_components):
            total = 0.0
            for j in range(size):
                total += spread[k, j] / shape[j]
            updated = max(total / size, floor / narrowest)
            largest = max(largest, abs(updated - volumes[k]) / updated)
            volumes[k] = updated
        if step == 0:
            tolerance = max(tolerance, share * largest)
        if largest <= tolerance:
            return


@jit_allocating
def equal_volumes(shares, spread, floor, variances):
    """Shapes of their own, the volumes' average: equal volumes, varying shapes.

    Where that leaves a variance below the floor the exact minimum above it is found instead: given
    the common volume, component k has v_kj = max(floor, s_kj / mu_k), and the volume is where
    sum_k p_k mu_k = 1.

    Parameters
    ----------
    shares, spread, floor, variances
        As of `equal_shapes`.
    """
    K, D = spread.shape
    logs, volume, lowest = np.empty((K, D)), 0.0, math.inf
    for k in range(K):
        total = 0.0
        for d in range(D):
            logs[k, d] = math.log(max(spread[k, d], TINY))
            total += logs[k, d]
        own = math.exp(total / D)
        volume += shares[k] * own
        for d in range(D):
            variances[k, d] = max(spread[k, d], TINY) / own
    for k in range(K):
        for d in range(D):
            variances[k, d] *= volume
            lowest = min(lowest, variances[k, d])
    if floor > 0.0 and lowest < floor:
        _equal_volumes_above(shares, logs, floor, variances)


@jit_allocating
def _equal_volumes_above(shares, logs, floor, variances):
    """The same on the floor; logs are of the variances s, and become those over the floor."""
    K, D = logs.shape
    falling, high = np.empty((K, D)), 0.0
    for k in range(K):
        total = 0.0
        for d in range(D):
            logs[k, d] -= math.log(floor)
            total += max(logs[k, d], 0.0)
        _sort_falling(logs[k], falling[k])
        high = max(high, total / D)
    low = 0.0
    if _sum_of_multipliers(shares, falling, low) <= 1.0:
        high = low
    while high - low > TOLERANCE:
        middle = 0.5 * (low + high)
        if _sum_of_multipliers(shares, falling, middle) > 1.0:
            low = middle
        else:
            high = middle
    for k in range(K):
        multiplier = _log_multiplier(falling[k], high)
        for d in range(D):
            variances[k, d] = floor * math.exp(max(0.0, logs[k, d] - multiplier))


@jit
def _sort_falling(numbers, falling):
    """Sort a few numbers, the largest first."""
    for n in range(numbers.shape[0]):
        place = n
        while place > 0 and falling[place - 1] < numbers[n]:
            falling[place] = falling[place - 1]
            place -= 1
        falling[place] = numbers[n]


@jit
def _sum_of_multipliers(shares, falling, log_volume):
    total = 0.0
    for k in range(shares.shape[0]):
        total += shares[k] * math.exp(min(_log_multiplier(falling[k], log_volume), MOST))
    return total


@jit
def _log_multiplier(falling, log_volume):
    """The m with which the mean of max(0, x - m) over falling x is the volume's logarithm."""
    size = falling.shape[0]
    total, found = 0.0, 0.0
    for n in range(size):
        total += falling[n]
        candidate = (total - size * log_volume) / (n + 1)
        if n > 0 and not falling[n] > candidate:
            break
        found = candidate
    return found


@jit
def compose(axes, variances, covariances):
    """Covariances D_k diag(v_k) D_k', symmetric to the bit.

    Parameters
    ----------
    axes : (K or 1, D, D)
        In columns; one set may serve all.
    variances : (K, D)
    covariances : (K, D, D)
        Receives the result.
    """
    n_components, size = variances.shape
    for k in range(n_components):
        frame = axes[k if axes.shape[0] > 1 else 0]
        for i in range(size):
            for j in range(i + 1):
                total = 0.0
                for d in range(size):
                    total += frame[i, d] * variances[k, d] * frame[j, d]
                covariances[k, i, j] = total
                covariances[k, j, i] = total


@jit_allocating
def eigen(matrix, values, axes):
    """Eigenvalues of a symmetric matrix, the least first, and its axes in columns."""
    found = np.linalg.eigh(matrix)
    for i in range(values.shape[0]):
        values[i] = found[0][i]
        for j in range(values.shape[0]):
            axes[i, j] = found[1][i, j]


@jit
def add_to(total, amount, matrix):
    """Add so many times a matrix."""
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            total[i, j] += amount * matrix[i, j]


@jit
def along(axes, matrix, variances):
    """Variances of a scatter along axes in columns, not below 0."""
    size = axes.shape[0]
    for d in range(size):
        total = 0.0
        for i in range(size):
            part = 0.0
            for j in range(size):
                part += matrix[i, j] * axes[j, d]
            total += axes[i, d] * part
        variances[d] = max(total, 0.0)


@jit_allocating
def scatters(statistics, shape, ridge):
    """Covariances of each component's rows, and the ridge."""
    K, D = shape
    found, own = np.empty((K, D, D)), statistics[K + K * D :]
    for k in range(K):
        for i in range(D):
            for j in range(D):
                found[k, i, j] = own[(k * D + i) * D + j]
            found[k, i, i] += ridge[i]
    return found


@jit_allocating
def traces(matrices, K, D):
    """Volumes of matrices of one shape, but for a common factor; (0,) of none."""
    found = np.zeros(K if matrices.size else 0)
    for k in range(found.size):
        for d in range(D):
            found[k] += matrices[(k * D + d) * D + d]
        found[k] = max(found[k], TINY)
    return found
