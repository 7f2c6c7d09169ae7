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

Each function takes `shares` (n_components,), `spread` (n_components, n_features), the s above, the
`floor` that no variance may be below, and returns variances of the shape of `spread`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.kernels.orientation import compose
from fastem.kernels.proportional import proportional_variances

#: Iterative M steps stop when no volume changes by more than this, relatively.
TOLERANCE = 1e-11
#: Begun at the parameters before the step they stop earlier: at this share of the first change.
#: Warm starts come ever closer, so what is left undone shrinks as EM itself converges.
SHARE = 1e-3
MAX_STEPS = 500
#: Stands in for variances of zero where their logarithm is taken.
TINY = 1e-150


def equal_volume_equal_shape(shares: NDArray, spread: NDArray, floor: float) -> NDArray:
    """Variances averaged over components: [lambda B] and [lambda D_k A D_k']."""
    return np.broadcast_to(np.maximum(shares @ spread, floor), spread.shape).copy()


def varying_volume_varying_shape(shares: NDArray, spread: NDArray, floor: float) -> NDArray:
    """Each component's own: [lambda_k B_k] and [lambda_k D A_k D']."""
    return np.maximum(spread, floor)


def equal_volume_varying_shape(shares: NDArray, spread: NDArray, floor: float) -> NDArray:
    """Shapes of their own, the volumes' average: [lambda B_k], [lambda C_k], [lambda D A_k D'].

    Where that leaves a variance below the floor the exact minimum above it is found instead: given
    the common volume, component k has v_kj = max(floor, s_kj / mu_k), and the volume is where
    sum_k p_k mu_k = 1.
    """
    spread = np.maximum(spread, TINY)
    own = geometric_means(spread)
    variances = (shares @ own) * (spread / own[:, None])
    if floor <= 0 or variances.min() >= floor:
        return variances
    logs, low = np.log(spread), np.log(floor)
    highest = np.maximum(logs, low).mean(axis=1).max()

    def excess(log_volume: float) -> float:
        multipliers = np.minimum(_log_multipliers(logs, low, log_volume), 500.0)
        return float(np.log(np.maximum(shares @ np.exp(multipliers), TINY)))

    log_volume = low
    if highest > low and excess(low) > 0:
        from scipy.optimize import brentq  # half of fastem's time to import, for a rare case

        log_volume = brentq(excess, low, highest, xtol=TOLERANCE)
    return np.exp(np.maximum(low, logs - _log_multipliers(logs, low, log_volume)[:, None]))


def varying_volume_equal_shape(
    shares: NDArray, spread: NDArray, floor: float, volumes: NDArray | None = None
) -> NDArray:
    """Volumes and one shape in turn until both settle: [lambda_k B], [lambda_k D_k A D_k'].

    Each half step is the exact minimum given the other, above the floor too, so from `volumes`
    (n_components,) that were feasible the objective never rises. On the floor itself the two may
    settle before the joint minimum.
    """
    spread = np.maximum(spread, TINY)
    share = 0.0 if volumes is None else SHARE
    if volumes is None:
        volumes = geometric_means(np.maximum(spread, floor))
    volumes, shape = volumes.copy(), np.empty(spread.shape[1])
    proportional_variances(shares, spread, volumes, shape, floor, TOLERANCE, share, MAX_STEPS)
    return volumes[:, None] * shape


def geometric_means(variances: NDArray) -> NDArray:
    """Volumes (n_components,) of positive variances (n_components, n_features)."""
    return np.exp(np.log(variances).mean(axis=1))


def orient(axes: NDArray, variances: NDArray) -> NDArray:
    """Covariances D_k diag(v_k) D_k' from axes in columns, one set or (n_components, D, D)."""
    n_components, n_features = variances.shape
    covariances = np.empty((n_components, n_features, n_features))
    frames = np.ascontiguousarray(axes.reshape(-1, n_features, n_features))
    compose(frames, np.ascontiguousarray(variances), covariances)
    return covariances


def _log_multipliers(logs: NDArray, low: float, log_volume: float) -> NDArray:
    """The log mu_k with which mean_j max(low, logs_kj - log mu_k) is the volume's logarithm."""
    n_features = logs.shape[1]
    above = np.sort(logs - low, axis=1)[:, ::-1]
    n_free = np.arange(1, n_features + 1)
    candidates = (np.cumsum(above, axis=1) - n_features * (log_volume - low)) / n_free
    last = np.maximum((above > candidates).sum(axis=1), 1) - 1
    return candidates[np.arange(len(logs)), last]
