"""Model-based agglomeration: the two groups whose union costs least are merged, again and again.

A group of n rows with scatter matrix W (sums of squares and products about its mean) costs

    trace        n log((tr W + a) / n)
    determinant  n log|(W + a I) / n|
    diagonal     n sum_j log((W_jj + a) / n)

which but for the ridge a is -2 times its classification log-likelihood under a Gaussian of its own,
spherical, full or diagonal (J. D. Banfield and A. E. Raftery, Biometrics 49 (1993) 803). The
scatter of a single row is 0; the ridge keeps its logarithm finite, as C. Fraley, SIAM J. Sci.
Comput. 20 (1998) 270, proposes: as part of W it makes a group of few rows dear, so that single rows
join their neighbours instead of the largest group.
"""

import math

import numpy as np

from fastem.compiler.options import jit, jit_allocating

#: What a group costs.
TRACE, DETERMINANT, DIAGONAL = range(3)
#: Between these a product goes on; beyond, its logarithm is taken, far from under- and overflow.
LOW, HIGH = 1e-100, 1e100


def n_sums(criterion, n_features):
    """How many sums of squares and products a group keeps."""
    return (1, n_features * (n_features + 1) // 2, n_features)[criterion]


@jit
def _unite(criterion, weight, means, sums, i, j, union):
    """The sums of squares and products of the union of two groups."""
    size = means.shape[1]
    between = weight[i] * weight[j] / (weight[i] + weight[j])
    if criterion == TRACE:
        squares = 0.0
        for d in range(size):
            step = means[i, d] - means[j, d]
            squares += step * step
        union[0] = sums[i, 0] + sums[j, 0] + between * squares
    elif criterion == DIAGONAL:
        for d in range(size):
            step = means[i, d] - means[j, d]
            union[d] = sums[i, d] + sums[j, d] + between * step * step
    else:
        place = 0
        for a in range(size):
            step = between * (means[i, a] - means[j, a])
            for b in range(a + 1):
                product = step * (means[i, b] - means[j, b])
                union[place] = sums[i, place] + sums[j, place] + product
                place += 1


@jit
def _cost(criterion, total, union, ridge, pivots):
    """What a group of that weight and those sums costs."""
    if criterion == DETERMINANT:
        return total * _log_determinant(total, union, ridge, pivots)
    log_product, product = 0.0, 1.0
    for d in range(union.shape[0]):
        product *= (union[d] + ridge) / total
        if not LOW < product < HIGH:
            log_product += math.log(product)
            product = 1.0
    return total * (log_product + math.log(product))


@jit
def _log_determinant(total, union, ridge, pivots):
    """Of a matrix's lower triangle, row by row, with the ridge on its diagonal, over the weight."""
    log_product, product = 0.0, 1.0
    for a in range(pivots.shape[0]):
        first = a * (a + 1) // 2
        for b in range(a + 1):
            value = union[first + b]
            for d in range(b):
                value -= pivots[a, d] * pivots[b, d]
            if b < a:
                pivots[a, b] = value * pivots[b, b]
        value = max(value + ridge, ridge)  # rounding apart it is no less
        pivots[a, a] = 1.0 / math.sqrt(value)
        product *= value / total
        if not LOW < product < HIGH:
            log_product += math.log(product)
            product = 1.0
    return log_product + math.log(product)


@jit
def _look(changes, i, nearest, least):
    """Find the group after i whose union with it is cheapest."""
    least[i] = math.inf
    for j in range(i + 1, changes.shape[0]):
        if changes[i, j] < least[i]:
            nearest[i], least[i] = j, changes[i, j]


@jit_allocating
def agglomerate(rows, weight, criterion, ridge, sums, merges):
    """Merge rows until all are one group.

    Memory and, but for rare cases, time grow with the square of the number of rows.

    Parameters
    ----------
    rows : (m, D) float64
        Distinct, and scaled so that the variance of a column is about 1.
    weight : (m,) float64
        Positive.
    criterion : int
        `TRACE`, `DETERMINANT` or `DIAGONAL`.
    ridge : float
        Positive, in squared units of the rows.
    sums : (m, n_sums) float64
        Zeros on entry, as many as `n_sums` says.
    merges : (m - 1, 2) int64
        Receives the pairs in the order of merging, the lower index first. A group is called by the
        lowest of its rows. Of equal costs the pair of lowest indices comes first.
    """
    n_rows, size = rows.shape
    total, means, costs = np.empty(n_rows), np.empty((n_rows, size)), np.empty(n_rows)
    union, pivots = np.zeros(sums.shape[1]), np.empty((size, size))
    for i in range(n_rows):
        total[i] = weight[i]
        costs[i] = _cost(criterion, weight[i], union, ridge, pivots)
        for d in range(size):
            means[i, d] = rows[i, d]
    changes = np.full((n_rows, n_rows), np.inf)
    nearest, least = np.zeros(n_rows, np.int64), np.empty(n_rows)
    for i in range(n_rows):
        for j in range(i + 1, n_rows):
            _unite(criterion, total, means, sums, i, j, union)
            cost = _cost(criterion, total[i] + total[j], union, ridge, pivots)
            changes[i, j] = cost - costs[i] - costs[j]
        _look(changes, i, nearest, least)
    for step in range(n_rows - 1):
        i = 0
        for k in range(1, n_rows):
            if least[k] < least[i]:
                i = k
        j = nearest[i]
        merges[step, 0], merges[step, 1] = i, j
        _unite(criterion, total, means, sums, i, j, union)
        costs[i] = changes[i, j] + costs[i] + costs[j]
        for place in range(union.shape[0]):
            sums[i, place] = union[place]
        total[i] += total[j]
        for d in range(size):
            means[i, d] += total[j] / total[i] * (means[j, d] - means[i, d])
        total[j], least[j] = 0.0, math.inf
        for k in range(n_rows):
            changes[min(j, k), max(j, k)] = math.inf
        for k in range(n_rows):
            if k == i or total[k] == 0.0:
                continue
            _unite(criterion, total, means, sums, i, k, union)
            cost = _cost(criterion, total[i] + total[k], union, ridge, pivots)
            change = cost - costs[i] - costs[k]
            changes[min(i, k), max(i, k)] = change
            if k < j and (nearest[k] == j or (k < i and nearest[k] == i)):
                _look(changes, k, nearest, least)
            elif k < i and (change < least[k] or (change == least[k] and i < nearest[k])):
                nearest[k], least[k] = i, change
        _look(changes, i, nearest, least)
