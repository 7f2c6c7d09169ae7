"""Tiles under components whose covariances are diagonal: one factor a column and component.

The factor of a column is 1 / standard deviation times sqrt(log2(e) / 2), as in `ellipsoidal`.
"""

from fastem.compiler.options import jit_inlined
from fastem.kernels.tile import LISTED, STRIDE, THREE, TWO, size


@jit_inlined
def log_densities(tile, n_rows, means, factors, log_norms, listed, n_listed, densities):
    """log2 of weight times density of the listed components on the tile's rows.

    Parameters
    ----------
    tile : flat, D columns
    n_rows : int
        Its rows and their padding, as of `padded`: loops end there.
    means : (K, D)
    factors : (K, D)
    log_norms : (K,)
    listed : (K,) uint32
        Components, of which the first `n_listed` count.
    n_listed : int
    densities : flat, a column each is written from `LISTED` on
    """
    dtype = tile.dtype.type
    n_features = means.shape[1]
    whole = n_features - n_features % 4
    for a in range(n_listed):
        k = listed[a]
        out = LISTED + size(a) * STRIDE
        base = log_norms[k]
        for b in range(n_rows):
            densities[out + b] = base
        for i in range(0, whole, 4):
            _subtract_4(tile, n_rows, means[k], factors[k], i, densities, out)
        for i in range(whole, n_features):
            mean, factor = means[k, i], factors[k, i]
            column = size(i) * STRIDE
            for b in range(n_rows):
                y = factor * (tile[column + b] - mean)
                densities[out + b] -= dtype(y * y)


@jit_inlined
def _subtract_4(tile, n_rows, mean, factor, i, densities, out):
    """Subtract the squared distance along four columns."""
    m0, m1, m2, m3 = mean[i], mean[i + 1], mean[i + 2], mean[i + 3]
    f0, f1, f2, f3 = factor[i], factor[i + 1], factor[i + 2], factor[i + 3]
    x0 = size(i) * STRIDE
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    for b in range(n_rows):
        y0 = f0 * (tile[x0 + b] - m0)
        y1 = f1 * (tile[x1 + b] - m1)
        y2 = f2 * (tile[x2 + b] - m2)
        y3 = f3 * (tile[x3 + b] - m3)
        densities[out + b] -= y0 * y0 + y1 * y1 + y2 * y2 + y3 * y3


@jit_inlined
def accumulate(tile, n_rows, means, listed, n_listed, densities, counts, first, second):
    """Add the tile to the moments about the means; `densities` holds weighted responsibilities.

    `n_rows` is as of `log_densities`; `second` is (K, D): the squares only.
    """
    n_features = means.shape[1]
    whole = n_features - n_features % 4
    for a in range(n_listed):
        k = listed[a]
        resp = LISTED + size(a) * STRIDE
        counts[k] += _sum(densities, n_rows, resp)
        for i in range(0, whole, 4):
            _accumulate_4(tile, n_rows, means[k], densities, resp, i, first[k], second[k])
        for i in range(whole, n_features):
            _accumulate_1(tile, n_rows, means[k], densities, resp, i, first[k], second[k])


@jit_inlined
def _sum(densities, n_rows, resp):
    total = densities.dtype.type(0)
    for b in range(n_rows):
        total += densities[resp + b]
    return total


@jit_inlined
def _accumulate_1(tile, n_rows, mean, densities, resp, i, first, second):
    dtype = tile.dtype.type
    m0 = mean[i]
    x0 = size(i) * STRIDE
    g0 = s0 = dtype(0)
    for b in range(n_rows):
        z0 = tile[x0 + b] - m0
        w0 = densities[resp + b] * z0
        g0 += w0
        s0 += w0 * z0
    first[i] += g0
    second[i] += s0


@jit_inlined
def _accumulate_4(tile, n_rows, mean, densities, resp, i, first, second):
    dtype = tile.dtype.type
    m0, m1, m2, m3 = mean[i], mean[i + 1], mean[i + 2], mean[i + 3]
    x0 = size(i) * STRIDE
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    g0 = g1 = g2 = g3 = s0 = s1 = s2 = s3 = dtype(0)
    for b in range(n_rows):
        r = densities[resp + b]
        z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
        z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
        w0, w1, w2, w3 = r * z0, r * z1, r * z2, r * z3
        g0 += w0
        g1 += w1
        g2 += w2
        g3 += w3
        s0 += w0 * z0
        s1 += w1 * z1
        s2 += w2 * z2
        s3 += w3 * z3
    first[i] += g0
    first[i + 1] += g1
    first[i + 2] += g2
    first[i + 3] += g3
    second[i] += s0
    second[i + 1] += s1
    second[i + 2] += s2
    second[i + 3] += s3
