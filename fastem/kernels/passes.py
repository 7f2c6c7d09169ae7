"""The passes over a block of rows: moments, and what a user asks for row by row.

A pass divides the block into slots of whole tiles. Slots depend on the size of the data alone, each
writes only its own part of the output, and whoever adds slots up does so in their order: the result
is the same to the bit for any number of threads.

The factors' shape says which tile code runs, and the compiler drops the other one: (K, D, D) or
(1, D, D) is `ellipsoidal`, (K, D) is `axis_aligned`.
"""

import numpy as np

from fastem.kernels.axis_aligned import accumulate as accumulate_axis_aligned
from fastem.kernels.axis_aligned import log_densities as log_densities_axis_aligned
from fastem.kernels.elementary import log2
from fastem.kernels.ellipsoidal import accumulate as accumulate_ellipsoidal
from fastem.kernels.ellipsoidal import log_densities as log_densities_ellipsoidal
from fastem.kernels.jit import jit, jit_allocating, prange, twins
from fastem.kernels.tile import (
    ROWS,
    SPARE,
    STRIDE,
    blank_vanished,
    buffer,
    exponentiate,
    load,
    load_weights,
    normalise,
    size,
)

TILE_ROWS = int(ROWS)


@jit
def _log_densities(tile, means, factors, log_norms, densities, scratch):
    if factors.ndim == 3:
        log_densities_ellipsoidal(tile, means, factors, log_norms, densities, scratch)
    else:
        log_densities_axis_aligned(tile, means, factors, log_norms, densities)


@jit
def _accumulate(tile, means, densities, counts, first, second, scratch):
    if second.ndim == 3:
        accumulate_ellipsoidal(tile, means, densities, counts, first, second, scratch)
    else:
        accumulate_axis_aligned(tile, means, densities, counts, first, second)


@jit_allocating
def _summarise_slot(
    rows, start, stop, weight, units, means, factors, log_norms, totals, counts, first, second
):
    """Moments of rows[start:stop]; adds to totals (2,), counts (K,), first (K, D) and second."""
    n_components, n_features = means.shape
    tile = buffer(n_features, rows)
    densities = buffer(n_components + SPARE, rows)
    scratch = buffer(4, rows)
    if weight.size == 0:
        load_weights(weight, start, start + TILE_ROWS, n_components, densities)
    for t in range(start, stop, TILE_ROWS):
        end = min(t + TILE_ROWS, stop)
        load(rows, t, end, units[0], units[1], tile)
        if weight.size > 0 or end - t < TILE_ROWS:
            load_weights(weight, t, end, n_components, densities)
        _log_densities(tile, means, factors, log_norms, densities, scratch)
        if exponentiate(n_components, densities) > 0:
            blank_vanished(n_features, n_components, tile, densities)
        log_likelihood, uncertainty = normalise(n_components, densities)
        totals[0] += log_likelihood
        totals[1] += uncertainty
        _accumulate(tile, means, densities, counts, first, second, scratch)


@twins
def summarise(
    n_slots, rows, tiles, weight, units, means, factors, log_norms, totals, counts, first, second
):
    """Moments of a block about the means, slot by slot.

    Parameters
    ----------
    n_slots, tiles : int
        How many slots, and how many tiles each holds.
    rows : (n, D) float64 or float32, C order
    weight : (n,) or (0,) float64
        Sample weights. Empty means 1 for every row.
    units : (2, D) float64
        Centre and scale: a row enters as (row - centre) * scale.
    means : (K, D), factors : (K, D, D), (1, D, D) or (K, D), log_norms : (K,)
        Of the dtype of rows, in the units of the tile; logarithms to base 2.
    totals : (n_slots, 2) float64
        Log-likelihood and uncertainty, in bits.
    counts : (n_slots, K), first : (n_slots, K, D), second : (n_slots, K, D[, D]) float64
        Zeros on entry. Of (D, D) only the lower triangle is written.
    """
    n_rows = rows.shape[0]
    for slot in prange(n_slots):
        start = slot * tiles * TILE_ROWS
        _summarise_slot(
            rows,
            start,
            min(start + tiles * TILE_ROWS, n_rows),
            weight,
            units,
            means,
            factors,
            log_norms,
            totals[slot],
            counts[slot],
            first[slot],
            second[slot],
        )


@jit_allocating
def _log_prob_slot(rows, start, stop, units, means, factors, log_norms, out):
    n_components, n_features = means.shape
    tile = buffer(n_features, rows)
    densities = buffer(n_components + SPARE, rows)
    scratch = buffer(4, rows)
    top = size(n_components) * STRIDE
    for t in range(start, stop, TILE_ROWS):
        end = min(t + TILE_ROWS, stop)
        load(rows, t, end, units[0], units[1], tile)
        _log_densities(tile, means, factors, log_norms, densities, scratch)
        exponentiate(n_components, densities)
        result = out[t:end]
        for b in range(size(end - t)):
            peak, total = densities[top + b], densities[top + STRIDE + b]
            result[b] = np.float64(peak) + log2(np.float64(total))


@twins
def log_prob(n_slots, rows, tiles, units, means, factors, log_norms, out):
    """log2 density of every row under the mixture, into out (n,) float64; arguments as above."""
    n_rows = rows.shape[0]
    for slot in prange(n_slots):
        start = slot * tiles * TILE_ROWS
        stop = min(start + tiles * TILE_ROWS, n_rows)
        _log_prob_slot(rows, start, stop, units, means, factors, log_norms, out)


@jit_allocating
def _responsibilities_slot(rows, start, stop, units, means, factors, log_norms, out):
    n_components, n_features = means.shape
    tile = buffer(n_features, rows)
    densities = buffer(n_components + SPARE, rows)
    scratch = buffer(4, rows)
    total = size(n_components + 1) * STRIDE
    for t in range(start, stop, TILE_ROWS):
        end = min(t + TILE_ROWS, stop)
        load(rows, t, end, units[0], units[1], tile)
        _log_densities(tile, means, factors, log_norms, densities, scratch)
        exponentiate(n_components, densities)
        for b in range(size(end - t)):
            for k in range(n_components):
                out[t + b, k] = densities[size(k) * STRIDE + b] / densities[total + b]


@twins
def responsibilities(n_slots, rows, tiles, units, means, factors, log_norms, out):
    """Probability of each component given the row, into out (n, K) of the dtype of rows."""
    n_rows = rows.shape[0]
    for slot in prange(n_slots):
        start = slot * tiles * TILE_ROWS
        stop = min(start + tiles * TILE_ROWS, n_rows)
        _responsibilities_slot(rows, start, stop, units, means, factors, log_norms, out)


@jit_allocating
def _predict_slot(rows, start, stop, units, means, factors, log_norms, out):
    kind = rows.dtype.type
    n_components, n_features = means.shape
    tile = buffer(n_features, rows)
    densities = buffer(n_components + SPARE, rows)
    scratch = buffer(4, rows)
    for t in range(start, stop, TILE_ROWS):
        end = min(t + TILE_ROWS, stop)
        load(rows, t, end, units[0], units[1], tile)
        _log_densities(tile, means, factors, log_norms, densities, scratch)
        for b in range(size(end - t)):
            best = 0
            largest = kind(-np.inf)
            for k in range(n_components):
                value = densities[size(k) * STRIDE + b]
                if value > largest:
                    largest = value
                    best = k
            out[t + b] = best


@twins
def predict(n_slots, rows, tiles, units, means, factors, log_norms, out):
    """Index of the likeliest component of every row, into out (n,) int32; ties go to the first."""
    n_rows = rows.shape[0]
    for slot in prange(n_slots):
        start = slot * tiles * TILE_ROWS
        stop = min(start + tiles * TILE_ROWS, n_rows)
        _predict_slot(rows, start, stop, units, means, factors, log_norms, out)
