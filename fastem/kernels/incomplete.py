"""The pass over rows of which some lack columns: what is missing is missing at random.

Rows that lack the same columns are a group. In each component the missing columns m follow from the
observed ones o by regression: x_m has mean mu_m + B (x_o - mu_o) and covariance C. So a row counts
with those means in place of what it lacks, and C is added to the second moments (Z. Ghahramani and
M. I. Jordan, NIPS 6 (1994) 120). The density of what is observed is that of the row filled so, over
that of m at its mean given o: nothing is factored anew.

With F the factor of the component, B z is what makes |F (z, B z)| least. That is solved by
orthogonalising the columns of F that belong to m, which no ill condition is squared by (A. Bjoerck,
BIT 7 (1967) 1).

Many rows of a group are worked on in tiles. Few rows are worked on one by one: a tile costs as much
however few rows it has.
"""

import math

import numpy as np

from fastem.compiler.options import jit, jit_allocating
from fastem.compiler.slot_loop import slot_loop
from fastem.kernels.elementary import HALF_BITS, exp2, log2
from fastem.kernels.gram import gather_scratch
from fastem.kernels.passes import accumulate, component_densities
from fastem.kernels.tile import (
    LISTED,
    ROWS,
    SPARE,
    STRIDE,
    buffer,
    exponentiate,
    load,
    load_weights,
    normalise,
    size,
    zero_underflowed,
)

#: Rows of a group from which a tile is faster than one row after another.
TILE_FROM = 64
#: Rows that are worked on one by one, but regress together.
FEW = 16
#: What the density of a column at its mean lacks, but for the deviation, in bits.
AT_MEAN = 0.5 * math.log2(2.0 * math.pi)
#: Stand-in for the log density of a row so far out that its square overflows, as in `tile`.
LOWEST = -1e300


@slot_loop
def summarise(
    slot,
    rows,
    weight,
    slots,
    chunks,
    missing,
    n_missing,
    listed,
    n_listed,
    units,
    overlapping,
    means,
    factors,
    log_norms,
    means64,
    columns,
    norms64,
    noise_bits,
    most_in_tiles,
    most_in_few,
    sums,
):
    """Moments of a slot of groups about the means.

    Parameters
    ----------
    slot : int
    rows : (n, D) float64 or float32, C order
        Those of a group together; what is missing is any finite number.
    weight : (n,) or (0,) float64
    slots : (n_slots + 1,) int64
        The first chunk of each slot.
    chunks : (n_chunks, 4) int64
        First row, the one after the last, pattern, and which list of components. No more than
        `FEW` rows are worked on one by one.
    missing : (n_patterns, D) int64
        Of each pattern the columns that are missing, then the others.
    n_missing : (n_patterns,) int64
    listed, n_listed : (n_lists, K), (n_lists,) uint32
        The components that rows may come from.
    units : (2, D) float64
        Centre and scale.
    overlapping : (0,) float64
        As `passes.summarise` takes it for components that are not well separated.
    means : (K, D), factors : (K, D, D), (1, D, D) or (K, D), log_norms : (K,)
        Of the dtype of rows, in the units.
    means64, columns, norms64
        The same in float64; of matrices the transposed.
    noise_bits : (D,) or (0,) float64
        log2 of the width of the noise's box, which is the last component, in each column.
    most_in_tiles, most_in_few : int
        Missing columns, at most, in tiles and in rows that are worked on one by one.
    sums : (n_slots, n_sums) float64
        As of `passes.summarise`.
    """
    n_components, n_features = means.shape
    exact = means64, columns, norms64
    tile = buffer(n_features, rows)
    densities = buffer(n_components + SPARE, rows)
    scratch = buffer(4, rows)
    gathering = gather_scratch(n_features, overlapping, rows)
    solving = _solving(n_features, max(most_in_tiles, most_in_few))
    regressions = np.empty((factors.shape[0], most_in_tiles, n_features))
    norms = np.empty(n_components, log_norms.dtype)
    room = _room(n_components, n_features, most_in_few)
    moments = sums[slot, 3:]
    pattern = -1
    for chunk in range(slots[slot], slots[slot + 1]):
        start, stop, own = chunks[chunk, 0], chunks[chunk, 1], chunks[chunk, 2]
        components, m = listed[chunks[chunk, 3]], int(n_listed[chunks[chunk, 3]])
        gaps, n_gaps = missing[own], int(n_missing[own])
        if n_gaps > 0 and stop - start <= FEW:
            block = rows[start:stop]
            weights = weight[start:stop] if weight.size > 0 else weight
            few = (gaps, n_gaps, components, m)
            _describe(block, few, units, *exact, noise_bits, solving, room)
            _accumulate_few(block, weights, few, units, means64, columns, room, moments, sums[slot])
            continue
        load(rows, start, stop, units[0], units[1], tile)
        load_weights(weight, slots[:0], start, stop, densities)
        if n_gaps > 0 and own != pattern:
            _regress_all(gaps, n_gaps, *exact, noise_bits, solving, regressions, norms)
            pattern = own
        if n_gaps == 0:
            component_densities(tile, means, factors, log_norms, components, m, densities, scratch)
        for a in range(m if n_gaps > 0 else 0):
            k = components[a]
            _fill(tile, means[k], regressions[_one(regressions, k)], factors, gaps, n_gaps)
            out = densities[size(a) * STRIDE :]
            one = components[a : a + 1]
            component_densities(tile, means, factors, norms, one, 1, out, scratch)
        if exponentiate(m, densities) > 0:
            zero_underflowed(n_features, tile, densities)
        log_likelihood, classification_entropy = normalise(m, densities)
        sums[slot, 1] += log_likelihood
        sums[slot, 2] += classification_entropy
        if n_gaps == 0:
            accumulate(
                tile,
                means,
                factors,
                components,
                m,
                densities,
                moments,
                scratch,
                overlapping,
                gathering,
            )
        for a in range(m if n_gaps > 0 else 0):
            k = components[a]
            regression = regressions[_one(regressions, k)]
            _fill(tile, means[k], regression, factors, gaps, n_gaps)
            out = densities[size(a) * STRIDE :]
            one = components[a : a + 1]
            accumulate(tile, means, factors, one, 1, out, moments, scratch, overlapping, gathering)
            if noise_bits.size == 0 or k < n_components - 1:
                count = _total(densities, LISTED + size(a) * STRIDE)
                _add_covariance(count, k, n_components, columns, regression, gaps, n_gaps, moments)


@slot_loop
def describe(
    slot,
    rows,
    slots,
    chunks,
    missing,
    n_missing,
    units,
    means,
    columns,
    log_norms,
    noise_bits,
    most,
    uniforms,
    normals,
    log_densities,
    filled,
):
    """log2 of weight times density of each component at a slot's rows, and what they lack.

    Parameters
    ----------
    slot, rows, slots, chunks, missing, n_missing, units, noise_bits
        As of `summarise`; all chunks are of `FEW` rows at most.
    means, columns, log_norms
        In float64; of matrices the transposed.
    most : int
        Missing columns, at most.
    uniforms, normals : (n_draws, n), (n_draws, n, D) float64
        Chance of the draws; of no draws, expectations are wanted.
    log_densities : (n, K)
    filled : (n_draws, n, D), (1, n, D) or (0, n, D) float64
        Rows with what they lack, in the units. The noise adds 0 to expectations, and draws from it
        are NaN.
    """
    n_components, n_features = means.shape
    exact = means, columns, log_norms
    solving = _solving(n_features, most)
    room = _room(n_components, n_features, most)
    every = np.arange(n_components).astype(np.uint32)
    for chunk in range(slots[slot], slots[slot + 1]):
        start, stop, own = chunks[chunk, 0], chunks[chunk, 1], chunks[chunk, 2]
        gaps, n_gaps = missing[own], int(n_missing[own])
        few = (gaps, n_gaps, every, n_components)
        _describe(rows[start:stop], few, units, *exact, noise_bits, solving, room)
        resp, offsets, roots, _ = room
        for b in range(stop - start):
            for k in range(n_components):
                log_densities[start + b, k] = resp[b, k]
        if filled.shape[0] == 0:
            continue
        n_gaussians = n_components - (noise_bits.size > 0)
        for b in range(stop - start):
            _normalise_row(resp[b], n_components)
            for draw in range(filled.shape[0]):
                out = filled[draw, start + b]
                for d in range(n_features):
                    out[d] = (rows[start + b, d] - units[0, d]) * units[1, d]
                for i in range(n_gaps):
                    out[gaps[i]] = 0.0
                if uniforms.shape[0] == 0:
                    for k in range(n_gaussians):
                        for i in range(n_gaps):
                            value = means[k, gaps[i]] + offsets[b, k, i]
                            out[gaps[i]] += resp[b, k] * value if resp[b, k] > 0.0 else 0.0
                    continue
                k = _chosen(resp[b], n_components, uniforms[draw, start + b])
                normal = normals[draw, start + b]
                for i in range(n_gaps if k == n_gaussians else 0):
                    out[gaps[i]] = np.nan
                for i in range(n_gaps if k < n_gaussians else 0):
                    value = means[k, gaps[i]] + offsets[b, k, i]
                    for j in range(i, n_gaps):
                        value += HALF_BITS * roots[k, i, j] * normal[gaps[j]]
                    out[gaps[i]] = value


@jit
def _chosen(resp, n_components, uniform):
    """The component in whose share of [0, 1) a number lies."""
    below = 0.0
    last = 0
    for k in range(n_components):
        below += resp[k]
        if resp[k] > 0.0:
            last = k
        if uniform < below:
            return k
    return last


@jit_allocating
def _solving(n_features, most):
    """Scratch to regress in: orthogonal columns, their triangle, and a product."""
    return np.empty((most, n_features)), np.empty((most, most)), np.empty(n_features)


@jit_allocating
def _room(n_components, n_features, most):
    """What is found of few rows.

    Returns
    -------
    resp : (FEW, K)
        log2 densities, and responsibilities after that.
    offsets : (FEW, K, most)
        Of the missing columns from their means.
    roots : (K, most, most)
        R^-1, upper triangles, where R'R is the precision of the missing columns in bits.
    offset : (D,)
    """
    return (
        np.empty((FEW, n_components)),
        np.empty((FEW, n_components, most)),
        np.empty((n_components, most, most)),
        np.empty(n_features),
    )


@jit
def _one(matrices, k):
    """Where the matrix of a component is, of one for each or one for all."""
    return 0 if matrices.shape[0] == 1 else k


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
def _solve(r, n_gaps, g):
    """-R^-1 g, in place."""
    for a in range(n_gaps - 1, -1, -1):
        total = g[a]
        for c in range(a + 1, n_gaps):
            total += r[a, c] * g[c]
        g[a] = -total / r[a, a]


@jit
def _shift_of_noise(gaps, n_gaps, noise_bits):
    bits = 0.0
    for a in range(n_gaps):
        bits += noise_bits[gaps[a]]
    return bits


@jit
def _regress_all(gaps, n_gaps, means, columns, log_norms, noise_bits, solving, regressions, norms):
    """Regressions of the gaps in all components, and log2 of weight times density at the mean.

    Of a regression (most, D) row a has, in columns that are observed, what they count for the a-th
    gap, and in those that are missing the covariance that is left.
    """
    q, r, w = solving
    n_components, n_features = means.shape
    shift = 0.0
    for k in range(n_components):
        if noise_bits.size > 0 and k == n_components - 1:
            norms[k] = log_norms[k] + _shift_of_noise(gaps, n_gaps, noise_bits)
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
def _project(q, w):
    """Take from w its part along the unit vector q, and return how long it is."""
    dot = 0.0
    for i in range(w.shape[0]):
        dot += q[i] * w[i]
    for i in range(w.shape[0]):
        w[i] -= dot * q[i]
    return dot


@jit
def _fill(tile, mean, regression, factors, gaps, n_gaps):
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
def _total(densities, resp):
    total = 0.0
    for b in range(ROWS):
        total += np.float64(densities[resp + b])
    return total


@jit
def _add_covariance(count, k, n_components, columns, regression, gaps, n_gaps, moments):
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
def _describe(rows, few, units, means, columns, log_norms, noise_bits, solving, room):
    """log2 densities of few rows that lack the same, and what is expected in place of it."""
    gaps, n_gaps, components, m = few
    q, r, w = solving
    resp, offsets, roots, offset = room
    n_components, n_features = means.shape
    shift = 0.0
    for a in range(m):
        k = components[a]
        if noise_bits.size > 0 and k == n_components - 1:
            bits = log_norms[k] + _shift_of_noise(gaps, n_gaps, noise_bits)
            for b in range(rows.shape[0]):
                resp[b, a] = bits
                for i in range(n_gaps):
                    offsets[b, a, i] = 0.0
            for i in range(n_gaps):
                for j in range(n_gaps):
                    roots[a, i, j] = 0.0
            continue
        if columns.ndim == 2:
            shift = 0.0
            for i in range(n_gaps):
                inverse = columns[k, gaps[i]] / HALF_BITS
                shift += AT_MEAN - math.log2(inverse)
                for j in range(n_gaps):
                    roots[a, i, j] = 0.0
                roots[a, i, i] = 1.0 / columns[k, gaps[i]]
        else:
            if a == 0 or columns.shape[0] > 1:
                shift = _orthogonalise(columns[_one(columns, k)], gaps, n_gaps, q, r)
            _invert(r, n_gaps, roots[a])
        for b in range(rows.shape[0]):
            found = offsets[b, a]
            for j in range(n_gaps, n_features):
                d = gaps[j]
                offset[d] = (rows[b, d] - units[0, d]) * units[1, d] - means[k, d]
            square = 0.0
            if columns.ndim == 2:
                for j in range(n_gaps, n_features):
                    y = columns[k, gaps[j]] * offset[gaps[j]]
                    square += y * y
                for i in range(n_gaps):
                    found[i] = 0.0
            else:
                own = columns[_one(columns, k)]
                for i in range(n_features):
                    w[i] = 0.0
                for j in range(n_gaps, n_features):
                    d = gaps[j]
                    z, column = offset[d], own[d]
                    for i in range(d, n_features):
                        w[i] += z * column[i]
                for i in range(n_gaps):
                    found[i] = _project(q[i], w)
                _solve(r, n_gaps, found)
                for i in range(n_features):
                    square += w[i] * w[i]
            resp[b, a] = log_norms[k] + shift - square


@jit
def _normalise_row(resp, m):
    """Turn log2 densities into responsibilities, 0 where all underflow.

    Returns log2 of the sum of densities, and of the sum over the largest.
    """
    largest = LOWEST
    for a in range(m):
        largest = resp[a] if resp[a] > largest else largest
    total = 0.0
    for a in range(m):
        resp[a] = exp2(resp[a] - largest)
        total += resp[a]
    total = total if total > 0.0 else 1.0
    for a in range(m):
        resp[a] /= total
    entropy = log2(total)
    return largest + entropy, entropy


@jit
def _accumulate_few(rows, weight, few, units, means, columns, room, moments, sums):
    """Add few rows to the moments, from what is described in the room."""
    gaps, n_gaps, components, m = few
    resp, offsets, roots, offset = room
    n_components, n_features = means.shape
    n_rows = rows.shape[0]
    for b in range(n_rows):
        w = weight[b] if weight.size > 0 else 1.0
        bits, entropy = _normalise_row(resp[b], m)
        sums[1] += w * bits
        sums[2] += w * entropy
        for a in range(m):
            resp[b, a] *= w
    width = n_features if columns.ndim == 2 else n_features * n_features
    for a in range(m):
        k = components[a]
        first = moments[n_components + k * n_features :]
        second = moments[n_components + means.size + k * width :]
        count = 0.0
        for b in range(n_rows):
            share = resp[b, a]
            if share == 0.0:
                continue
            count += share
            for j in range(n_gaps):
                offset[gaps[j]] = offsets[b, a, j]
            for j in range(n_gaps, n_features):
                d = gaps[j]
                offset[d] = (rows[b, d] - units[0, d]) * units[1, d] - means[k, d]
            for i in range(n_features):
                part = share * offset[i]
                first[i] += part
                if columns.ndim == 2:
                    second[i] += part * offset[i]
                else:
                    line = second[i * n_features :]
                    for j in range(i + 1):
                        line[j] += part * offset[j]
        moments[k] += count
        for i in range(n_gaps):
            if columns.ndim == 2:
                deviation = HALF_BITS * roots[a, i, i]
                second[gaps[i]] += count * deviation * deviation
            else:
                for j in range(n_gaps):
                    if gaps[j] <= gaps[i]:
                        total = 0.0
                        for c in range(max(i, j), n_gaps):
                            total += roots[a, i, c] * roots[a, j, c]
                        at = gaps[i] * n_features + gaps[j]
                        second[at] += count * HALF_BITS * HALF_BITS * total
