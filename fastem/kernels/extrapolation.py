"""Anderson's extrapolation from the last steps of a map, on vectors of sufficient statistics.

Compiled because a fit of a few hundred rows would else spend its time calling NumPy.
"""

import math

from fastem.kernels.jit import jit


@jit
def extrapolate(image, point, n_seen, shape, floor, cutoff, last, steps, system, scratch, target):
    """Add a step of the map to the history and extrapolate, in the norm of `_metric`.

    Parameters
    ----------
    image, point : (P,)
        What the map makes of the point.
    n_seen : int
        Steps in the history so far.
    shape : (K, D)
    floor : float
        Least variance.
    cutoff : float
        Damping of the normal equations, as a share of their trace.
    last : (2, P)
        The image and the residual of the step before; replaced.
    steps : (2, order, P)
        Changes of images and of residuals from step to step; the oldest is overwritten.
    system : (order, order + 1), scratch : (2, P)
        Scratch.
    target : (P,)
        Receives the point to leap to.

    Returns
    -------
    inside : bool
        Whether there is one: finite, weights not negative and variances positive.
    """
    order, P = steps.shape[1], image.shape[0]
    for p in range(P):
        residual = image[p] - point[p]
        if n_seen > 0:
            steps[0, (n_seen - 1) % order, p] = image[p] - last[0, p]
            steps[1, (n_seen - 1) % order, p] = residual - last[1, p]
        last[0, p] = image[p]
        last[1, p] = residual
    n_steps = min(n_seen, order)
    metric, weighted = scratch[0], scratch[1]
    n_matrix = (P - shape[0]) // shape[0] - shape[1]
    _metric(image, shape[0], shape[1], n_matrix, floor, metric)
    trace = 0.0
    for a in range(n_steps):
        for p in range(P):
            weighted[p] = metric[p] * steps[1, a, p]
        for b in range(a + 1):
            system[a, b] = system[b, a] = _dot(weighted, steps[1, b])
        system[a, n_steps] = _dot(weighted, last[1])
        trace += system[a, a]
    if not trace > 0.0:
        return False
    for a in range(n_steps):
        system[a, a] += cutoff * trace
    _solve(system, n_steps)
    for p in range(P):
        target[p] = image[p]
    for a in range(n_steps):
        gamma = system[a, n_steps]
        for p in range(P):
            target[p] -= gamma * steps[0, a, p]
    return _inside(target, shape[0], shape[1], n_matrix)


@jit
def _dot(a, b):
    total = 0.0
    for p in range(a.shape[0]):
        total += a[p] * b[p]
    return total


@jit
def _metric(image, K, D, n_matrix, floor, metric):
    """The complete data's information at these statistics, correlations left out."""
    for k in range(K):
        weight = max(image[k], 1e-12)
        metric[k] = 1.0 / weight
        first = K + K * D + k * n_matrix
        stride = 1 if n_matrix == D else D + 1
        for i in range(D):
            variance = max(image[first + i * stride], floor)
            metric[K + k * D + i] = weight / variance
            if n_matrix == D:
                metric[first + i] = 0.5 * weight / (variance * variance)
            else:
                for j in range(D):
                    other = max(image[first + j * stride], floor)
                    metric[first + i * D + j] = 0.5 * weight / (variance * other)


@jit
def _solve(system, n):
    """Gauss's elimination in a positive definite system; the solution replaces its last column."""
    for a in range(n):
        for b in range(a + 1, n):
            ratio = system[b, a] / system[a, a]
            for c in range(a, n + 1):
                system[b, c] -= ratio * system[a, c]
    for a in range(n - 1, -1, -1):
        for b in range(a + 1, n):
            system[a, n] -= system[a, b] * system[b, n]
        system[a, n] /= system[a, a]


@jit
def _inside(target, K, D, n_matrix):
    inside = True
    for p in range(target.shape[0]):
        inside &= abs(target[p]) < math.inf
    for k in range(K):
        inside &= target[k] >= 0.0
        first = K + K * D + k * n_matrix
        for i in range(D):
            inside &= target[first + i * (1 if n_matrix == D else D + 1)] > 0.0
    return inside
