"""The rows of a tile that share in a component, gathered: few of them where clusters are far apart.

A row shares in a component if its responsibility is above 2**-`NEGLIGIBLE`, the share below which
`pruning` leaves out whole tiles: the others would add nothing beside the rounding of the moments.
"""

import numpy as np

from fastem.kernels.jit import jit, jit_allocating
from fastem.kernels.pruning import NEGLIGIBLE
from fastem.kernels.tile import ROWS, STRIDE, TILE_ROWS, WEIGHT, buffer, size

#: Gathered rows are filled up to a multiple of this, with rows of weight 0.
LANES = size(16)
LEAST = 2.0 ** -NEGLIGIBLE[0], 2.0 ** -NEGLIGIBLE[1]


@jit_allocating
def room(n_features, apart, like):
    """Scratch for gathered rows and, in one more column, their shares; and for their numbers."""
    some = apart.ndim == 2
    few = buffer(n_features + 1 if some else 0, like)
    return few, np.empty(TILE_ROWS if some else 0, np.uint16)


@jit
def find_sharing(densities, resp, at):
    """Find the rows that share in the component of a column of weighted responsibilities.

    Parameters
    ----------
    densities : flat
    resp : int
        Where the column begins.
    at : (ROWS,) uint16
        Receives their numbers.

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


@jit
def gather(tile, densities, resp, n_features, at, n, few):
    """Copy those rows, and after them their weighted responsibilities, into a tile of their own.

    Returns
    -------
    n_rows : int
        How many it holds, with those it is filled up with.
    """
    n_rows = (n + LANES - size(1)) // LANES * LANES
    for d in range(size(n_features)):
        column = d * STRIDE
        for c in range(n):
            few[column + c] = tile[column + size(at[c])]
        for c in range(n, n_rows):
            few[column + c] = tile[column]
    shares = size(n_features) * STRIDE
    for c in range(n):
        few[shares + c] = densities[resp + size(at[c])]
    for c in range(n, n_rows):
        few[shares + c] = 0
    return n_rows
