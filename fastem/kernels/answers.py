"""What a user asks for row by row: densities, responsibilities, labels.

They are as of `passes` up to the densities, and in ill-conditioned components those of
`double_double`.

The arguments of all three:

slot, tiles : int
    Which slot, and how many tiles each one holds.
rows : (n, D) float64 or float32, C order
units, separated
    As of `passes.summarise`.
every : (K,) uint32
    All components.
means, factors, norms
    As of `passes.summarise`.
factors_low : (K, D, D) or (1, D, D)
    Low parts of the factors. Two dimensions say that there never are any.
compensated : (n_compensated,) uint32
    The ill-conditioned components, which they count in.
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
def _buffers(rows, separated, density, low_parts):
    """A tile, its densities, and scratch of both kinds."""
    n_components, n_features = density[0].shape
    return (
        buffer(n_features, rows),
        buffer(n_components + SPARE, rows),
        buffer(4 if low_parts[1].size == 0 else 2 * n_features + 2, rows),
        wide_scratch(n_features, separated.ndim == 3, rows),
    )


@jit
def _span(slot, tiles, rows):
    """Where a slot begins and ends."""
    start = slot * tiles * TILE_ROWS
    return start, min(start + tiles * TILE_ROWS, rows.shape[0])


@jit
def _evaluate(rows, start, stop, units, separated, every, density, low_parts, buffers):
    """Load a tile, and find log2 of weight times density of all components."""
    tile, densities, scratch, own = buffers
    load(rows, start, stop, units[0], units[1], tile)
    place = densities, scratch
    densities_of(tile, stop - start, *density, every, every.size, *place, separated, own)
    _compensate(tile, *density, *low_parts, *place)


@jit
def _compensate(tile, means, factors, norms, factors_low, compensated, densities, scratch):
    """Find those of ill-conditioned components again; not compiled where there never are any."""
    if factors_low.ndim == 3:
        log_densities_compensated(
            tile, means, factors, factors_low, norms, compensated, densities, scratch
        )


@slot_loop
def log_prob(
    slot, rows, tiles, units, separated, every, means, factors, norms, factors_low, compensated, out
):
    """log2 density of a slot's rows under the mixture, into out (n,) float64."""
    density, low_parts = (means, factors, norms), (factors_low, compensated)
    buffers = _buffers(rows, separated, density, low_parts)
    densities = buffers[1]
    start, stop = _span(slot, tiles, rows)
    for t in range(start, stop, TILE_ROWS):
        end = min(t + TILE_ROWS, stop)
        _evaluate(rows, t, end, units, separated, every, density, low_parts, buffers)
        exponentiate(every.size, densities, padded(end - t))
        result = out[t:end]
        for b in range(size(end - t)):
            peak, total = densities[LARGEST + b], densities[TOTAL + b]
            result[b] = np.float64(peak) + log2(np.float64(total))


@slot_loop
def responsibilities(
    slot, rows, tiles, units, separated, every, means, factors, norms, factors_low, compensated, out
):
    """Probability of each component given a slot's rows, into out (n, K) of the dtype of rows."""
    density, low_parts = (means, factors, norms), (factors_low, compensated)
    buffers = _buffers(rows, separated, density, low_parts)
    densities = buffers[1]
    start, stop = _span(slot, tiles, rows)
    for t in range(start, stop, TILE_ROWS):
        end = min(t + TILE_ROWS, stop)
        _evaluate(rows, t, end, units, separated, every, density, low_parts, buffers)
        exponentiate(every.size, densities, padded(end - t))
        for b in range(size(end - t)):
            for k in range(every.size):
                out[t + b, k] = densities[LISTED + size(k) * STRIDE + b] / densities[TOTAL + b]


@slot_loop
def predict(
    slot, rows, tiles, units, separated, every, means, factors, norms, factors_low, compensated, out
):
    """Index of the likeliest component of a slot's rows, into out (n,) int32; ties: the first."""
    density, low_parts = (means, factors, norms), (factors_low, compensated)
    buffers = _buffers(rows, separated, density, low_parts)
    start, stop = _span(slot, tiles, rows)
    for t in range(start, stop, TILE_ROWS):
        end = min(t + TILE_ROWS, stop)
        _evaluate(rows, t, end, units, separated, every, density, low_parts, buffers)
        label(every, every.size, buffers[1], out[t:end])
