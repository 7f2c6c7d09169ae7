"""Few rows that lack the same columns, one by one, under eight components at a time.

A row alone has nothing to fill SIMD lanes with but the components. So their factors stand in
blocks, eight numbers of eight components side by side, and each step below is taken for all eight.
What the steps are is said in `incomplete`.
"""

import math

import numpy as np

from fastem.compiler.options import jit, jit_allocating
from fastem.kernels.eight import (
    LANES,
    NOTHING,
    ONES,
    add_rows,
    any_positive,
    dot,
    invert,
    less,
    of,
    orthogonalise,
    plus,
    project,
    put,
    reciprocal,
    solve,
    times,
    where,
)
from fastem.kernels.elementary import HALF_BITS, exp2, log2

#: Rows that are worked on one by one, but regress together.
FEW = 16
#: What the density of a column at its mean lacks, but for the deviation, in bits.
AT_MEAN = 0.5 * math.log2(2.0 * math.pi)
#: Stand-in for the log density of a row so far out that its square overflows, as in `tile`.
LOWEST = -1e300
#: A variance in bits squared, of a component in each lane.
SQUARED_BITS = (HALF_BITS * HALF_BITS,) * LANES


@jit_allocating
def make_buffers(n_blocks, n_features, most):
    """Scratch, and what is found of few rows.

    Returns
    -------
    resp : (FEW, 8 n_blocks + 1)
        log2 densities, the noise's last; responsibilities after that.
    offsets : (FEW, n_blocks, most, 8)
        Of the missing columns from their means.
    roots : (n_blocks, most, most, 8)
        R^-1, upper triangles, where R'R is the precision of the missing columns in bits.
    q, r, w, z : (most, D, 8), (most, most, 8), (D, 8), (D, 8)
        Orthogonal columns, their triangle, a product, and the row's offsets from the means.
    allowed : (8 n_blocks + 1,) bool
        Which components rows may come from.
    shifts : (8,)
        What densities gain because columns are missing.
    """
    return (
        np.empty((FEW, LANES * n_blocks + 1)),
        np.empty((FEW, n_blocks, most, LANES)),
        np.empty((n_blocks, most, most, LANES)),
        np.empty((most, n_features, LANES)),
        np.empty((most, most, LANES)),
        np.empty((n_features, LANES)),
        np.empty((n_features, LANES)),
        np.zeros(LANES * n_blocks + 1, np.bool_),
        np.empty(LANES),
    )


@jit
def allow(components, m, n_components, noisy, buffers):
    """Note the components that rows may come from; the last one is noise if there is any."""
    allowed = buffers[7]
    for k in range(allowed.shape[0]):
        allowed[k] = False
    for a in range(m):
        k = int(components[a])
        allowed[allowed.shape[0] - 1 if noisy and k == n_components - 1 else k] = True


@jit
def describe(rows, gaps, n_gaps, units, means, columns, norms, of_noise, buffers):
    """log2 densities of few rows that lack the same, and what is expected in place of it.

    Parameters
    ----------
    rows : (n, D)
        At most `FEW`.
    gaps : (D,)
        Numbers of the missing columns, then of the others.
    n_gaps : int
    units : (2, D)
    means : (n_blocks, D, 8), columns : (n_blocks, D, D, 8) or (n_blocks, D, 8),
    norms : (n_blocks, 8)
        In blocks; of matrices the transposed.
    of_noise : float
        log2 of weight times density of the noise; -infinity without.
    buffers : tuple
        As of `make_buffers`; `allow` was called.
    """
    resp, offsets, roots, q, r, w, z, allowed, shifts = buffers
    n_features = means.shape[1]
    last = resp.shape[1] - 1
    for b in range(rows.shape[0]):
        resp[b, last] = of_noise if allowed[last] else -np.inf
    for block in range(means.shape[0]):
        first = LANES * block
        wanted = False
        for lane in range(LANES):
            wanted |= allowed[first + lane]
        if not wanted:
            for b in range(rows.shape[0]):
                for lane in range(LANES):
                    resp[b, first + lane] = -np.inf
            continue
        own, mean = columns[block], means[block]
        _decompose(own, gaps, n_gaps, q, r, roots[block], shifts)
        for b in range(rows.shape[0]):
            found = offsets[b, block]
            for j in range(n_gaps, n_features):
                d = gaps[j]
                x = (rows[b, d] - units[0, d]) * units[1, d]
                put(less(x, mean[d]), z[d])
            if columns.ndim == 4:
                for i in range(n_features):
                    put(NOTHING, w[i])
                for j in range(n_gaps, n_features):
                    d = gaps[j]
                    add_rows(own[d], w, of(z[d]), d)
                for i in range(n_gaps):
                    project(q[i], w, found[i])
                solve(r, roots[block], n_gaps, found)
            else:
                for j in range(n_gaps, n_features):
                    d = gaps[j]
                    put(times(own[d], z[d]), w[j])
                for i in range(n_gaps):
                    put(NOTHING, found[i])
                    put(NOTHING, w[i])
            squares = dot(w, w)
            for lane in range(LANES):
                shift = norms[block, lane] + shifts[lane] - squares[lane]
                resp[b, first + lane] = shift if allowed[first + lane] else -np.inf


@jit
def normalise(resp):
    """Turn log2 densities into responsibilities, 0 where all underflow.

    Returns log2 of the sum of densities, and of the sum over the largest.
    """
    largest = LOWEST
    for k in range(resp.shape[0]):
        largest = resp[k] if resp[k] > largest else largest
    total = 0.0
    for k in range(resp.shape[0]):
        resp[k] = exp2(resp[k] - largest)
        total += resp[k]
    total = total if total > 0.0 else 1.0
    for k in range(resp.shape[0]):
        resp[k] /= total
    entropy = log2(total)
    return largest + entropy, entropy


@jit
def accumulate(rows, weight, gaps, n_gaps, units, means, columns, buffers, counts, first, second):
    """Add few rows to the moments, from what is described in the buffers.

    Parameters
    ----------
    counts : (n_blocks, 8), first : (n_blocks, D, 8), second : like columns
        In blocks; of matrices the lower triangles.

    Returns
    -------
    bits, entropy, noise : float
        Log-likelihood and classification entropy in bits, and the weight of the noise.
    """
    resp, offsets, roots, z = buffers[0], buffers[1], buffers[2], buffers[6]
    n_features = means.shape[1]
    bits = entropy = noise = 0.0
    for b in range(rows.shape[0]):
        v = weight[b] if weight.size > 0 else 1.0
        own_bits, own_entropy = normalise(resp[b])
        bits += v * own_bits
        entropy += v * own_entropy
        for k in range(resp.shape[1]):
            resp[b, k] *= v
        noise += resp[b, resp.shape[1] - 1]
    for block in range(means.shape[0]):
        mean, total = means[block], NOTHING
        for b in range(rows.shape[0]):
            share = of(resp[b, LANES * block : LANES * block + LANES])
            if not any_positive(share):
                continue
            total = plus(total, ONES, share)
            for j in range(n_gaps):
                put(where(share, offsets[b, block, j]), z[gaps[j]])
            for j in range(n_gaps, n_features):
                d = gaps[j]
                x = (rows[b, d] - units[0, d]) * units[1, d]
                put(where(share, less(x, mean[d])), z[d])
            _add_row(z, share, first[block], second[block])
        if any_positive(total):
            put(plus(counts[block], ONES, total), counts[block])
            _add_covariance(total, roots[block], gaps, n_gaps, second[block])
    return bits, entropy, noise


@jit
def _decompose(columns, gaps, n_gaps, q, r, roots, shifts):
    """R and its inverse of a block of components, and what their densities gain."""
    if columns.ndim == 3:
        orthogonalise(columns, gaps, n_gaps, q, r)
        invert(r, n_gaps, roots)
    else:
        _deviations(columns, gaps, n_gaps, r, roots)
    for lane in range(LANES):
        shifts[lane] = n_gaps * AT_MEAN
    for i in range(n_gaps):
        for lane in range(LANES):
            shifts[lane] -= log2(r[i, i, lane] / HALF_BITS)


@jit
def _deviations(factors, gaps, n_gaps, r, roots):
    """The same where columns are independent: R is diagonal."""
    for a in range(n_gaps):
        for b in range(n_gaps):
            put(NOTHING, roots[a, b])
        put(of(factors[gaps[a]]), r[a, a])
        put(reciprocal(factors[gaps[a]]), roots[a, a])


@jit
def _add_row(z, share, first, second):
    """First and second moments of one row."""
    for i in range(z.shape[0]):
        shared = times(share, z[i])
        put(plus(first[i], share, z[i]), first[i])
        if second.ndim == 2:
            put(plus(second[i], shared, z[i]), second[i])
        else:
            for j in range(i + 1):
                put(plus(second[i, j], shared, z[j]), second[i, j])


@jit
def _add_covariance(count, roots, gaps, n_gaps, second):
    """Add so many times the covariance that is left of the gaps."""
    for i in range(n_gaps):
        if second.ndim == 2:
            square = times(roots[i, i], roots[i, i])
            _add_scaled(count, square, second[gaps[i]])
        else:
            for j in range(n_gaps):
                if gaps[j] <= gaps[i]:
                    square = _product(roots, i, j, n_gaps)
                    _add_scaled(count, square, second[gaps[i], gaps[j]])


@jit
def _product(roots, i, j, n_gaps):
    """The covariance that is left of two gaps, in squared bits."""
    total = NOTHING
    for c in range(max(i, j), n_gaps):
        total = plus(total, roots[i, c], roots[j, c])
    return total


@jit
def _add_scaled(count, square, out):
    """Add a covariance in bits, where rows count."""
    scaled = times(where(count, square), count)
    put(plus(out, scaled, SQUARED_BITS), out)
