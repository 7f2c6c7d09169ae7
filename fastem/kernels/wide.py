"""A tile of many columns: log densities and moments by BLAS, under components with factors.

From `COLUMNS` on a tile and its factors no longer fit into a cache, and the blocks of `ellipsoidal`
and `gram` wait for memory. Here rows are centred a strip at a time, and products are made of pieces
of `PANEL` by `STRIP` by `DEPTH`, which fit: what lies above the diagonal of a factor or of a Gram
matrix is left out but for the pieces that the diagonal cuts. Of a tile's rows only those that share
in a component count for its moments, as in `gram`. For these a strip has its rows one after the
other: OpenBLAS is fastest where neither factor of a product is transposed.
"""

import numpy as np

from fastem.compiler.blas import AVAILABLE, DEPTH, ONE_THREAD, multiply
from fastem.compiler.options import jit, jit_allocating
from fastem.kernels.gram import find_sharing
from fastem.kernels.tile import GROUP, LISTED, ROWS, STRIDE, TILE_ROWS, size

#: Columns from which it pays.
COLUMNS = 192 if AVAILABLE else np.inf
#: A piece of a product: rows of a factor or of a Gram matrix; and rows of a tile, or columns of a
#: Gram matrix. Of columns, or rows, `DEPTH` are summed over.
PANEL, STRIP = 32, 128
assert PANEL * STRIP * DEPTH <= ONE_THREAD
#: What a line of scratch is longer than what it holds: powers of two apart, lines would compete for
#: the same places of a cache.
MORE = 8
STEP = STRIP + MORE


@jit_allocating
def wide_scratch(n_features, is_wide, like):
    """Scratch of `log_densities` and `accumulate`: a strip, a panel, a piece, shares, numbers."""
    strip = max(n_features * STEP, STRIP * (n_features + MORE))
    return (
        np.empty(strip if is_wide else 0, like.dtype),
        np.empty(PANEL * STEP if is_wide else 0, like.dtype),
        np.empty(PANEL * STEP if is_wide else 0, like.dtype),
        np.empty(STRIP if is_wide else 0, like.dtype),
        np.empty(TILE_ROWS if is_wide else 0, np.uint16),
    )


@jit
def log_densities(tile, n_rows, means, factors, log_norms, listed, n_listed, densities, scratch):
    """log2 of weight times density of the listed components on the tile's rows.

    Parameters
    ----------
    tile : flat, D columns
    n_rows : int
        How many of its rows count; the others are given any density.
    means : (K, D)
    factors : (K, D, D) or (1, D, D), lower triangular
    log_norms : (K,)
    listed : (K,) uint32
        Components, of which the first `n_listed` count.
    n_listed : int
    densities : flat, a column each is written from `LISTED` on
    scratch : tuple
        As of `wide_scratch`.
    """
    strip, panel = scratch[0], scratch[1]
    n_features = means.shape[1]
    shared = factors.shape[0] == 1
    for a in range(n_listed):
        k = listed[a]
        factor = factors[0 if shared else k].reshape(n_features * n_features)
        out = LISTED + size(a) * STRIDE
        for b in range(ROWS):
            densities[out + b] = log_norms[k]
        for r in range(0, n_rows, STRIP):
            width = min(STRIP, n_rows - r)
            for d in range(n_features):
                column, line, mean = size(d) * STRIDE + size(r), size(d * STEP), means[k, d]
                for b in range(size(width)):
                    strip[line + b] = tile[column + b] - mean
            for i in range(0, n_features, PANEL):
                height = min(PANEL, n_features - i)
                shape, rows = (height, width, i + height), factor[i * n_features :]
                multiply(shape, 1.0, rows, n_features, strip, STEP, 0.0, panel, STEP)
                _subtract_squares(panel, height, width, densities[out + size(r) :])


@jit
def _subtract_squares(panel, height, width, density):
    for i in range(height):
        line = size(i * STEP)
        for b in range(size(width)):
            y = panel[line + b]
            density[b] -= y * y


@jit
def accumulate(
    rows, index, start, units, tile, means, listed, n_listed, densities, counts, first, second, own
):
    """Add the tile to the moments about the means; `densities` holds weighted responsibilities.

    Of `second` (K, D, D) the lower triangle is added to, and what of the upper one lies in a panel
    with the diagonal. The tile was loaded from `rows`, from `start` on, as `tile.load` or, where
    there is an index, `load_ordered` do it; `own` is scratch, and the rest as of `log_densities`.
    """
    strip, panel, piece, shares, at = own
    n_features = means.shape[1]
    for a in range(n_listed):
        k = listed[a]
        gram = second[k].reshape(n_features * n_features)
        resp = LISTED + size(a) * STRIDE
        n_sharing = int(find_sharing(densities, resp, at))
        for r in range(0, n_sharing, STRIP):
            some, width = at[r:], min(STRIP, n_sharing - r)
            for c in range(width):
                shares[c] = densities[resp + size(some[c])]
                counts[k] += shares[c]
            _centre(rows, index, start, units, some, width, means[k], strip)
            for i in range(0, n_features, PANEL):
                height = min(PANEL, n_features - i)
                _weigh(tile, means[k], some, shares, width, i, height, first[k], panel)
                for j in range(0, i + height, STRIP):
                    breadth = min(STRIP, i + height - j)
                    shape, step = (height, breadth, width), n_features + MORE
                    multiply(shape, 1.0, panel, STEP, strip[j:], step, 0.0, piece, STEP)
                    _add(piece, breadth, height, gram[i * n_features + j :], n_features)


@jit
def _centre(rows, index, start, units, at, width, mean, strip):
    """Rows by their numbers in the tile, about the mean, one after the other."""
    dtype = strip.dtype.type
    n_features = size(mean.shape[0])
    flat = rows.reshape(rows.size)
    centre, scale = units[0], units[1]
    for c in range(width):
        row = start + int(at[c])
        if index.size > 0:
            row = start - start % GROUP + int(index[row])
        source = flat[row * rows.shape[1] :]
        line = strip[c * (rows.shape[1] + MORE) :]
        for d in range(n_features):
            line[d] = dtype((source[d] - centre[d]) * scale[d]) - mean[d]


@jit
def _weigh(tile, mean, at, shares, width, i, height, first, panel):
    """Some columns of those rows about the mean, times the rows' shares; and their sums."""
    begin = size(at[0])
    together = size(at[width - 1]) - begin == size(width - 1)
    for d in range(height):
        column, line, centre = size(i + d) * STRIDE, size(d * STEP), mean[i + d]
        total = panel.dtype.type(0)
        if together:
            column += begin
            for c in range(size(width)):
                w = shares[c] * (tile[column + c] - centre)
                panel[line + c] = w
                total += w
        else:
            for c in range(size(width)):
                w = shares[c] * (tile[column + size(at[c])] - centre)
                panel[line + c] = w
                total += w
        first[i + d] += total


@jit
def _add(piece, breadth, height, gram, n_features):
    for i in range(height):
        line, found = gram[i * n_features :], piece[i * STEP :]
        for j in range(size(breadth)):
            line[j] += found[j]
