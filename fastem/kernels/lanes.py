"""Few rows that lack the same columns, one by one, under eight components at a time.

A row alone has nothing to fill SIMD lanes with but the components. So their factors stand in
blocks, eight numbers of eight components side by side, and each step below is taken for all eight.
What the steps are is said in `incomplete`.
"""

import math

import numpy as np

from fastem.compiler.options import jit, jit_allocating
from fastem.kernels.elementary import HALF_BITS, exp2, log2

#: Components of a block.
LANES = 8
#: Rows that are worked on one by one, but regress together.
FEW = 16
#: What the density of a column at its mean lacks, but for the deviation, in bits.
AT_MEAN = 0.5 * math.log2(2.0 * math.pi)
#: Stand-in for the log density of a row so far out that its square overflows, as in `tile`.
LOWEST = -1e300


@jit_allocating
def make_room(n_blocks, n_features, most):
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
    squares : (8,)
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
def allow(components, m, n_components, noisy, room):
    """Note the components that rows may come from; the last one is noise if there is any."""
    allowed = room[7]
    for k in range(allowed.shape[0]):
        allowed[k] = False
    for a in range(m):
        k = int(components[a])
        allowed[allowed.shape[0] - 1 if noisy and k == n_components - 1 else k] = True


@jit
def describe(rows, gaps, n_gaps, units, means, columns, norms, of_noise, room):
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
    room : tuple
        As of `make_room`; `allow` was called.
    """
    resp, offsets, roots, q, r, w, z, allowed, squares = room
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
        if columns.ndim == 4:
            _orthogonalise(own, gaps, n_gaps, q, r)
            _invert(r, n_gaps, roots[block])
        else:
            _deviations(own, gaps, n_gaps, r, roots[block])
        for b in range(rows.shape[0]):
            found = offsets[b, block]
            for j in range(n_gaps, n_features):
                d = gaps[j]
                x = (rows[b, d] - units[0, d]) * units[1, d]
                for lane in range(LANES):
                    z[d, lane] = x - mean[d, lane]
            if columns.ndim == 4:
                for i in range(n_features):
                    for lane in range(LANES):
                        w[i, lane] = 0.0
                for j in range(n_gaps, n_features):
                    d = gaps[j]
                    _add(own[d], w, z[d], 1.0, d)
                for i in range(n_gaps):
                    _project(q[i], w, found[i])
                _solve(r, n_gaps, found)
            else:
                for j in range(n_gaps, n_features):
                    d = gaps[j]
                    for lane in range(LANES):
                        w[j, lane] = own[d, lane] * z[d, lane]
                for i in range(n_gaps):
                    for lane in range(LANES):
                        found[i, lane] = 0.0
                        w[i, lane] = 0.0
            _dot(w, w, squares)
            for lane in range(LANES):
                k = first + lane
                shift = norms[block, lane] + n_gaps * AT_MEAN
                for i in range(n_gaps):
                    shift -= math.log2(r[i, i, lane] / HALF_BITS)
                resp[b, k] = shift - squares[lane] if allowed[k] else -np.inf


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
def accumulate(rows, weight, gaps, n_gaps, units, means, columns, room, counts, first, second):
    """Add few rows to the moments, from what is described in the room.

    Parameters
    ----------
    counts : (n_blocks, 8), first : (n_blocks, D, 8), second : like columns
        In blocks; of matrices the lower triangles.

    Returns
    -------
    bits, entropy, noise : float
        Log-likelihood and classification entropy in bits, and the weight of the noise.
    """
    resp, offsets, roots, z = room[0], room[1], room[2], room[6]
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
        mean, count = means[block], counts[block]
        total = np.float64(0.0)
        for b in range(rows.shape[0]):
            share = resp[b, LANES * block : LANES * block + LANES]
            together = 0.0
            for lane in range(LANES):
                together += share[lane]
            total += together
            if together == 0.0:
                continue
            for j in range(n_gaps):
                for lane in range(LANES):
                    z[gaps[j], lane] = offsets[b, block, j, lane] if share[lane] > 0.0 else 0.0
            for j in range(n_gaps, n_features):
                d = gaps[j]
                x = (rows[b, d] - units[0, d]) * units[1, d]
                for lane in range(LANES):
                    z[d, lane] = x - mean[d, lane] if share[lane] > 0.0 else 0.0
            _add_row(z, share, first[block], second[block])
        if total == 0.0:
            continue
        for lane in range(LANES):
            own = 0.0
            for b in range(rows.shape[0]):
                own += resp[b, LANES * block + lane]
            count[lane] += own
            if own > 0.0:
                _add_covariance(own, roots[block], gaps, n_gaps, lane, second[block])
    return bits, entropy, noise


@jit
def _dot(x, y, out):
    """Products of (n, 8) and (n, 8), summed over the rows."""
    for lane in range(LANES):
        out[lane] = 0.0
    for i in range(x.shape[0]):
        for lane in range(LANES):
            out[lane] += x[i, lane] * y[i, lane]


@jit
def _add(x, y, factors, sign, start):
    """Y += sign * factors * x, rows from the start on; factors (8,)."""
    for i in range(start, x.shape[0]):
        for lane in range(LANES):
            y[i, lane] += sign * factors[lane] * x[i, lane]


@jit
def _project(q, w, found):
    """Take from w its part along the unit vectors q; found (8,) receives how long it is."""
    _dot(q, w, found)
    _add(q, w, found, -1.0, 0)


@jit
def _orthogonalise(columns, gaps, n_gaps, q, r):
    """Orthogonal unit columns of F at the gaps, and their upper triangle."""
    n_features = columns.shape[0]
    for a in range(n_gaps):
        own, source = q[a], columns[gaps[a]]
        for i in range(n_features):
            for lane in range(LANES):
                own[i, lane] = source[i, lane]
        for c in range(a):
            _project(q[c], own, r[c, a])
        _dot(own, own, r[a, a])
        for lane in range(LANES):
            r[a, a, lane] = math.sqrt(r[a, a, lane])
        for i in range(n_features):
            for lane in range(LANES):
                own[i, lane] /= r[a, a, lane]


@jit
def _deviations(factors, gaps, n_gaps, r, roots):
    """The same where columns are independent: R is diagonal."""
    for a in range(n_gaps):
        for b in range(n_gaps):
            for lane in range(LANES):
                roots[a, b, lane] = 0.0
        for lane in range(LANES):
            r[a, a, lane] = factors[gaps[a], lane]
            roots[a, a, lane] = 1.0 / factors[gaps[a], lane]


@jit
def _invert(r, n_gaps, inverse):
    """Inverses of upper triangles."""
    for b in range(n_gaps):
        for lane in range(LANES):
            inverse[b, b, lane] = 1.0 / r[b, b, lane]
        for a in range(b - 1, -1, -1):
            for lane in range(LANES):
                total = 0.0
                for c in range(a + 1, b + 1):
                    total += r[a, c, lane] * inverse[c, b, lane]
                inverse[a, b, lane] = -total / r[a, a, lane]


@jit
def _solve(r, n_gaps, g):
    """-R^-1 g, in place."""
    for a in range(n_gaps - 1, -1, -1):
        for lane in range(LANES):
            total = g[a, lane]
            for c in range(a + 1, n_gaps):
                total += r[a, c, lane] * g[c, lane]
            g[a, lane] = -total / r[a, a, lane]


@jit
def _add_row(z, share, first, second):
    """First and second moments of one row."""
    for i in range(z.shape[0]):
        for lane in range(LANES):
            first[i, lane] += share[lane] * z[i, lane]
        if second.ndim == 2:
            for lane in range(LANES):
                second[i, lane] += share[lane] * z[i, lane] * z[i, lane]
        else:
            for j in range(i + 1):
                for lane in range(LANES):
                    second[i, j, lane] += share[lane] * z[i, lane] * z[j, lane]


@jit
def _add_covariance(count, roots, gaps, n_gaps, lane, second):
    """Add so many times the covariance that is left of the gaps."""
    for i in range(n_gaps):
        if second.ndim == 2:
            deviation = HALF_BITS * roots[i, i, lane]
            second[gaps[i], lane] += count * deviation * deviation
        else:
            for j in range(n_gaps):
                if gaps[j] <= gaps[i]:
                    total = 0.0
                    for c in range(max(i, j), n_gaps):
                        total += roots[i, c, lane] * roots[j, c, lane]
                    second[gaps[i], gaps[j], lane] += count * HALF_BITS * HALF_BITS * total
