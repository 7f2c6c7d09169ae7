"""Model-based agglomeration: the two groups whose union costs least are merged, again and again.

A group of n rows with scatter matrix W (sums of squares and products about its mean) costs

    n log( |W / n| + tr(W / n) + ridge ),

which without the last two terms is -2 times its classification log-likelihood under a Gaussian of
its own (J. D. Banfield and A. E. Raftery, Biometrics 49 (1993) 803). The determinant of a group of
few rows is 0; the trace and the ridge keep the logarithm finite, as C. Fraley, SIAM J. Sci. Comput.
20 (1998) 270, proposes.
"""

import math

import numpy as np

from fastem.compiler.options import jit, jit_allocating

#: What is known of a group: its weight (0 once it is part of another), rows, trace of W and cost.
WEIGHT, SIZE, TRACE, COST = range(4)
#: The determinant is left out where, by the inequality of the means, it is less than this share of
#: the trace; it costs far more.
NEGLIGIBLE = 1e-6
#: With more columns it is always left out: of variances about 1 it is the lesser part by far.
MAX_COLUMNS = 12


@jit
def _determinant(groups, means, scatters, i, j, pivots):
    """|W / n| of the union of two groups."""
    size = means.shape[1]
    total = groups[i, WEIGHT] + groups[j, WEIGHT]
    between = groups[i, WEIGHT] / total * groups[j, WEIGHT] / total
    product = 1.0
    for a in range(size):
        step = between * (means[i, a] - means[j, a])
        for b in range(a + 1):
            value = (scatters[i, a, b] + scatters[j, a, b]) / total
            value += step * (means[i, b] - means[j, b])
            for d in range(b):
                value -= pivots[a, d] * pivots[b, d]
            if b < a:
                pivots[a, b] = value / pivots[b, b]
            elif value > 0.0:
                product *= value
                pivots[a, a] = math.sqrt(value)
            else:
                return 0.0
    return product


@jit
def _trace(groups, means, i, j):
    """Trace of W of the union of two groups."""
    squares = 0.0
    for d in range(means.shape[1]):
        step = means[i, d] - means[j, d]
        squares += step * step
    between = groups[i, WEIGHT] * groups[j, WEIGHT] / (groups[i, WEIGHT] + groups[j, WEIGHT])
    return groups[i, TRACE] + groups[j, TRACE] + between * squares


@jit
def _union_cost(groups, means, scatters, ridge, i, j, pivots):
    """What the union of two groups costs."""
    size = means.shape[1]
    total = groups[i, WEIGHT] + groups[j, WEIGHT]
    spread = _trace(groups, means, i, j) / total
    determinant = 0.0
    if size <= MAX_COLUMNS and groups[i, SIZE] + groups[j, SIZE] > size:
        most = 1.0
        for _ in range(size):
            most *= spread / size
        if most > NEGLIGIBLE * (spread + ridge):
            determinant = _determinant(groups, means, scatters, i, j, pivots)
    return total * math.log(determinant + spread + ridge)


@jit
def _unite(groups, means, scatters, i, j, cost):
    """Let group i take in group j."""
    first, second = groups[i, WEIGHT], groups[j, WEIGHT]
    total = first + second
    groups[i, TRACE] = _trace(groups, means, i, j)
    groups[i, WEIGHT] = total
    groups[i, SIZE] += groups[j, SIZE]
    groups[i, COST] = cost
    groups[j, WEIGHT] = 0.0
    size = means.shape[1]
    if size <= MAX_COLUMNS:
        for a in range(size):
            step = first * second / total * (means[i, a] - means[j, a])
            for b in range(a + 1):
                scatters[i, a, b] += scatters[j, a, b] + step * (means[i, b] - means[j, b])
    for d in range(size):
        means[i, d] += second / total * (means[j, d] - means[i, d])


@jit
def _look(changes, i, nearest, least):
    """Find the group after i whose union with it is cheapest."""
    least[i] = math.inf
    for j in range(i + 1, changes.shape[0]):
        if changes[i, j] < least[i]:
            nearest[i], least[i] = j, changes[i, j]


@jit_allocating
def agglomerate(rows, weight, ridge, merges):
    """Merge rows until all are one group.

    Memory and, but for rare cases, time grow with the square of the number of rows.

    Parameters
    ----------
    rows : (m, D) float64
        Distinct, and scaled so that the variance of a column is about 1.
    weight : (m,) float64
        Positive.
    ridge : float
        Positive, in squared units of the rows.
    merges : (m - 1, 2) int64
        Receives the pairs in the order of merging, the lower index first. A group is called by the
        lowest of its rows. Of equal costs the pair of lowest indices comes first.
    """
    n_rows, size = rows.shape
    groups, means = np.zeros((n_rows, 4)), np.empty((n_rows, size))
    scatters = np.zeros((n_rows if size <= MAX_COLUMNS else 0, size, size))
    pivots = np.empty((size, size))
    for i in range(n_rows):
        groups[i, WEIGHT], groups[i, SIZE] = weight[i], 1.0
        groups[i, COST] = weight[i] * math.log(ridge)
        for d in range(size):
            means[i, d] = rows[i, d]
    changes = np.full((n_rows, n_rows), np.inf)
    nearest, least = np.zeros(n_rows, np.int64), np.empty(n_rows)
    for i in range(n_rows):
        for j in range(i + 1, n_rows):
            cost = _union_cost(groups, means, scatters, ridge, i, j, pivots)
            changes[i, j] = cost - groups[i, COST] - groups[j, COST]
        _look(changes, i, nearest, least)
    for step in range(n_rows - 1):
        i = 0
        for k in range(1, n_rows):
            if least[k] < least[i]:
                i = k
        j = nearest[i]
        merges[step, 0], merges[step, 1] = i, j
        _unite(groups, means, scatters, i, j, changes[i, j] + groups[i, COST] + groups[j, COST])
        least[j] = math.inf
        for k in range(n_rows):
            changes[min(j, k), max(j, k)] = math.inf
        for k in range(n_rows):
            if k == i or groups[k, WEIGHT] == 0.0:
                continue
            cost = _union_cost(groups, means, scatters, ridge, i, k, pivots)
            change = cost - groups[i, COST] - groups[k, COST]
            changes[min(i, k), max(i, k)] = change
            if k < j and (nearest[k] == j or (k < i and nearest[k] == i)):
                _look(changes, k, nearest, least)
            elif k < i and (change < least[k] or (change == least[k] and i < nearest[k])):
                nearest[k], least[k] = i, change
        _look(changes, i, nearest, least)
