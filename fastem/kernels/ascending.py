"""A pass over a single column whose rows ascend: what is far from a tile of them is left out."""

import numpy as np

from fastem.compiler.options import jit
from fastem.compiler.slot_loop import slot_loop
from fastem.kernels.axis_aligned import accumulate, log_densities
from fastem.kernels.passes import SCALARS, clear, load_all, parts, share_out
from fastem.kernels.tile import SPARE, TILE_ROWS, buffer, load_weights, padded

#: A component that nowhere on a tile comes so near to the likeliest one, in bits, is rounding.
NEGLIGIBLE = 64.0


@slot_loop
def summarise_ascending(
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
    """Moments of a slot, as `passes.summarise` has them; `listed` and what follows is not read.

    Parameters
    ----------
    rows : (n, 1) float64
        They ascend.
    means, factors : (K, 1)
    """
    density = means, factors, log_norms
    n_components = means.shape[0]
    tile, densities = buffer(1, rows), buffer(n_components + SPARE, rows)
    clear(sums[slot])
    near = np.empty(n_components, np.uint32)
    moments = parts(sums[slot, SCALARS:], means, factors)
    start = slot * slot_rows
    stop = min(start + slot_rows, rows.shape[0])
    if weight.size == 0:
        load_weights(weight, index, start, start + TILE_ROWS, densities)
    for t in range(start, stop, TILE_ROWS):
        end = min(t + TILE_ROWS, stop)
        load_all(rows, weight, index, t, end, units, tile, densities)
        m = _list_near(tile[0], tile[end - t - 1], density, near)
        n_rows = padded(end - t)
        log_densities(tile, n_rows, *density, near, m, densities)
        share_out(1, m, end - t, tile, densities, sums[slot])
        accumulate(tile, n_rows, means, near, m, densities, *moments)


@jit
def _list_near(low, high, density, near):
    """List the components that count between two ends; returns how many they are.

    A log density is concave: between the ends it is at least the lesser of its values there.
    """
    means, factors, log_norms = density
    n_near, least = 0, -np.inf
    for k in range(means.shape[0]):
        at_low, at_high = _at_ends(low, high, means, factors, log_norms, k)
        least = max(least, min(at_low, at_high))
    for k in range(means.shape[0]):
        at_low, at_high = _at_ends(low, high, means, factors, log_norms, k)
        inside = low <= means[k, 0] and means[k, 0] <= high
        most = log_norms[k] if inside else max(at_low, at_high)
        if not most < least - NEGLIGIBLE:
            near[n_near] = k
            n_near += 1
    return n_near


@jit
def _at_ends(low, high, means, factors, log_norms, k):
    y0, y1 = factors[k, 0] * (low - means[k, 0]), factors[k, 0] * (high - means[k, 0])
    return log_norms[k] - y0 * y0, log_norms[k] - y1 * y1
