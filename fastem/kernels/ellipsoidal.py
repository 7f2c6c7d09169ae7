"""Tiles under components with a triangular factor each, or one shared: full covariances.

The factor of a component is the inverse of its covariance's Cholesky factor times
sqrt(log2(e) / 2), so that log2 of the density is a constant less the squared length of
factor @ (x - mean).

Both products of a pass, factor @ (x - mean) and the weighted Gram matrix of x - mean, run in blocks
of four columns by four, sixteen scalars in registers while the loop crosses the tile; a last block
of one to three columns has loops of its own, so that no dimension pays for padding.
"""

from fastem.kernels.jit import jit
from fastem.kernels.tile import LISTED, ROWS, STRIDE, THREE, TWO, size


@jit
def log_densities(tile, means, factors, log_norms, listed, n_listed, densities, scratch):
    """log2 of weight times density of the listed components on the tile's rows.

    Parameters
    ----------
    tile : flat, D columns
    means : (K, D)
    factors : (K, D, D) or (1, D, D), lower triangular
    log_norms : (K,)
    listed : (K,) uint32
        Components, of which the first `n_listed` count.
    n_listed : int
    densities : flat, a column each is written from `LISTED` on
    scratch : flat, 4 columns
    """
    n_features = means.shape[1]
    shared = factors.shape[0] == 1
    whole = n_features - n_features % 4
    for a in range(n_listed):
        k = listed[a]
        mean = means[k]
        factor = factors[0 if shared else k]
        out = LISTED + size(a) * STRIDE
        for i in range(0, whole, 4):
            for j in range(0, i, 4):
                _multiply_4(tile, mean, factor, i, j, scratch)
            _finish_4(tile, mean, factor, log_norms[k], i, scratch, densities, out)
        if n_features > whole:
            for i in range(whole, n_features):
                for j in range(0, whole, 4):
                    _multiply_1(tile, mean, factor, i, j, scratch, size(i - whole) * STRIDE)
            rest = n_features - whole
            if rest == 1:
                _finish_1(tile, mean, factor, log_norms[k], whole, scratch, densities, out)
            elif rest == 2:
                _finish_2(tile, mean, factor, log_norms[k], whole, scratch, densities, out)
            else:
                _finish_3(tile, mean, factor, log_norms[k], whole, scratch, densities, out)


@jit
def _multiply_4(tile, mean, factor, i, j, y):
    """y[0:4] += factor[i:i+4, j:j+4] @ (x - mean)[j:j+4]; the first block, j = 0, overwrites."""
    m0, m1, m2, m3 = mean[j], mean[j + 1], mean[j + 2], mean[j + 3]
    f00, f01, f02, f03 = factor[i, j], factor[i, j + 1], factor[i, j + 2], factor[i, j + 3]
    i += 1
    f10, f11, f12, f13 = factor[i, j], factor[i, j + 1], factor[i, j + 2], factor[i, j + 3]
    i += 1
    f20, f21, f22, f23 = factor[i, j], factor[i, j + 1], factor[i, j + 2], factor[i, j + 3]
    i += 1
    f30, f31, f32, f33 = factor[i, j], factor[i, j + 1], factor[i, j + 2], factor[i, j + 3]
    x0 = size(j) * STRIDE
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    y1, y2, y3 = STRIDE, TWO * STRIDE, THREE * STRIDE
    if j == 0:
        for b in range(ROWS):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
            y[b] = f00 * z0 + f01 * z1 + f02 * z2 + f03 * z3
            y[y1 + b] = f10 * z0 + f11 * z1 + f12 * z2 + f13 * z3
            y[y2 + b] = f20 * z0 + f21 * z1 + f22 * z2 + f23 * z3
            y[y3 + b] = f30 * z0 + f31 * z1 + f32 * z2 + f33 * z3
    else:
        for b in range(ROWS):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
            y[b] += f00 * z0 + f01 * z1 + f02 * z2 + f03 * z3
            y[y1 + b] += f10 * z0 + f11 * z1 + f12 * z2 + f13 * z3
            y[y2 + b] += f20 * z0 + f21 * z1 + f22 * z2 + f23 * z3
            y[y3 + b] += f30 * z0 + f31 * z1 + f32 * z2 + f33 * z3


@jit
def _multiply_1(tile, mean, factor, i, j, y, line):
    """As `_multiply_4`, one row of the factor, into the given line of y."""
    m0, m1, m2, m3 = mean[j], mean[j + 1], mean[j + 2], mean[j + 3]
    f0, f1, f2, f3 = factor[i, j], factor[i, j + 1], factor[i, j + 2], factor[i, j + 3]
    x0 = size(j) * STRIDE
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    if j == 0:
        for b in range(ROWS):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
            y[line + b] = f0 * z0 + f1 * z1 + f2 * z2 + f3 * z3
    else:
        for b in range(ROWS):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
            y[line + b] += f0 * z0 + f1 * z1 + f2 * z2 + f3 * z3


@jit
def _finish_1(tile, mean, factor, log_norm, i, y, densities, out):
    """Add a last block of one column to the product, and its square to the density."""
    m0, f00 = mean[i], factor[i, i]
    x0 = size(i) * STRIDE
    if i == 0:
        for b in range(ROWS):
            y0 = f00 * (tile[x0 + b] - m0)
            densities[out + b] = log_norm - y0 * y0
    else:
        for b in range(ROWS):
            y0 = y[b] + f00 * (tile[x0 + b] - m0)
            densities[out + b] -= y0 * y0


@jit
def _finish_2(tile, mean, factor, log_norm, i, y, densities, out):
    """As `_finish_1`, two columns."""
    m0, m1 = mean[i], mean[i + 1]
    f00, f10, f11 = factor[i, i], factor[i + 1, i], factor[i + 1, i + 1]
    x0 = size(i) * STRIDE
    x1 = x0 + STRIDE
    if i == 0:
        for b in range(ROWS):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            y0 = f00 * z0
            y1 = f10 * z0 + f11 * z1
            densities[out + b] = log_norm - (y0 * y0 + y1 * y1)
    else:
        for b in range(ROWS):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            y0 = y[b] + f00 * z0
            y1 = y[STRIDE + b] + f10 * z0 + f11 * z1
            densities[out + b] -= y0 * y0 + y1 * y1


@jit
def _finish_3(tile, mean, factor, log_norm, i, y, densities, out):
    """As `_finish_1`, three columns."""
    m0, m1, m2 = mean[i], mean[i + 1], mean[i + 2]
    f00, f10, f11 = factor[i, i], factor[i + 1, i], factor[i + 1, i + 1]
    f20, f21, f22 = factor[i + 2, i], factor[i + 2, i + 1], factor[i + 2, i + 2]
    x0 = size(i) * STRIDE
    x1, x2 = x0 + STRIDE, x0 + TWO * STRIDE
    if i == 0:
        for b in range(ROWS):
            z0, z1, z2 = tile[x0 + b] - m0, tile[x1 + b] - m1, tile[x2 + b] - m2
            y0 = f00 * z0
            y1 = f10 * z0 + f11 * z1
            y2 = f20 * z0 + f21 * z1 + f22 * z2
            densities[out + b] = log_norm - (y0 * y0 + y1 * y1 + y2 * y2)
    else:
        for b in range(ROWS):
            z0, z1, z2 = tile[x0 + b] - m0, tile[x1 + b] - m1, tile[x2 + b] - m2
            y0 = y[b] + f00 * z0
            y1 = y[STRIDE + b] + f10 * z0 + f11 * z1
            y2 = y[TWO * STRIDE + b] + f20 * z0 + f21 * z1 + f22 * z2
            densities[out + b] -= y0 * y0 + y1 * y1 + y2 * y2


@jit
def _finish_4(tile, mean, factor, log_norm, i, y, densities, out):
    """As `_finish_1`, four columns."""
    m0, m1, m2, m3 = mean[i], mean[i + 1], mean[i + 2], mean[i + 3]
    f00, f10, f11 = factor[i, i], factor[i + 1, i], factor[i + 1, i + 1]
    f20, f21, f22 = factor[i + 2, i], factor[i + 2, i + 1], factor[i + 2, i + 2]
    f30, f31 = factor[i + 3, i], factor[i + 3, i + 1]
    f32, f33 = factor[i + 3, i + 2], factor[i + 3, i + 3]
    x0 = size(i) * STRIDE
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    if i == 0:
        for b in range(ROWS):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
            y0 = f00 * z0
            y1 = f10 * z0 + f11 * z1
            y2 = f20 * z0 + f21 * z1 + f22 * z2
            y3 = f30 * z0 + f31 * z1 + f32 * z2 + f33 * z3
            densities[out + b] = log_norm - (y0 * y0 + y1 * y1 + y2 * y2 + y3 * y3)
    else:
        for b in range(ROWS):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
            y0 = y[b] + f00 * z0
            y1 = y[STRIDE + b] + f10 * z0 + f11 * z1
            y2 = y[TWO * STRIDE + b] + f20 * z0 + f21 * z1 + f22 * z2
            y3 = y[THREE * STRIDE + b] + f30 * z0 + f31 * z1 + f32 * z2 + f33 * z3
            densities[out + b] -= y0 * y0 + y1 * y1 + y2 * y2 + y3 * y3


@jit
def accumulate(tile, means, listed, n_listed, densities, counts, first, second, scratch):
    """Add the tile to the moments about the means; `densities` holds weighted responsibilities.

    Only the lower triangle of `second` (K, D, D) is added to. `scratch`: flat, 4 columns.
    """
    n_features = means.shape[1]
    whole = n_features - n_features % 4
    for a in range(n_listed):
        k = listed[a]
        mean, f, s = means[k], first[k], second[k]
        resp = LISTED + size(a) * STRIDE
        count = 0.0
        for i in range(0, whole, 4):
            count = _gram_diagonal_4(tile, mean, densities, resp, i, scratch, f, s)
            for j in range(0, i, 4):
                _gram_4(tile, mean, scratch, i, j, s)
        if n_features > whole:
            rest = n_features - whole
            if rest == 1:
                count = _gram_diagonal_1(tile, mean, densities, resp, whole, scratch, f, s)
            elif rest == 2:
                count = _gram_diagonal_2(tile, mean, densities, resp, whole, scratch, f, s)
            else:
                count = _gram_diagonal_3(tile, mean, densities, resp, whole, scratch, f, s)
            for i in range(whole, n_features):
                for j in range(0, whole, 4):
                    _gram_1(tile, mean, scratch, size(i - whole) * STRIDE, i, j, s)
        counts[k] += count


@jit
def _gram_diagonal_1(tile, mean, densities, resp, i, w, first, second):
    """Moments of one column with itself; leaves resp * (x - mean) in w, returns the sum of resp."""
    kind = tile.dtype.type
    m0 = mean[i]
    x0 = size(i) * STRIDE
    count = g0 = s00 = kind(0)
    for b in range(ROWS):
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


@jit
def _gram_diagonal_2(tile, mean, densities, resp, i, w, first, second):
    """As `_gram_diagonal_1`, two columns."""
    kind = tile.dtype.type
    m0, m1 = mean[i], mean[i + 1]
    x0 = size(i) * STRIDE
    x1 = x0 + STRIDE
    count = g0 = g1 = s00 = s10 = s11 = kind(0)
    for b in range(ROWS):
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


@jit
def _gram_diagonal_3(tile, mean, densities, resp, i, w, first, second):
    """As `_gram_diagonal_1`, three columns."""
    kind = tile.dtype.type
    m0, m1, m2 = mean[i], mean[i + 1], mean[i + 2]
    x0 = size(i) * STRIDE
    x1, x2 = x0 + STRIDE, x0 + TWO * STRIDE
    count = g0 = g1 = g2 = s00 = s10 = s11 = s20 = s21 = s22 = kind(0)
    for b in range(ROWS):
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


@jit
def _gram_diagonal_4(tile, mean, densities, resp, i, w, first, second):
    """As `_gram_diagonal_1`, four columns."""
    kind = tile.dtype.type
    m0, m1, m2, m3 = mean[i], mean[i + 1], mean[i + 2], mean[i + 3]
    x0 = size(i) * STRIDE
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    count = g0 = g1 = g2 = g3 = kind(0)
    s00 = s10 = s11 = s20 = s21 = s22 = s30 = s31 = s32 = s33 = kind(0)
    for b in range(ROWS):
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


@jit
def _gram_4(tile, mean, w, i, j, second):
    """second[i:i+4, j:j+4] += w[0:4] @ (x - mean)[j:j+4].T."""
    kind = tile.dtype.type
    m0, m1, m2, m3 = mean[j], mean[j + 1], mean[j + 2], mean[j + 3]
    x0 = size(j) * STRIDE
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = kind(0)
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = kind(0)
    for b in range(ROWS):
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


@jit
def _gram_1(tile, mean, w, line, i, j, second):
    """second[i, j:j+4] += w[line] @ (x - mean)[j:j+4].T."""
    kind = tile.dtype.type
    m0, m1, m2, m3 = mean[j], mean[j + 1], mean[j + 2], mean[j + 3]
    x0 = size(j) * STRIDE
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    s0 = s1 = s2 = s3 = kind(0)
    for b in range(ROWS):
        w0 = w[line + b]
        s0 += w0 * (tile[x0 + b] - m0)
        s1 += w0 * (tile[x1 + b] - m1)
        s2 += w0 * (tile[x2 + b] - m2)
        s3 += w0 * (tile[x3 + b] - m3)
    _add_4(second, i, j, s0, s1, s2, s3)


@jit
def _add_4(second, i, j, s0, s1, s2, s3):
    second[i, j] += s0
    second[i, j + 1] += s1
    second[i, j + 2] += s2
    second[i, j + 3] += s3
