"""A tile: `ROWS` rows of data, transposed so that SIMD lanes run across rows.

Every buffer is flat, with one column (or one component) each `STRIDE` entries. That is a constant
of the compiled code, loops end at a multiple of `CHUNK`, and offsets are unsigned: so the compiler
sees that columns do not overlap, that no rows are left over and that no index counts from the end,
worth a third of the speed of the blocks built on it.
"""

import numpy as np

from fastem.compiler.options import jit, jit_allocating
from fastem.kernels.elementary import exp2, log2

size = np.uint64

ROWS = size(512)
#: The same for Python, and for slices.
TILE_ROWS = int(ROWS)
#: Eight more than ROWS: columns a power of two apart would compete for the same cache lines.
STRIDE = size(520)
ZERO, ONE, TWO, THREE, FOUR = size(0), size(1), size(2), size(3), size(4)

#: Where the density buffer holds, a column each: the largest log density of each row, the sum of
#: its densities, its weight, and then the densities of the listed components.
LARGEST, TOTAL, WEIGHT, LISTED = size(0), STRIDE, size(2) * STRIDE, size(3) * STRIDE
#: Columns of the density buffer before the components'.
SPARE = 3

#: Rows of a tile that is not full are padded to a multiple of this, and loops end there.
CHUNK = size(64)

#: What a pass is compiled for, as the dimensions of the array tell that it calls `separated`:
#: clusters overlap, or are so well separated that the rows which share in one are gathered; or
#: columns are so many that products go to BLAS.
OVERLAPPING, SEPARATED, PRODUCTS = 1, 2, 3

#: Rows that are ordered among themselves: as many as two bytes can count.
GROUP = 65536


@jit_allocating
def buffer(n_columns, like):
    """An uninitialised flat buffer of `n_columns` columns that starts on a cache line."""
    raw = np.empty(n_columns * 520 + 64, like.dtype)
    skip = (64 - raw.ctypes.data % 64) % 64 // raw.itemsize
    return raw[skip : skip + n_columns * 520]


@jit
def padded(n_rows):
    """Rows of a tile that loops cross: some of them, and padding."""
    # What is inlined where this is called sees a multiple of CHUNK, and needs no loop for a rest.
    return (size(n_rows) + CHUNK - ONE) // CHUNK * CHUNK


@jit
def load(rows, start, stop, centre, scale, tile):
    """Transpose rows[start:stop] into the tile, centred and scaled; pad it with its first row."""
    dtype = tile.dtype.type
    n_features = size(rows.shape[1])
    n_rows = size(stop - start)
    flat = rows.reshape(rows.size)
    if n_features == TWO:
        pairs = flat[2 * start :]
        c0, c1, s0, s1 = centre[0], centre[1], scale[0], scale[1]
        for b in range(n_rows):
            tile[b] = dtype((pairs[TWO * b] - c0) * s0)
            tile[STRIDE + b] = dtype((pairs[TWO * b + ONE] - c1) * s1)
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
                tile[t0 + b] = dtype((source[at] - c0) * s0)
                tile[t1 + b] = dtype((source[at + ONE] - c1) * s1)
                tile[t2 + b] = dtype((source[at + TWO] - c2) * s2)
                tile[t3 + b] = dtype((source[at + THREE] - c3) * s3)
        for d in range(whole, n_features):
            c0, s0 = centre[d], scale[d]
            for b in range(n_rows):
                tile[d * STRIDE + b] = dtype((source[b * n_features + d] - c0) * s0)
    _pad(n_features, n_rows, tile)


@jit
def load_ordered(rows, index, start, stop, centre, scale, tile):
    """As `load`, the rows start to stop of an order: `index` counts within groups of `GROUP`."""
    dtype = tile.dtype.type
    n_features = size(rows.shape[1])
    n_rows = size(stop - start)
    source = rows.reshape(rows.size)[(start - start % GROUP) * rows.shape[1] :]
    places = index[start:]
    for d in range(n_features):
        c, s = centre[d], scale[d]
        column = d * STRIDE
        for b in range(n_rows):
            tile[column + b] = dtype((source[size(places[b]) * n_features + d] - c) * s)
    _pad(n_features, n_rows, tile)


@jit
def _pad(n_features, n_rows, tile):
    for d in range(n_features):
        for b in range(n_rows, ROWS):
            tile[d * STRIDE + b] = tile[d * STRIDE]


@jit
def load_weights(sample_weight, index, start, stop, densities):
    """Weights of the tile's rows (1 where `sample_weight` is empty), 0 for its padding.

    `index` is that of `load_ordered`, or empty.
    """
    dtype = densities.dtype.type
    n_rows = size(stop - start)
    if sample_weight.size == 0:
        for b in range(n_rows):
            densities[WEIGHT + b] = dtype(1)
    elif index.size == 0:
        source = sample_weight[start:]
        for b in range(n_rows):
            densities[WEIGHT + b] = dtype(source[b])
    else:
        source = sample_weight[start - start % GROUP :]
        places = index[start:]
        for b in range(n_rows):
            densities[WEIGHT + b] = dtype(source[size(places[b])])
    for b in range(n_rows, ROWS):
        densities[WEIGHT + b] = dtype(0)


@jit
def _lowest(densities):
    """Stand-in for the log density, -infinity, of a row so far out that its square overflows."""
    return densities.dtype.type(-1e300 if densities.itemsize == 8 else -3e38)


@jit
def exponentiate(n_listed, densities, n_rows):
    """Turn log2 densities into densities relative to each row's largest; fill maximum and sum.

    A row whose densities all underflow gets a sum of 1 and densities of 0. It counts for nothing
    but its log-likelihood, the lowest number that can still be summed over the rows.

    Rows from `n_rows` on, as of `padded`, are left alone.

    Returns
    -------
    n_underflowed : int
        Number of such rows.
    """
    dtype = densities.dtype.type
    lowest = _lowest(densities)
    for b in range(ROWS):
        densities[LARGEST + b] = lowest
        densities[TOTAL + b] = dtype(0)
    for a in range(size(n_listed)):
        row = LISTED + a * STRIDE
        for b in range(n_rows):
            value = densities[row + b]
            largest = densities[LARGEST + b]
            densities[LARGEST + b] = value if value > largest else largest
    for a in range(size(n_listed)):
        row = LISTED + a * STRIDE
        for b in range(n_rows):
            value = exp2(densities[row + b] - densities[LARGEST + b])
            densities[row + b] = value
            densities[TOTAL + b] += value
    n_underflowed = 0
    for b in range(n_rows):
        underflowed = densities[LARGEST + b] == lowest
        densities[TOTAL + b] = dtype(1) if underflowed else densities[TOTAL + b]
        n_underflowed += underflowed
    return n_underflowed


@jit
def zero_underflowed(n_features, tile, densities):
    """Set rows whose densities underflowed to 0: they may be infinite, and 0 * infinity is NaN."""
    lowest = _lowest(densities)
    for b in range(ROWS):
        if densities[LARGEST + b] == lowest:
            for d in range(size(n_features)):
                tile[d * STRIDE + b] = 0


@jit
def normalise(n_listed, densities, n_rows):
    """Turn relative densities into responsibilities times row weights, 0 from `n_rows` on.

    Returns
    -------
    log_likelihood, classification_entropy : float64
        Sums over the tile, in bits: of the weighted log density of the rows, and of the weighted
        -log2 of each row's largest responsibility.
    """
    dtype = densities.dtype.type
    peak = 0.0
    classification_entropy = 0.0
    for b in range(n_rows):
        w = np.float64(densities[WEIGHT + b])
        peak += w * np.float64(densities[LARGEST + b])
        classification_entropy += w * log2(np.float64(densities[TOTAL + b]))
    for b in range(n_rows):
        densities[TOTAL + b] = densities[WEIGHT + b] / densities[TOTAL + b]
    for a in range(size(n_listed)):
        row = LISTED + a * STRIDE
        for b in range(n_rows):
            densities[row + b] *= densities[TOTAL + b]
        for b in range(n_rows, ROWS):
            densities[row + b] = dtype(0)
    return peak + classification_entropy, classification_entropy
