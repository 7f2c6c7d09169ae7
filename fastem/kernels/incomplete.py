"""The pass over rows of which some lack columns: what is missing is missing at random.

Rows that lack the same columns are a group. In each component the missing columns m follow from the
observed ones o by regression: x_m has mean mu_m + B (x_o - mu_o) and covariance C. So a row counts
with those means in place of what it lacks, and C is added to the second moments (Z. Ghahramani and
M. I. Jordan, NIPS 6 (1994) 120). The density of what is observed is that of the row filled so, over
that of m at its mean given o: nothing is factored anew.

Many rows of a group are worked on in tiles. Few rows are worked on one by one, by `lanes`: a tile
costs as much however few rows it has.
"""

import numpy as np

from fastem.compiler.options import jit
from fastem.compiler.slot_loop import packed_slot_loop
from fastem.kernels import lanes
from fastem.kernels.eight import LANES
from fastem.kernels.elementary import HALF_BITS
from fastem.kernels.gram import gather_scratch
from fastem.kernels.lanes import FEW
from fastem.kernels.passes import accumulate, component_densities, parts, share_out
from fastem.kernels.regressions import (
    add_covariance,
    fill,
    index_of,
    noise_shift,
    regress,
    regression_scratch,
)
from fastem.kernels.tile import (
    LISTED,
    ROWS,
    SPARE,
    STRIDE,
    buffer,
    load,
    load_weights,
    padded,
    size,
)

#: Rows of a group from which a tile is faster than one row after another.
TILE_FROM = 64


@packed_slot_loop
def summarise(
    slot,
    rows,
    weight,
    slots,
    chunks,
    missing,
    n_missing,
    listed,
    n_listed,
    units,
    overlapping,
    means,
    factors,
    log_norms,
    columns,
    log_norms64,
    block_means,
    blocks,
    block_norms,
    noise_bits,
    most_in_tiles,
    most_in_few,
    sums,
):
    """Moments of a slot of groups about the means.

    Parameters
    ----------
    slot : int
    rows : (n, D) float64 or float32, C order
        Those of a group together; what is missing is any finite number.
    weight : (n,) or (0,) float64
    slots : (n_slots + 1,) int64
        The first chunk of each slot.
    chunks : (n_chunks, 4) int64
        First row, the one after the last, pattern, and which list of components. No more than
        `FEW` rows are worked on one by one.
    missing : (n_patterns, D) int64
        Of each pattern the columns that are missing, then the others.
    n_missing : (n_patterns,) int64
    listed, n_listed : (n_lists, K), (n_lists,) uint32
        The components that rows may come from.
    units : (2, D) float64
        Centre and scale.
    overlapping : (0,) float64
        As `passes.summarise` takes it for components that are not well separated.
    means : (K, D), factors : (K, D, D), (1, D, D) or (K, D), log_norms : (K,)
        Of the dtype of rows, in the units.
    columns, log_norms64
        Factors and norms in float64; of matrices the transposed.
    block_means, blocks, block_norms
        Means, these factors and norms in blocks, as of `lanes.describe`, without the noise.
    noise_bits : (D,) or (0,) float64
        log2 of the width of the noise's box, which is the last component, in each column.
    most_in_tiles, most_in_few : int
        Missing columns, at most, in tiles and in rows that are worked on one by one.
    sums : (n_slots, n_sums) float64
        As of `passes.summarise`.
    """
    n_components, n_features = means.shape
    noisy = noise_bits.size > 0
    tile = buffer(n_features, rows)
    densities = buffer(n_components + SPARE, rows)
    scratch = buffer(4, rows)
    gathering = gather_scratch(n_features, overlapping, rows)
    solving = regression_scratch(n_features, most_in_tiles)
    regressions = np.empty((factors.shape[0], most_in_tiles, n_features))
    norms = np.empty(n_components, log_norms.dtype)
    buffers = lanes.make_buffers(block_means.shape[0], n_features, most_in_few)
    counts = np.zeros(block_norms.shape)
    first, second = np.zeros(block_means.shape), np.zeros(blocks.shape)
    moments = sums[slot, 3:]
    of_components = parts(moments, means, factors)
    pattern = -1
    for chunk in range(slots[slot], slots[slot + 1]):
        start, stop, own = chunks[chunk, 0], chunks[chunk, 1], chunks[chunk, 2]
        components, m = listed[chunks[chunk, 3]], int(n_listed[chunks[chunk, 3]])
        gaps, n_gaps = missing[own], int(n_missing[own])
        if n_gaps > 0 and stop - start <= FEW:
            few = rows[start:stop]
            weights = weight[start:stop] if weight.size > 0 else weight
            of_noise = log_norms64[n_components - 1] if noisy else -np.inf
            of_noise += noise_shift(gaps, n_gaps, noise_bits) if noisy else 0.0
            lanes.allow(components, m, n_components, noisy, buffers)
            lanes.describe(
                few, gaps, n_gaps, units, block_means, blocks, block_norms, of_noise, buffers
            )
            described = units, block_means, blocks, buffers
            added = lanes.accumulate(few, weights, gaps, n_gaps, *described, counts, first, second)
            bits, entropy, noise = added
            sums[slot, 1] += bits
            sums[slot, 2] += entropy
            if noisy:
                moments[n_components - 1] += noise
            continue
        load(rows, start, stop, units[0], units[1], tile)
        load_weights(weight, slots[:0], start, stop, densities)
        if own != pattern:
            if n_gaps > 0:
                regress(gaps, n_gaps, columns, log_norms64, noise_bits, solving, regressions, norms)
            else:
                for k in range(n_components):
                    norms[k] = log_norms[k]
            pattern = own
        # Each component fills a row in its own way, and complete rows need no filling.
        together = 1 if n_gaps > 0 else max(m, 1)
        for a in range(0, m, together):
            k = components[a]
            if n_gaps > 0:
                fill(tile, means[k], regressions[index_of(regressions, k)], factors, gaps, n_gaps)
            some = components[a : a + together]
            out = densities[size(a) * STRIDE :]
            density = means, factors, norms
            component_densities(tile, padded(stop - start), *density, some, together, out, scratch)
        share_out(n_features, m, stop - start, tile, densities, sums[slot])
        for a in range(0, m, together):
            k = components[a]
            regression = regressions[index_of(regressions, k)]
            if n_gaps > 0:
                fill(tile, means[k], regression, factors, gaps, n_gaps)
            some = components[a : a + together]
            out = densities[size(a) * STRIDE :]
            own_moments = of_components, scratch, overlapping, gathering
            accumulate(tile, stop - start, means, factors, some, together, out, *own_moments)
            if n_gaps > 0 and not (noisy and k == n_components - 1):
                count = _total(densities, LISTED + size(a) * STRIDE)
                add_covariance(count, k, n_components, columns, regression, gaps, n_gaps, moments)
    _add_blocks(counts, first, second, n_components - int(noisy), n_components, moments)


@packed_slot_loop
def describe(
    slot,
    rows,
    slots,
    chunks,
    missing,
    n_missing,
    units,
    log_noise,
    block_means,
    blocks,
    block_norms,
    noise_bits,
    most,
    uniforms,
    normals,
    log_densities,
    filled,
):
    """log2 of weight times density of each component at a slot's rows, and what they lack.

    Parameters
    ----------
    slot, rows, slots, chunks, missing, n_missing, units, block_means, blocks, block_norms,
    noise_bits
        As of `summarise`; all chunks are of `FEW` rows at most.
    log_noise : float
        log2 of weight times density of the noise where all columns are observed; -infinity without.
    most : int
        Missing columns, at most.
    uniforms, normals : (n_draws, n), (n_draws, n, D) float64
        Chance of the draws; of no draws, expectations are wanted.
    log_densities : (n, K)
        The noise last, if there is any.
    filled : (n_draws, n, D), (1, n, D) or (0, n, D) float64
        Rows with what they lack, in the units. The noise adds 0 to expectations, and draws from it
        are NaN.
    """
    n_blocks, n_features, _ = block_means.shape
    noisy = noise_bits.size > 0
    buffers = lanes.make_buffers(n_blocks, n_features, most)
    n_gaussians = log_densities.shape[1] - noisy
    every = np.arange(log_densities.shape[1]).astype(np.uint32)
    lanes.allow(every, every.shape[0], every.shape[0], noisy, buffers)
    resp, offsets, roots = buffers[0], buffers[1], buffers[2]
    for chunk in range(slots[slot], slots[slot + 1]):
        start, stop, own = chunks[chunk, 0], chunks[chunk, 1], chunks[chunk, 2]
        gaps, n_gaps = missing[own], int(n_missing[own])
        of_noise = log_noise + (noise_shift(gaps, n_gaps, noise_bits) if noisy else 0.0)
        few = rows[start:stop]
        lanes.describe(
            few, gaps, n_gaps, units, block_means, blocks, block_norms, of_noise, buffers
        )
        for b in range(stop - start):
            for k in range(n_gaussians):
                log_densities[start + b, k] = resp[b, k]
            if noisy:
                log_densities[start + b, n_gaussians] = of_noise
        for b in range(stop - start if filled.shape[0] > 0 else 0):
            lanes.normalise(resp[b])
            for draw in range(filled.shape[0]):
                out = filled[draw, start + b]
                for d in range(n_features):
                    out[d] = (rows[start + b, d] - units[0, d]) * units[1, d]
                for i in range(n_gaps):
                    out[gaps[i]] = 0.0
                if uniforms.shape[0] == 0:
                    _expect(gaps, n_gaps, n_gaussians, block_means, resp[b], offsets[b], out)
                else:
                    k = _chosen(resp[b], n_gaussians, uniforms[draw, start + b])
                    normal = normals[draw, start + b]
                    _draw(k, gaps, n_gaps, block_means, offsets[b], roots, normal, out)


@jit
def _expect(gaps, n_gaps, n_gaussians, means, resp, offsets, out):
    """Put the average over the components in place of what is missing."""
    for k in range(n_gaussians):
        block, lane = k // LANES, k % LANES
        for i in range(n_gaps if resp[k] > 0.0 else 0):
            value = means[block, gaps[i], lane] + offsets[block, i, lane]
            out[gaps[i]] += resp[k] * value


@jit
def _draw(k, gaps, n_gaps, means, offsets, roots, normal, out):
    """Put a draw from component k in place of what is missing; NaN from the noise, -1."""
    block, lane = max(k, 0) // LANES, max(k, 0) % LANES
    for i in range(n_gaps):
        value = means[block, gaps[i], lane] + offsets[block, i, lane]
        for j in range(i, n_gaps):
            value += HALF_BITS * roots[block, i, j, lane] * normal[gaps[j]]
        out[gaps[i]] = value if k >= 0 else np.nan


@jit
def _chosen(resp, n_gaussians, uniform):
    """The component in whose share of [0, 1) a number lies; -1 is the noise, the last share."""
    below = 0.0
    last = 0
    for k in range(n_gaussians):
        below += resp[k]
        if resp[k] > 0.0:
            last = k
        if uniform < below:
            return k
    return -1 if resp[resp.shape[0] - 1] > 0.0 else last


@jit
def _add_blocks(counts, first, second, n_gaussians, n_components, moments):
    """Add moments of components in blocks to those of components one after another."""
    n_features = first.shape[1]
    width = second.size // (first.shape[0] * LANES)
    of_first = moments[n_components:]
    of_second = moments[n_components * (1 + n_features) :]
    for k in range(n_gaussians):
        block, lane = k // LANES, k % LANES
        moments[k] += counts[block, lane]
        spread = second[block].reshape(width, LANES)
        for d in range(n_features):
            of_first[k * n_features + d] += first[block, d, lane]
        for p in range(width):
            of_second[k * width + p] += spread[p, lane]


@jit
def _total(densities, resp):
    total = 0.0
    for b in range(ROWS):
        total += np.float64(densities[resp + b])
    return total
