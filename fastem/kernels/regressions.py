"""Regressions of missing columns on those observed, in every component, for rows in tiles.

With F the factor of a component and z the columns observed, less their means, B z for the missing
ones is what makes |F (z, B z)| least. That is solved by orthogonalising the columns of F that
belong to those missing, which no ill condition is squared by (A. Bjoerck, BIT 7 (1967) 1).
"""

import math

import numpy as np

from fastem.compiler.options import jit, jit_allocating
from fastem.kernels.elementary import HALF_BITS
from fastem.kernels.lanes import AT_MEAN
from fastem.kernels.tile import ROWS, STRIDE, size


@jit_allocating
def regression_scratch(n_features, most):
    """Scratch to regress in: orthogonal columns, their triangle, and a product."""
    return np.empty((most, n_features)), np.empty((most, most)), np.empty(n_features)


@jit
def regress(gaps, n_gaps, columns, log_norms, noise_bits, solving, regressions, norms):
    """Regressions of the gaps in all components, and log2 of weight times density at the mean.

    Of a regression (most, D) row a has, in columns that are observed, what they count for the a-th
    gap, and in those that are missing the covariance that is left.
    """
    q, r, w = solving
    n_components, n_features = log_norms.shape[0], columns.shape[1]
    shift = 0.0
    for k in range(n_components):
        if noise_bits.size > 0 and k == n_components - 1:
            norms[k] = log_norms[k] + noise_shift(gaps, n_gaps, noise_bits)
            if columns.ndim == 3:
                for a in range(n_gaps):
                    for i in range(n_features):
                        regressions[k, a, i] = 0.0
            continue
        if columns.ndim == 2:
            shift = 0.0
            for a in range(n_gaps):
                shift += AT_MEAN - math.log2(columns[k, gaps[a]] / HALF_BITS)
        elif k == 0 or columns.shape[0] > 1:
            own, regression = columns[k], regressions[k]
            shift = _orthogonalise(own, gaps, n_gaps, q, r)
            for j in range(n_gaps, n_features):
                column = gaps[j]
                for i in range(n_features):
                    w[i] = own[column, i]
                for a in range(n_gaps):
                    regression[a, column] = _project(q[a], w)
                for a in range(n_gaps - 1, -1, -1):
                    total = regression[a, column]
                    for c in range(a + 1, n_gaps):
                        total += r[a, c] * regression[c, column]
                    regression[a, column] = -total / r[a, a]
            _invert(r, n_gaps, q)
            for a in range(n_gaps):
                for b in range(n_gaps):
                    total = 0.0
                    for c in range(max(a, b), n_gaps):
                        total += q[a, c] * q[b, c]
                    regression[a, gaps[b]] = HALF_BITS * HALF_BITS * total
        norms[k] = log_norms[k] + shift


@jit
def fill(tile, mean, regression, factors, gaps, n_gaps):
    """Put what is expected in a component in the place of what is missing."""
    n_features = mean.shape[0]
    dtype = tile.dtype.type
    for a in range(n_gaps):
        column, centre = size(gaps[a]) * STRIDE, mean[gaps[a]]
        for b in range(ROWS):
            tile[column + b] = centre
        if factors.ndim == 3:
            for j in range(n_gaps, n_features):
                d = gaps[j]
                slope, about = dtype(regression[a, d]), mean[d]
                other = size(d) * STRIDE
                for b in range(ROWS):
                    tile[column + b] += slope * (tile[other + b] - about)


@jit
def add_covariance(count, k, n_components, columns, regression, gaps, n_gaps, moments):
    """Add so many times the covariance that is left to the second moments."""
    n_features = columns.shape[1]
    spread = moments[n_components * (1 + n_features) :]
    if columns.ndim == 2:
        for a in range(n_gaps):
            deviation = HALF_BITS / columns[k, gaps[a]]
            spread[k * n_features + gaps[a]] += count * deviation * deviation
    else:
        second = spread[k * n_features * n_features :]
        for a in range(n_gaps):
            for b in range(n_gaps):
                if gaps[b] <= gaps[a]:
                    second[gaps[a] * n_features + gaps[b]] += count * regression[a, gaps[b]]


@jit
def index_of(matrices, k):
    """Where the matrix of a component is, of one for each or one for all."""
    return 0 if matrices.shape[0] == 1 else k


@jit
def noise_shift(gaps, n_gaps, noise_bits):
    """What a box gains in log2 density by all its widths in the columns that are missing."""
    bits = 0.0
    for a in range(n_gaps):
        bits += noise_bits[gaps[a]]
    return bits


@jit
def _orthogonalise(columns, gaps, n_gaps, q, r):
    """Orthogonal unit columns of F at the gaps, and their upper triangle; the shift of the norm."""
    n_features = columns.shape[0]
    shift = 0.0
    for a in range(n_gaps):
        own = q[a]
        first = gaps[a]
        source = columns[first]
        for i in range(n_features):
            own[i] = source[i]
        for c in range(a):
            other = q[c]
            dot = 0.0
            for i in range(n_features):
                dot += other[i] * own[i]
            for i in range(n_features):
                own[i] -= dot * other[i]
            r[c, a] = dot
        square = 0.0
        for i in range(n_features):
            square += own[i] * own[i]
        length = math.sqrt(square)
        for i in range(n_features):
            own[i] /= length
        r[a, a] = length
        shift += AT_MEAN - math.log2(length / HALF_BITS)
    return shift


@jit
def _invert(r, n_gaps, inverse):
    """Inverse of an upper triangle."""
    for b in range(n_gaps):
        inverse[b, b] = 1.0 / r[b, b]
        for a in range(b - 1, -1, -1):
            total = 0.0
            for c in range(a + 1, b + 1):
                total += r[a, c] * inverse[c, b]
            inverse[a, b] = -total / r[a, a]


@jit
def _project(q, w):
    """Take from w its part along the unit vector q, and return how long it is."""
    dot = 0.0
    for i in range(w.shape[0]):
        dot += q[i] * w[i]
    for i in range(w.shape[0]):
        w[i] -= dot * q[i]
    return dot
