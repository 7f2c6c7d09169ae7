"""Moments of a tile about the means: counts, sums, and the weighted Gram matrix of x - mean.

The blocks are of four columns by four, as in `ellipsoidal`. Where rows have many columns clusters
are mostly well separated: only the rows that share in a component are then gathered. A row shares
in one if its responsibility is above 2**-`NEGLIGIBLE`, the share below which `ordering` leaves out
whole tiles. What the others would add is less than rounding.
"""

import numpy as np

from fastem.compiler.options import jit_allocating, jit_inlined
from fastem.kernels.ordering import NEGLIGIBLE
from fastem.kernels.tile import (
    LISTED,
    ROWS,
    SEPARATED,
    STRIDE,
    THREE,
    TILE_ROWS,
    TWO,
    WEIGHT,
    buffer,
    size,
)

#: Rows of a tile, at most, that are gathered.
MOST_GATHERED = 256


@jit_inlined
def accumulate(
    tile,
    n_rows,
    means,
    listed,
    n_listed,
    densities,
    counts,
    first,
    second,
    scratch,
    separated,
    gathering,
):
    """Add the tile to the moments about the means; `densities` holds weighted responsibilities.

    Loops cross `n_rows` rows. Only the lower triangle of `second` (K, D, D) is added to. `scratch`:
    flat, 4 columns. Where `separated` says so the rows that share in a component are gathered;
    `gathering` is the scratch for them, as of `gather_scratch`.
    """
    gathered, at = gathering
    n_features = means.shape[1]
    whole = n_features - n_features % 4
    for a in range(n_listed):
        k = listed[a]
        mean, f, s = means[k], first[k], second[k]
        columns, shares, resp, n = tile, densities, LISTED + size(a) * STRIDE, n_rows
        if separated.ndim == SEPARATED:
            n_sharing = find_sharing(densities, resp, at)
            if n_sharing <= MOST_GATHERED:
                n = gather(tile, densities, resp, n_features, at, n_sharing, gathered)
                columns, shares, resp = gathered, gathered, size(n_features) * STRIDE
        count = 0.0
        for i in range(0, whole, 4):
            count = _gram_diagonal_4(columns, mean, shares, resp, n, i, scratch, f, s)
            for j in range(0, i, 4):
                _gram_4(columns, mean, scratch, n, i, j, s)
        if n_features > whole:
            rest = n_features - whole
            if rest == 1:
                count = _gram_diagonal_1(columns, mean, shares, resp, n, whole, scratch, f, s)
            elif rest == 2:
                count = _gram_diagonal_2(columns, mean, shares, resp, n, whole, scratch, f, s)
            else:
                count = _gram_diagonal_3(columns, mean, shares, resp, n, whole, scratch, f, s)
            for i in range(whole, n_features):
                for j in range(0, whole, 4):
                    line = size(i - whole) * STRIDE
                    _gram_1(columns, mean, scratch, line, n, i, j, s)
        counts[k] += count


@jit_inlined
def _gram_diagonal_1(tile, mean, densities, resp, n_rows, i, w, first, second):
    """Moments of one column with itself; leaves resp * (x - mean) in w, returns the sum of resp."""
    dtype = tile.dtype.type
    m0 = mean[i]
    x0 = size(i) * STRIDE
    count = g0 = s00 = dtype(0)
    for b in range(n_rows):
        r = densities[resp + b]
        z0 = tile[x0 + b] - m0
        w0 = r * z0
        w[b] = w0
        count += r
        g0 += w0
        s00 += w0 * z0
    first[i] += g0
    second[i, i] += s00
    return count


@jit_inlined
def _gram_diagonal_2(tile, mean, densities, resp, n_rows, i, w, first, second):
    """As `_gram_diagonal_1`, two columns."""
    dtype = tile.dtype.type
    m0, m1 = mean[i], mean[i + 1]
    x0 = size(i) * STRIDE
    x1 = x0 + STRIDE
    count = g0 = g1 = s00 = s10 = s11 = dtype(0)
    for b in range(n_rows):
        r = densities[resp + b]
        z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
        w0, w1 = r * z0, r * z1
        w[b], w[STRIDE + b] = w0, w1
        count += r
        g0 += w0
        g1 += w1
        s00 += w0 * z0
        s10 += w1 * z0
        s11 += w1 * z1
    first[i] += g0
    first[i + 1] += g1
    second[i, i] += s00
    second[i + 1, i] += s10
    second[i + 1, i + 1] += s11
    return count


@jit_inlined
def _gram_diagonal_3(tile, mean, densities, resp, n_rows, i, w, first, second):
    """As `_gram_diagonal_1`, three columns."""
    dtype = tile.dtype.type
    m0, m1, m2 = mean[i], mean[i + 1], mean[i + 2]
    x0 = size(i) * STRIDE
    x1, x2 = x0 + STRIDE, x0 + TWO * STRIDE
    count = g0 = g1 = g2 = s00 = s10 = s11 = s20 = s21 = s22 = dtype(0)
    for b in range(n_rows):
        r = densities[resp + b]
        z0, z1, z2 = tile[x0 + b] - m0, tile[x1 + b] - m1, tile[x2 + b] - m2
        w0, w1, w2 = r * z0, r * z1, r * z2
        w[b], w[STRIDE + b], w[TWO * STRIDE + b] = w0, w1, w2
        count += r
        g0 += w0
        g1 += w1
        g2 += w2
        s00 += w0 * z0
        s10 += w1 * z0
        s11 += w1 * z1
        s20 += w2 * z0
        s21 += w2 * z1
        s22 += w2 * z2
    first[i] += g0
    first[i + 1] += g1
    first[i + 2] += g2
    second[i, i] += s00
    second[i + 1, i] += s10
    second[i + 1, i + 1] += s11
    second[i + 2, i] += s20
    second[i + 2, i + 1] += s21
    second[i + 2, i + 2] += s22
    return count


@jit_inlined
def _gram_diagonal_4(tile, mean, densities, resp, n_rows, i, w, first, second):
    """As `_gram_diagonal_1`, four columns."""
    dtype = tile.dtype.type
    m0, m1, m2, m3 = mean[i], mean[i + 1], mean[i + 2], mean[i + 3]
    x0 = size(i) * STRIDE
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    count = g0 = g1 = g2 = g3 = dtype(0)
    s00 = s10 = s11 = s20 = s21 = s22 = s30 = s31 = s32 = s33 = dtype(0)
    for b in range(n_rows):
        r = densities[resp + b]
        z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
        z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
        w0, w1, w2, w3 = r * z0, r * z1, r * z2, r * z3
        w[b], w[STRIDE + b], w[TWO * STRIDE + b], w[THREE * STRIDE + b] = w0, w1, w2, w3
        count += r
        g0 += w0
        g1 += w1
        g2 += w2
        g3 += w3
        s00 += w0 * z0
        s10 += w1 * z0
        s11 += w1 * z1
        s20 += w2 * z0
        s21 += w2 * z1
        s22 += w2 * z2
        s30 += w3 * z0
        s31 += w3 * z1
        s32 += w3 * z2
        s33 += w3 * z3
    first[i] += g0
    first[i + 1] += g1
    first[i + 2] += g2
    first[i + 3] += g3
    second[i, i] += s00
    second[i + 1, i] += s10
    second[i + 1, i + 1] += s11
    second[i + 2, i] += s20
    second[i + 2, i + 1] += s21
    second[i + 2, i + 2] += s22
    second[i + 3, i] += s30
    second[i + 3, i + 1] += s31
    second[i + 3, i + 2] += s32
    second[i + 3, i + 3] += s33
    return count


@jit_inlined
def _gram_4(tile, mean, w, n_rows, i, j, second):
    """second[i:i+4, j:j+4] += w[0:4] @ (x - mean)[j:j+4].T."""
    dtype = tile.dtype.type
    m0, m1, m2, m3 = mean[j], mean[j + 1], mean[j + 2], mean[j + 3]
    x0 = size(j) * STRIDE
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = dtype(0)
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = dtype(0)
    for b in range(n_rows):
        w0, w1, w2, w3 = w[b], w[STRIDE + b], w[TWO * STRIDE + b], w[THREE * STRIDE + b]
        z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
        z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
        s00 += w0 * z0
        s01 += w0 * z1
        s02 += w0 * z2
        s03 += w0 * z3
        s10 += w1 * z0
        s11 += w1 * z1
        s12 += w1 * z2
        s13 += w1 * z3
        s20 += w2 * z0
        s21 += w2 * z1
        s22 += w2 * z2
        s23 += w2 * z3
        s30 += w3 * z0
        s31 += w3 * z1
        s32 += w3 * z2
        s33 += w3 * z3
    _add_4(second, i, j, s00, s01, s02, s03)
    _add_4(second, i + 1, j, s10, s11, s12, s13)
    _add_4(second, i + 2, j, s20, s21, s22, s23)
    _add_4(second, i + 3, j, s30, s31, s32, s33)


@jit_inlined
def _gram_1(tile, mean, w, line, n_rows, i, j, second):
    """second[i, j:j+4] += w[line] @ (x - mean)[j:j+4].T."""
    dtype = tile.dtype.type
    m0, m1, m2, m3 = mean[j], mean[j + 1], mean[j + 2], mean[j + 3]
    x0 = size(j) * STRIDE
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    s0 = s1 = s2 = s3 = dtype(0)
    for b in range(n_rows):
        w0 = w[line + b]
        s0 += w0 * (tile[x0 + b] - m0)
        s1 += w0 * (tile[x1 + b] - m1)
        s2 += w0 * (tile[x2 + b] - m2)
        s3 += w0 * (tile[x3 + b] - m3)
    _add_4(second, i, j, s0, s1, s2, s3)


@jit_inlined
def _add_4(second, i, j, s0, s1, s2, s3):
    second[i, j] += s0
    second[i, j + 1] += s1
    second[i, j + 2] += s2
    second[i, j + 3] += s3


#: Gathered rows are filled up to a multiple of this, with rows of weight 0.
LANES = size(16)
LEAST = 2.0 ** -NEGLIGIBLE[0], 2.0 ** -NEGLIGIBLE[1]


@jit_allocating
def gather_scratch(n_features, separated, like):
    """Scratch for gathered rows and, in one more column, their shares; and for their numbers."""
    some = separated.ndim == SEPARATED
    gathered = buffer(n_features + 1 if some else 0, like)
    return gathered, np.empty(TILE_ROWS if some else 0, np.uint16)


@jit_inlined
def find_sharing(densities, resp, at):
    """Find the rows that share in the component of a column of weighted responsibilities.

    Parameters
    ----------
    densities : flat
    resp : int
        Where the column begins.
    at : (ROWS,) uint16
        Receives the numbers of those rows.

    Returns
    -------
    n : int
    """
    least = densities.dtype.type(LEAST[0] if densities.itemsize == 8 else LEAST[1])
    n = size(0)
    for b in range(ROWS):
        at[n] = b  # overwritten unless the row counts: a branch would take longer
        n += size(densities[resp + b] > least * densities[WEIGHT + b])
    return n


@jit_inlined
def gather(tile, densities, resp, n_features, at, n, gathered):
    """Copy those rows, and after them their weighted responsibilities, into a tile of their own.

    Returns
    -------
    n_rows : int
        Its rows, with those that fill it up.
    """
    n_rows = (n + LANES - size(1)) // LANES * LANES
    for d in range(size(n_features)):
        column = d * STRIDE
        for c in range(n):
            gathered[column + c] = tile[column + size(at[c])]
        for c in range(n, n_rows):
            gathered[column + c] = tile[column]
    shares = size(n_features) * STRIDE
    for c in range(n):
        gathered[shares + c] = densities[resp + size(at[c])]
    for c in range(n, n_rows):
        gathered[shares + c] = 0
    return n_rows
