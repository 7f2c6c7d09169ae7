"""Log densities of a tile under components with a triangular factor each, or one shared.

The factor of a component is the inverse of its covariance's Cholesky factor times
sqrt(log2(e) / 2), so that log2 of the density is a constant less the squared length of
factor @ (x - mean).

The product runs in blocks of four columns by four, sixteen scalars in registers while the loop
crosses the tile; a last block of one to three columns has loops of its own, so that no dimension
pays for padding. What follows a pass under such components, their moments, is in `gram`.
"""

from fastem.compiler.options import jit_inlined
from fastem.kernels.tile import LISTED, STRIDE, THREE, TWO, size


@jit_inlined
def log_densities(tile, n_rows, means, factors, log_norms, listed, n_listed, densities, scratch):
    """log2 of weight times density of the listed components on the tile's rows.

    Parameters
    ----------
    tile : flat, D columns
    n_rows : int
        Its rows and their padding, as of `padded`: loops end there.
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
        factor, base = factors[0 if shared else k], log_norms[k]
        out = LISTED + size(a) * STRIDE
        for i in range(0, whole, 4):
            for j in range(0, i, 4):
                _multiply_4(tile, n_rows, mean, factor, i, j, scratch)
            _finish_4(tile, n_rows, mean, factor, base, i, scratch, densities, out)
        if n_features > whole:
            for i in range(whole, n_features):
                for j in range(0, whole, 4):
                    line = size(i - whole) * STRIDE
                    _multiply_1(tile, n_rows, mean, factor, i, j, scratch, line)
            rest = n_features - whole
            if rest == 1:
                _finish_1(tile, n_rows, mean, factor, base, whole, scratch, densities, out)
            elif rest == 2:
                _finish_2(tile, n_rows, mean, factor, base, whole, scratch, densities, out)
            else:
                _finish_3(tile, n_rows, mean, factor, base, whole, scratch, densities, out)


@jit_inlined
def _multiply_4(tile, n_rows, mean, factor, i, j, y):
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
        for b in range(n_rows):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
            y[b] = f00 * z0 + f01 * z1 + f02 * z2 + f03 * z3
            y[y1 + b] = f10 * z0 + f11 * z1 + f12 * z2 + f13 * z3
            y[y2 + b] = f20 * z0 + f21 * z1 + f22 * z2 + f23 * z3
            y[y3 + b] = f30 * z0 + f31 * z1 + f32 * z2 + f33 * z3
    else:
        for b in range(n_rows):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
            y[b] += f00 * z0 + f01 * z1 + f02 * z2 + f03 * z3
            y[y1 + b] += f10 * z0 + f11 * z1 + f12 * z2 + f13 * z3
            y[y2 + b] += f20 * z0 + f21 * z1 + f22 * z2 + f23 * z3
            y[y3 + b] += f30 * z0 + f31 * z1 + f32 * z2 + f33 * z3


@jit_inlined
def _multiply_1(tile, n_rows, mean, factor, i, j, y, line):
    """As `_multiply_4`, one row of the factor, into the given line of y."""
    m0, m1, m2, m3 = mean[j], mean[j + 1], mean[j + 2], mean[j + 3]
    f0, f1, f2, f3 = factor[i, j], factor[i, j + 1], factor[i, j + 2], factor[i, j + 3]
    x0 = size(j) * STRIDE
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    if j == 0:
        for b in range(n_rows):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
            y[line + b] = f0 * z0 + f1 * z1 + f2 * z2 + f3 * z3
    else:
        for b in range(n_rows):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
            y[line + b] += f0 * z0 + f1 * z1 + f2 * z2 + f3 * z3


@jit_inlined
def _finish_1(tile, n_rows, mean, factor, log_norm, i, y, densities, out):
    """Add a last block of one column to the product, and its square to the density."""
    m0, f00 = mean[i], factor[i, i]
    x0 = size(i) * STRIDE
    if i == 0:
        for b in range(n_rows):
            y0 = f00 * (tile[x0 + b] - m0)
            densities[out + b] = log_norm - y0 * y0
    else:
        for b in range(n_rows):
            y0 = y[b] + f00 * (tile[x0 + b] - m0)
            densities[out + b] -= y0 * y0


@jit_inlined
def _finish_2(tile, n_rows, mean, factor, log_norm, i, y, densities, out):
    """As `_finish_1`, two columns."""
    m0, m1 = mean[i], mean[i + 1]
    f00, f10, f11 = factor[i, i], factor[i + 1, i], factor[i + 1, i + 1]
    x0 = size(i) * STRIDE
    x1 = x0 + STRIDE
    if i == 0:
        for b in range(n_rows):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            y0 = f00 * z0
            y1 = f10 * z0 + f11 * z1
            densities[out + b] = log_norm - (y0 * y0 + y1 * y1)
    else:
        for b in range(n_rows):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            y0 = y[b] + f00 * z0
            y1 = y[STRIDE + b] + f10 * z0 + f11 * z1
            densities[out + b] -= y0 * y0 + y1 * y1


@jit_inlined
def _finish_3(tile, n_rows, mean, factor, log_norm, i, y, densities, out):
    """As `_finish_1`, three columns."""
    m0, m1, m2 = mean[i], mean[i + 1], mean[i + 2]
    f00, f10, f11 = factor[i, i], factor[i + 1, i], factor[i + 1, i + 1]
    f20, f21, f22 = factor[i + 2, i], factor[i + 2, i + 1], factor[i + 2, i + 2]
    x0 = size(i) * STRIDE
    x1, x2 = x0 + STRIDE, x0 + TWO * STRIDE
    if i == 0:
        for b in range(n_rows):
            z0, z1, z2 = tile[x0 + b] - m0, tile[x1 + b] - m1, tile[x2 + b] - m2
            y0 = f00 * z0
            y1 = f10 * z0 + f11 * z1
            y2 = f20 * z0 + f21 * z1 + f22 * z2
            densities[out + b] = log_norm - (y0 * y0 + y1 * y1 + y2 * y2)
    else:
        for b in range(n_rows):
            z0, z1, z2 = tile[x0 + b] - m0, tile[x1 + b] - m1, tile[x2 + b] - m2
            y0 = y[b] + f00 * z0
            y1 = y[STRIDE + b] + f10 * z0 + f11 * z1
            y2 = y[TWO * STRIDE + b] + f20 * z0 + f21 * z1 + f22 * z2
            densities[out + b] -= y0 * y0 + y1 * y1 + y2 * y2


@jit_inlined
def _finish_4(tile, n_rows, mean, factor, log_norm, i, y, densities, out):
    """As `_finish_1`, four columns."""
    m0, m1, m2, m3 = mean[i], mean[i + 1], mean[i + 2], mean[i + 3]
    f00, f10, f11 = factor[i, i], factor[i + 1, i], factor[i + 1, i + 1]
    f20, f21, f22 = factor[i + 2, i], factor[i + 2, i + 1], factor[i + 2, i + 2]
    f30, f31 = factor[i + 3, i], factor[i + 3, i + 1]
    f32, f33 = factor[i + 3, i + 2], factor[i + 3, i + 3]
    x0 = size(i) * STRIDE
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    if i == 0:
        for b in range(n_rows):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
            y0 = f00 * z0
            y1 = f10 * z0 + f11 * z1
            y2 = f20 * z0 + f21 * z1 + f22 * z2
            y3 = f30 * z0 + f31 * z1 + f32 * z2 + f33 * z3
            densities[out + b] = log_norm - (y0 * y0 + y1 * y1 + y2 * y2 + y3 * y3)
    else:
        for b in range(n_rows):
            z0, z1 = tile[x0 + b] - m0, tile[x1 + b] - m1
            z2, z3 = tile[x2 + b] - m2, tile[x3 + b] - m3
            y0 = y[b] + f00 * z0
            y1 = y[STRIDE + b] + f10 * z0 + f11 * z1
            y2 = y[TWO * STRIDE + b] + f20 * z0 + f21 * z1 + f22 * z2
            y3 = y[THREE * STRIDE + b] + f30 * z0 + f31 * z1 + f32 * z2 + f33 * z3
            densities[out + b] -= y0 * y0 + y1 * y1 + y2 * y2 + y3 * y3
