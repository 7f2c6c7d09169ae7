"""The pass over a block of rows: their moments.

A pass divides the block into slots of tiles, of which the last one may not be full. Slots depend on
the size of the data alone, each writes only its own part of the output, and whoever adds slots up
does so in their order: the result is the same to the bit for any number of threads.

The factors' shape says which tile code runs, and the compiler drops the other one: (K, D, D) or
(1, D, D) is `ellipsoidal` and `gram`, or `wide` where there are many columns, and (K, D) is
`axis_aligned`. What a user asks for row by row is in `answers`.
"""

import numpy as np

from fastem.compiler.options import jit, jit_allocating, jit_inlined
from fastem.compiler.slot_loop import slot_loop
from fastem.kernels.axis_aligned import accumulate as accumulate_axis_aligned
from fastem.kernels.axis_aligned import log_densities as log_densities_axis_aligned
from fastem.kernels.ellipsoidal import log_densities as log_densities_ellipsoidal
from fastem.kernels.gram import accumulate as accumulate_ellipsoidal
from fastem.kernels.gram import gather_scratch
from fastem.kernels.tile import (
    LARGEST,
    LISTED,
    PRODUCTS,
    ROWS,
    SPARE,
    STRIDE,
    TILE_ROWS,
    TOTAL,
    buffer,
    exponentiate,
    load,
    load_ordered,
    load_weights,
    normalise,
    padded,
    size,
    zero_underflowed,
)
from fastem.kernels.wide import accumulate as accumulate_wide
from fastem.kernels.wide import log_densities as log_densities_wide
from fastem.kernels.wide import wide_scratch

#: What a pass sums before moments: weights of rows, log-likelihood and classification entropy.
SCALARS = 3

# The compiler drops a branch where it depends on an argument alone: so factors are one, everywhere.


@jit_inlined
def component_densities(tile, n_rows, means, factors, norms, listed, n_listed, densities, scratch):
    """log2 of weight times density of the listed components on the tile's rows."""
    own, some = (tile, n_rows, means, factors, norms), (listed, n_listed, densities)
    if factors.ndim == 3:
        log_densities_ellipsoidal(*own, *some, scratch)
    else:
        log_densities_axis_aligned(*own, *some)


@jit_inlined
def densities_of(
    tile, n_rows, means, factors, norms, listed, n_listed, densities, scratch, separated, own
):
    """As `component_densities`; where `separated` is of `PRODUCTS` those of `wide`."""
    density = means, factors, norms
    if separated.ndim == PRODUCTS:
        log_densities_wide(tile, n_rows, *density, listed, n_listed, densities, own)
    else:
        some = listed, n_listed, densities, scratch
        component_densities(tile, padded(n_rows), *density, *some)


@jit_allocating
def parts(moments, means, factors):
    """Counts, first and second moments, which follow one another: views."""
    n_components, n_features = means.shape
    first = moments[n_components : n_components + means.size].reshape(n_components, n_features)
    spread = moments[n_components + means.size :]
    if factors.ndim == 3:
        second = spread.reshape(n_components, n_features, n_features)
    else:
        second = spread.reshape(n_components, n_features)
    return moments[:n_components], first, second


@jit_inlined
def accumulate(
    tile,
    n_rows,
    means,
    factors,
    listed,
    n_listed,
    densities,
    moments,
    scratch,
    separated,
    gathering,
):
    """Add the tile to the moments, as of `parts`."""
    own = tile, padded(n_rows), means, listed, n_listed, densities
    if factors.ndim == 3:
        accumulate_ellipsoidal(*own, *moments, scratch, separated, gathering)
    else:
        accumulate_axis_aligned(*own, *moments)


@jit
def label(listed, n_listed, densities, labels):
    """The likeliest of the listed components, row by row; the first one wins a tie.

    Their places are kept where sums will be: in a buffer of its own lanes would need a check.
    """
    dtype = densities.dtype.type
    for b in range(ROWS):
        densities[LARGEST + b] = dtype(-np.inf)
        densities[TOTAL + b] = dtype(0)
    for a in range(size(n_listed)):
        row, place = LISTED + a * STRIDE, dtype(a)
        for b in range(ROWS):
            value, largest = densities[row + b], densities[LARGEST + b]
            best = densities[TOTAL + b]
            densities[LARGEST + b] = value if value > largest else largest
            densities[TOTAL + b] = place if value > largest else best
    for b in range(size(labels.size)):
        labels[b] = listed[size(densities[TOTAL + b])]


@jit
def load_all(rows, weight, index, start, stop, units, tile, densities):
    """Rows, and their weights where those are not as in the last tile: all 1."""
    if index.size > 0:
        load_ordered(rows, index, start, stop, units[0], units[1], tile)
    else:
        load(rows, start, stop, units[0], units[1], tile)
    if weight.size > 0 or stop - start < TILE_ROWS:
        load_weights(weight, index, start, stop, densities)


@jit
def clear(sums):
    """Let the sums of a slot be 0, but for the weight of its rows."""
    for p in range(1, sums.shape[0]):
        sums[p] = 0.0


@jit
def share_out(n_features, n_listed, n_rows, tile, densities, sums):
    """Turn log2 densities into weighted responsibilities, and sum up what rows say of the fit."""
    n_rows = padded(n_rows)
    if exponentiate(n_listed, densities, n_rows) > 0:
        zero_underflowed(n_features, tile, densities)
    log_likelihood, classification_entropy = normalise(n_listed, densities, n_rows)
    sums[1] += log_likelihood
    sums[2] += classification_entropy


@slot_loop
def summarise(
    slot,
    rows,
    slot_rows,
    weight,
    index,
    listed,
    n_listed,
    units,
    separated,
    means,
    factors,
    log_norms,
    sums,
    labels,
):
    """Moments of a slot of the block about the means: E step and sums of one pass.

    Parameters
    ----------
    slot, slot_rows : int
        Which slot, and how many rows each one holds: whole tiles, where these have lists.
    rows : (n, D) float64 or float32, C order
    weight : (n,) or (0,) float64
        Sample weights. Empty means 1 for every row.
    index : (n,) or (0,) uint16
        The order in which rows fill tiles, as `ordering.order` gives it. Empty means as they come.
    listed, n_listed : (n_tiles, K) or (1, K), (n_tiles,) or (1,) uint32
        The components of each tile, or of all, as `ordering.list_components` gives them.
    units : (2, D) float64
        Centre and scale: a row enters as (row - centre) * scale.
    separated : empty float64
        Of `tile.OVERLAPPING` dimensions or of one of those named after it, which say what the pass
        is compiled for.
    means : (K, D), factors : (K, D, D), (1, D, D) or (K, D), log_norms : (K,)
        Of the dtype of rows, in the units of the tile; logarithms to base 2.
    sums : (n_slots, 3 + K + K D + K D[ D]) float64
        Of each slot: a place for the weight of its rows, which is left alone;
        log-likelihood and classification entropy, in bits; then counts, first and second
        moments, of matrices only the lower triangles.
    labels : (n,) or (0,) int32
        Receives the index of each row's likeliest component. Empty where they are not wanted.
    """
    density = means, factors, log_norms
    n_components, n_features = means.shape
    tile = buffer(n_features, rows)
    densities = buffer(n_components + SPARE, rows)
    scratch = buffer(4, rows)
    gathering = gather_scratch(n_features, separated, rows)
    own = wide_scratch(n_features, separated.ndim == PRODUCTS, rows)
    clear(sums[slot])
    moments = parts(sums[slot, SCALARS:], means, factors)
    start = slot * slot_rows
    stop = min(start + slot_rows, rows.shape[0])
    if weight.size == 0:
        load_weights(weight, index, start, start + TILE_ROWS, densities)
    for t in range(start, stop, TILE_ROWS):
        end = min(t + TILE_ROWS, stop)
        which = t // TILE_ROWS if n_listed.size > 1 else 0
        some, m = listed[which], int(n_listed[which])
        load_all(rows, weight, index, t, end, units, tile, densities)
        densities_of(tile, end - t, *density, some, m, densities, scratch, separated, own)
        if labels.size > 0:
            label(some, m, densities, labels[t:end])
        share_out(n_features, m, end - t, tile, densities, sums[slot])
        if separated.ndim == PRODUCTS:
            block = rows, index, t, units, tile
            accumulate_wide(*block, means, some, m, densities, *moments, own)
        else:
            place = densities, moments, scratch, separated, gathering
            accumulate(tile, end - t, means, factors, some, m, *place)
