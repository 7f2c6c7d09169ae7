"""A tile: `ROWS` rows of data, transposed so that SIMD lanes run across rows.

Every buffer is flat, with one column (or one component) each `STRIDE` entries. Both are constants
of the compiled code, and offsets are unsigned: so the compiler sees that columns do not overlap and
that no index counts from the end, worth a third of the speed of the blocks built on it.
"""

import numpy as np

from fastem.kernels.elementary import exp2, log2
from fastem.kernels.jit import jit, jit_allocating

size = np.uint64

ROWS = size(512)
#: Eight more than ROWS: columns a power of two apart would compete for the same cache lines.
STRIDE = size(520)
ZERO, ONE, TWO, THREE, FOUR = size(0), size(1), size(2), size(3), size(4)

#: Rows of the density buffer after the components': their maximum, their sum, the rows' weights.
SPARE = 3


@jit_allocating
def buffer(n_columns, like):
    """An uninitialised flat buffer of `n_columns` columns that starts on a cache line."""
    raw = np.empty(n_columns * 520 + 64, like.dtype)
    skip = (64 - raw.ctypes.data % 64) % 64 // raw.itemsize
    return raw[skip : skip + n_columns * 520]


@jit
def load(rows, start, stop, centre, scale, tile):
    """Transpose rows[start:stop] into the tile, centred and scaled; pad it with its first row."""
    kind = tile.dtype.type
    n_features = size(rows.shape[1])
    n_rows = size(stop - start)
    flat = rows.reshape(rows.size)
    if n_features == TWO:
        pairs = flat[2 * start :]
        c0, c1, s0, s1 = centre[0], centre[1], scale[0], scale[1]
        for b in range(n_rows):
            tile[b] = kind((pairs[TWO * b] - c0) * s0)
            tile[STRIDE + b] = kind((pairs[TWO * b + ONE] - c1) * s1)
    else:
        source = flat[start * rows.shape[1] :]
        whole = n_features - n_features % FOUR
        for d in range(ZERO, whole, FOUR):
            c0, c1, c2, c3 = centre[d], centre[d + ONE], centre[d + TWO], centre[d + THREE]
            s0, s1, s2, s3 = scale[d], scale[d + ONE], scale[d + TWO], scale[d + THREE]
            t0 = d * STRIDE
            t1, t2, t3 = t0 + STRIDE, t0 + TWO * STRIDE, t0 + THREE * STRIDE
            for b in range(n_rows):
                at = b * n_features + d
                tile[t0 + b] = kind((source[at] - c0) * s0)
                tile[t1 + b] = kind((source[at + ONE] - c1) * s1)
                tile[t2 + b] = kind((source[at + TWO] - c2) * s2)
                tile[t3 + b] = kind((source[at + THREE] - c3) * s3)
        for d in range(whole, n_features):
            c0, s0 = centre[d], scale[d]
            for b in range(n_rows):
                tile[d * STRIDE + b] = kind((source[b * n_features + d] - c0) * s0)
    for d in range(n_features):
        for b in range(n_rows, ROWS):
            tile[d * STRIDE + b] = tile[d * STRIDE]


@jit
def load_weights(sample_weight, start, stop, n_components, densities):
    """Weights of the tile's rows (1 where `sample_weight` is empty), 0 for its padding."""
    kind = densities.dtype.type
    base = (size(n_components) + TWO) * STRIDE
    n_rows = size(stop - start)
    if sample_weight.size > 0:
        source = sample_weight[start:]
        for b in range(n_rows):
            densities[base + b] = kind(source[b])
    else:
        for b in range(n_rows):
            densities[base + b] = kind(1)
    for b in range(n_rows, ROWS):
        densities[base + b] = kind(0)


@jit
def _lowest(densities):
    """Stand-in for the log density, -infinity, of a row so far out that its square overflows."""
    return densities.dtype.type(-1e300 if densities.itemsize == 8 else -3e38)


@jit
def exponentiate(n_components, densities):
    """Turn log2 densities into densities relative to each row's largest; fill maximum and sum.

    A row whose densities all vanish gets a sum of 1 and densities of 0: it counts for nothing but
    its log-likelihood, the lowest number that can still be summed over the rows.

    Returns
    -------
    n_vanished : int
        How many such rows there are.
    """
    kind = densities.dtype.type
    n = size(n_components)
    top, total = n * STRIDE, (n + ONE) * STRIDE
    lowest = _lowest(densities)
    for b in range(ROWS):
        densities[top + b] = lowest
        densities[total + b] = kind(0)
    for k in range(n):
        row = k * STRIDE
        for b in range(ROWS):
            value = densities[row + b]
            largest = densities[top + b]
            densities[top + b] = value if value > largest else largest
    for k in range(n):
        row = k * STRIDE
        for b in range(ROWS):
            value = exp2(densities[row + b] - densities[top + b])
            densities[row + b] = value
            densities[total + b] += value
    n_vanished = 0
    for b in range(ROWS):
        vanished = densities[top + b] == lowest
        densities[total + b] = kind(1) if vanished else densities[total + b]
        n_vanished += vanished
    return n_vanished


@jit
def blank_vanished(n_features, n_components, tile, densities):
    """Put 0 in the place of rows that vanished: they may be infinite, and 0 * infinity is NaN."""
    top = size(n_components) * STRIDE
    lowest = _lowest(densities)
    for b in range(ROWS):
        if densities[top + b] == lowest:
            for d in range(size(n_features)):
                tile[d * STRIDE + b] = 0


@jit
def normalise(n_components, densities):
    """Turn relative densities into responsibilities times row weights.

    Returns
    -------
    log_likelihood, uncertainty : float64
        Sums over the tile, in bits: of the weighted log density of the rows, and of the weighted
        -log2 of each row's largest responsibility.
    """
    n = size(n_components)
    top, total, weight = n * STRIDE, (n + ONE) * STRIDE, (n + TWO) * STRIDE
    peak = 0.0
    uncertainty = 0.0
    for b in range(ROWS):
        w = np.float64(densities[weight + b])
        peak += w * np.float64(densities[top + b])
        uncertainty += w * log2(np.float64(densities[total + b]))
    for b in range(ROWS):
        densities[total + b] = densities[weight + b] / densities[total + b]
    for k in range(n):
        row = k * STRIDE
        for b in range(ROWS):
            densities[row + b] *= densities[total + b]
    return peak + uncertainty, uncertainty
