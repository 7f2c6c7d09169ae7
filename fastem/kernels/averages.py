"""M steps of the families whose covariances are averages of the components' own.

Over components, over columns, over both or over neither. Each takes

    statistics : (K + K D + K D D,) or (K + K D + K D,)
        Weights, means and covariances of each component's rows.
    shape : (K, D)
    ridge : (D,), floor : float
        Added to variances, and the least that these may be: of matrices the latter is left to
        others.
    before : (Q,) or (0,)
        The family's covariances before the step, in one vector, where there are any.
    covariances : (Q,)
        Receives the family's covariances.
"""

from fastem.compiler.options import jit_strict


@jit_strict
def full(statistics, shape, ridge, floor, before, covariances):
    """A matrix for each component."""
    K, D = shape
    own = statistics[K + K * D :]
    for p in range(covariances.shape[0]):
        covariances[p] = own[p]
    for k in range(K):
        for d in range(D):
            covariances[k * D * D + d * D + d] += ridge[d]


@jit_strict
def tied(statistics, shape, ridge, floor, before, covariances):
    """One matrix, the average of the components'."""
    K, D = shape
    own = statistics[K + K * D :]
    for p in range(D * D):
        covariances[p] = 0.0
        for k in range(K):
            covariances[p] += statistics[k] * own[k * D * D + p]
    for d in range(D):
        covariances[d * D + d] += ridge[d]


@jit_strict
def diagonal(statistics, shape, ridge, floor, before, covariances):
    """A variance for each component and column."""
    K, D = shape
    own = statistics[K + K * D :]
    for k in range(K):
        for d in range(D):
            covariances[k * D + d] = max(own[k * D + d] + ridge[d], floor)


@jit_strict
def equal_diagonal(statistics, shape, ridge, floor, before, covariances):
    """A variance for each column, the average over components."""
    K, D = shape
    own = statistics[K + K * D :]
    for d in range(D):
        total = 0.0
        for k in range(K):
            total += statistics[k] * (own[k * D + d] + ridge[d])
        for k in range(K):
            covariances[k * D + d] = max(total, floor)


@jit_strict
def spherical(statistics, shape, ridge, floor, before, covariances):
    """A variance for each component, the average over columns."""
    for k in range(shape[0]):
        covariances[k] = max(_level(statistics, shape, ridge, k), floor)


@jit_strict
def equal_spherical(statistics, shape, ridge, floor, before, covariances):
    """One variance, the average over components and columns."""
    total = 0.0
    for k in range(shape[0]):
        total += statistics[k] * _level(statistics, shape, ridge, k)
    for p in range(covariances.shape[0]):
        covariances[p] = max(total, floor)


@jit_strict
def _level(statistics, shape, ridge, k):
    """The average over the columns of a component's variances."""
    K, D = shape
    own = statistics[K + K * D + k * D :]
    total = 0.0
    for d in range(D):
        total += own[d] + ridge[d]
    return total / D
