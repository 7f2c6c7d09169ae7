"""What a user asks for row by row: densities, responsibilities, labels.

They are as of `passes` up to the densities, and in ill-conditioned components those of
`double_double`.

The arguments of `answer`:

slot, slot_rows : int
    Which slot, and how many rows each one holds.
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
log_prob : (n,) or (0,) float64
    Receives log2 density of the rows under the mixture; empty where nobody asks, as the others.
resp : (n, K) or (0, K) of the dtype of rows
    Receives the probability of each component given the row.
labels : (n,) or (0,) int32
    Receives the index of the likeliest component; of equal ones the first.
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
    PRODUCTS,
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
        wide_scratch(n_features, separated.ndim == PRODUCTS, rows),
    )


@jit
def _span(slot, slot_rows, rows):
    """Where a slot begins and ends."""
    start = slot * slot_rows
    return start, min(start + slot_rows, rows.shape[0])


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
def answer(
    slot,
    rows,
    slot_rows,
    units,
    separated,
    every,
    means,
    factors,
    norms,
    factors_low,
    compensated,
    log_prob,
    resp,
    labels,
):
    """What is asked of a slot's rows: one kernel, whose densities are compiled once."""
    density, low_parts = (means, factors, norms), (factors_low, compensated)
    buffers = _buffers(rows, separated, density, low_parts)
    densities = buffers[1]
    start, stop = _span(slot, slot_rows, rows)
    for t in range(start, stop, TILE_ROWS):
        end = min(t + TILE_ROWS, stop)
        _evaluate(rows, t, end, units, separated, every, density, low_parts, buffers)
        if labels.size > 0:
            label(every, every.size, densities, labels[t:end])
        if log_prob.size > 0 or resp.size > 0:
            exponentiate(every.size, densities, padded(end - t))
        if log_prob.size > 0:
            _log_sums(densities, log_prob[t:end])
        if resp.size > 0:
            _shares(every.size, densities, resp[t:end])


@jit
def _log_sums(densities, log_prob):
    for b in range(size(log_prob.shape[0])):
        peak, total = densities[LARGEST + b], densities[TOTAL + b]
        log_prob[b] = np.float64(peak) + log2(np.float64(total))


@jit
def _shares(n_components, densities, resp):
    for b in range(size(resp.shape[0])):
        for k in range(n_components):
            resp[b, k] = densities[LISTED + size(k) * STRIDE + b] / densities[TOTAL + b]
