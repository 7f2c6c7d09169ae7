"""Which components a tile can do without, found from the box around its rows.

A row x of a box with centre c and half widths h has, under a component with mean m and triangular
factor U, a log2 density of log_norm - |U (x - m)|**2, and coordinate i of U (x - m) differs from
that of U (c - m) by no more than (|U| h)_i. So the density over the whole box lies between a floor
and a ceiling, and a component is left out if its ceiling is `NEGLIGIBLE` bits or more below the
highest floor: of every row it would have had a share below 2**-NEGLIGIBLE.

What is left out of a component's count is then less than 2**-64 for each row. Beside a count of
1e-6 of all rows that is 5e-14 of it, and nothing beside a row's own likelihood.
"""

import numpy as np

from fastem.kernels.jit import jit
from fastem.kernels.twins import twins

#: Bits, for float64 and float32, whose last places are worth 2**-53 and 2**-24.
NEGLIGIBLE = 64.0, 36.0
#: Rounding of squared distances, relative.
ROUNDING = 1e-12


@twins
def list_components(part, boxes, tiles, means, factors, log_norms, listed, n_listed):
    """List the components that each tile of a part of them needs.

    Parameters
    ----------
    part, tiles : int
        Which part, and how many tiles each one holds.
    boxes : (n_tiles, 2, D) float64
        Centre and half widths. A centre that is not a number lists all components.
    means : (K, D), factors : (K, D, D), (1, D, D) or (K, D), log_norms : (K,)
        As in a pass.
    listed : (n_tiles, K) uint32
        Receives the lists.
    n_listed : (n_tiles,) uint32
        Receives their lengths.
    """
    ceilings = np.empty(means.shape[0])
    for t in range(part * tiles, min(part * tiles + tiles, boxes.shape[0])):
        box = boxes[t]
        floor = -np.inf
        for k in range(means.shape[0]):
            nearest, farthest = _distances(box, means[k], factors[k if factors.shape[0] > 1 else 0])
            ceilings[k] = log_norms[k] - nearest
            floor = max(floor, log_norms[k] - farthest)
        negligible = NEGLIGIBLE[0] if means.itemsize == 8 else NEGLIGIBLE[1]
        limit = floor - negligible - ROUNDING * abs(floor)
        if np.isnan(box[0, 0]):
            limit = -np.inf
        m = 0
        for k in range(means.shape[0]):
            listed[t, m] = k
            m += not ceilings[k] < limit
        n_listed[t] = m


@jit
def _distances(box, mean, factor):
    """Bounds of the squared distance, in bits, of the rows in a box."""
    nearest = farthest = 0.0
    for i in range(mean.size):
        offset = reach = 0.0
        if factor.ndim == 2:
            for j in range(i + 1):
                offset += factor[i, j] * (box[0, j] - mean[j])
                reach += abs(factor[i, j]) * box[1, j]
        else:
            offset = factor[i] * (box[0, i] - mean[i])
            reach = factor[i] * box[1, i]
        offset = abs(offset)
        beyond = max(offset - reach, 0.0)
        nearest += beyond * beyond
        farthest += (offset + reach) * (offset + reach)
    return nearest, farthest
