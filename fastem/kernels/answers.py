"""What a user asks for row by row: densities, responsibilities, labels.

They are as of `passes` up to the densities, and `compensated` in ill-conditioned components.

The arguments of all three:

slot, tiles : int
    Which slot, and how many tiles each one holds.
rows : (n, D) float64 or float32, C order
units, separated
    As of `passes.summarise`.
listed : (K,) uint32
    All components.
means, factors, norms
    As of `passes.summarise`.
low, which : (K, D, D) or (1, D, D), (n_compensated,) uint32
    Low parts of the factors, and the ill-conditioned components, which they count in. Two
    dimensions of the first say that there never are any.
"""

import numpy as np

from fastem.compiler.options import jit, jit_allocating
from fastem.compiler.slot_loop import slot_loop
from fastem.kernels.double_double import log_densities as log_densities_compensated
from fastem.kernels.elementary import log2
from fastem.kernels.passes import densities_of, label
from fastem.kernels.tile import (
    LARGEST,
    LISTED,
    SPARE,
    STRIDE,
    TILE_ROWS,
    TOTAL,
    buffer,
    exponentiate,
    load,
    padded,
    size,
)
from fastem.kernels.wide import wide_scratch


@jit_allocating
def _buffers(rows, separated, density, compensated):
    """A tile, its densities, and scratch of both kinds."""
    n_components, n_features = density[0].shape
    return (
        buffer(n_features, rows),
        buffer(n_components + SPARE, rows),
        buffer(4 if compensated[1].size == 0 else 2 * n_features + 2, rows),
        wide_scratch(n_features, separated.ndim == 3, rows),
    )


@jit
def _span(slot, tiles, rows):
    """Where a slot begins and ends."""
    start = slot * tiles * TILE_ROWS
    return start, min(start + tiles * TILE_ROWS, rows.shape[0])


@jit
def _evaluate(rows, start, stop, units, separated, listed, density, compensated, buffers):
    """Load a tile, and find log2 of weight times density of all components."""
    tile, densities, scratch, own = buffers
    load(rows, start, stop, units[0], units[1], tile)
    place = densities, scratch
    densities_of(tile, stop - start, *density, listed, listed.size, *place, separated, own)
    _compensate(tile, *density, *compensated, *place)


@jit
def _compensate(tile, means, factors, norms, low, which, densities, scratch):
    """Find those of ill-conditioned components again; not compiled where there never are any."""
    if low.ndim == 3:
        log_densities_compensated(tile, means, factors, low, norms, which, densities, scratch)


@slot_loop
def log_prob(slot, rows, tiles, units, separated, listed, means, factors, norms, low, which, out):
    """log2 density of a slot's rows under the mixture, into out (n,) float64."""
    density, compensated = (means, factors, norms), (low, which)
    buffers = _buffers(rows, separated, density, compensated)
    densities = buffers[1]
    start, stop = _span(slot, tiles, rows)
    for t in range(start, stop, TILE_ROWS):
        end = min(t + TILE_ROWS, stop)
        _evaluate(rows, t, end, units, separated, listed, density, compensated, buffers)
        exponentiate(listed.size, densities, padded(end - t))
        result = out[t:end]
        for b in range(size(end - t)):
            peak, total = densities[LARGEST + b], densities[TOTAL + b]
            result[b] = np.float64(peak) + log2(np.float64(total))


@slot_loop
def responsibilities(
    slot, rows, tiles, units, separated, listed, means, factors, norms, low, which, out
):
    """Probability of each component given a slot's rows, into out (n, K) of the dtype of rows."""
    density, compensated = (means, factors, norms), (low, which)
    buffers = _buffers(rows, separated, density, compensated)
    densities = buffers[1]
    start, stop = _span(slot, tiles, rows)
    for t in range(start, stop, TILE_ROWS):
        end = min(t + TILE_ROWS, stop)
        _evaluate(rows, t, end, units, separated, listed, density, compensated, buffers)
        exponentiate(listed.size, densities, padded(end - t))
        for b in range(size(end - t)):
            for k in range(listed.size):
                out[t + b, k] = densities[LISTED + size(k) * STRIDE + b] / densities[TOTAL + b]


@slot_loop
def predict(slot, rows, tiles, units, separated, listed, means, factors, norms, low, which, out):
    """Index of the likeliest component of a slot's rows, into out (n,) int32; ties: the first."""
    density, compensated = (means, factors, norms), (low, which)
    buffers = _buffers(rows, separated, density, compensated)
    start, stop = _span(slot, tiles, rows)
    for t in range(start, stop, TILE_ROWS):
        end = min(t + TILE_ROWS, stop)
        _evaluate(rows, t, end, units, separated, listed, density, compensated, buffers)
        label(listed, listed.size, buffers[1], out[t:end])
