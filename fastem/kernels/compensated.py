"""Tiles under ill-conditioned components: factor @ (x - mean) in twice the precision.

Where columns nearly determine one another the terms of that product cancel, and what rounding did
to them is left: eps times the root of the covariance's condition. With factors, differences and
sums in pairs nothing is lost that the length would show.
"""

from fastem.kernels.jit import jit_strict
from fastem.kernels.pairs import add_multiple, two_sum
from fastem.kernels.tile import LISTED, ROWS, STRIDE, size


@jit_strict
def log_densities(tile, means, factors, rests, log_norms, chosen, densities, scratch):
    """log2 of weight times density of the chosen components on the tile's rows.

    Parameters
    ----------
    tile : flat, D columns
    means : (K, D)
    factors, rests : (K, D, D) or (1, D, D), lower triangular
        High and low parts of the factors that `ellipsoidal` takes.
    log_norms : (K,)
    chosen : (n_chosen,) uint32
    densities : flat, a column for each component from `LISTED` on
        Those of the chosen are written.
    scratch : flat, 2 D + 2 columns
    """
    n_features = means.shape[1]
    shared = rests.shape[0] == 1
    low = size(n_features) * STRIDE
    y = scratch[low + low : low + low + ROWS]
    y_low = scratch[low + low + STRIDE : low + low + STRIDE + ROWS]
    for a in range(chosen.size):
        k = chosen[a]
        factor, rest = factors[0 if shared else k], rests[0 if shared else k]
        density = densities[LISTED + size(k) * STRIDE :]
        for b in range(ROWS):
            density[b] = log_norms[k]
        for i in range(n_features):
            column = size(i) * STRIDE
            for b in range(ROWS):
                difference = two_sum(tile[column + b], -means[k, i])
                scratch[column + b], scratch[low + column + b] = difference
                y[b] = y_low[b] = 0.0
            for j in range(i + 1):
                column = size(j) * STRIDE
                x, x_low = scratch[column : column + ROWS], scratch[low + column :]
                add_multiple(factor[i, j], rest[i, j], x, x_low, y, y_low)
            for b in range(ROWS):
                length = y[b] + y_low[b]
                density[b] -= length * length
