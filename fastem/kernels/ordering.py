"""An order of rows in which those of a tile lie near each other, and what a tile can do without.

Rows are ordered along Hilbert's curve through a grid over the data (J. Skilling, AIP Conf. Proc.
707 (2004) 381), in groups of `GROUP`: so an index takes two bytes, a pass reads from one stretch of
memory at a time, and the order of a group depends on its own rows and the grid alone.

A row x of a box with centre c and half widths h has, under a component with mean m and triangular
factor U, a log2 density of log_norm - |U (x - m)|**2, and coordinate i of U (x - m) differs from
that of U (c - m) by no more than (|U| h)_i. So the density over the whole box lies between a floor
and a ceiling, and a component is left out if its ceiling is `NEGLIGIBLE` bits or more below the
highest floor: of every row it would have had a share below 2**-NEGLIGIBLE.

What is left out of a component's count is then less than 2**-64 for each row. Beside a count of
1e-6 of all rows that is 5e-14 of it, and nothing beside a row's own likelihood.
"""

import numpy as np

from fastem.compiler.options import jit, jit_allocating
from fastem.compiler.slot_loop import slot_loop
from fastem.kernels.tile import GROUP, ONE, ROWS, STRIDE, ZERO, buffer, load_ordered, size

#: Bits of a place on the curve, shared among the columns, and those that a step of sorting takes.
KEY_BITS = 22
STEP_BITS = 11


@slot_loop
def order(group, rows, grid, units, index, boxes):
    """Order a group of rows, and put a box around each of its tiles.

    Parameters
    ----------
    group : int
    rows : (n, D) float64 or float32, C order
    grid : (2, D) float64
        Lower corner, and 1 / extent, of what the grid covers; rows outside count as on its rim.
    units : (2, D) float64
        Centre and scale, as in a pass.
    index : (n,) uint16
        Receives the rows' numbers in their group, in order.
    boxes : (n_tiles, 2, D) float64
        Receives the centre and the half widths of each tile, in the units.
    """
    start = group * GROUP
    stop = min(start + GROUP, rows.shape[0])
    keys = np.empty(stop - start, np.uint32)
    _places(rows, start, stop, grid, np.empty(rows.shape[1] * int(ROWS), np.uint32), keys)
    _sort(keys, index[start:stop])
    tile = buffer(rows.shape[1], rows)
    for t in range(start, stop, int(ROWS)):
        load_ordered(rows, index, t, min(t + int(ROWS), stop), units[0], units[1], tile)
        _enclose(tile, boxes[t // int(ROWS)])


@jit
def _places(rows, start, stop, grid, x, keys):
    """Places of rows along the curve; `x` is scratch for 512 points."""
    n_features = size(rows.shape[1])
    bits = min(16, KEY_BITS // rows.shape[1])
    cells = 2.0**bits
    flat = rows.reshape(rows.size)
    for t in range(start, stop, int(ROWS)):
        n_rows = size(min(t + int(ROWS), stop) - t)
        source = flat[t * rows.shape[1] :]
        for d in range(n_features):
            low, per_extent = grid[0, d], grid[1, d]
            for b in range(n_rows):
                cell = (source[b * n_features + d] - low) * per_extent * cells
                x[d * ROWS + b] = np.uint32(min(max(cell, 0.0), cells - 1.0))
        _along_the_curve(x, n_features, bits, keys[t - start : t - start + int(n_rows)])


@jit
def _along_the_curve(x, n_features, bits, keys):
    """Skilling's transposed Hilbert index of 512 points, its bits brought together in `keys`."""
    one = np.uint32(1)
    for bit in range(bits - 1, 0, -1):
        shift, below = np.uint32(bit), np.uint32((1 << bit) - 1)
        for d in range(n_features):
            for b in range(size(keys.size)):
                first, own = x[b], x[d * ROWS + b]
                swap = (first ^ own) & below
                is_set = np.uint32(ZERO) - ((own >> shift) & one)
                # Where the bit is set the first coordinate is reflected, else the two are swapped.
                x[d * ROWS + b] = own ^ (swap & ~is_set)
                x[b] = x[b] ^ (below & is_set) ^ (swap & ~is_set)
    for d in range(ONE, n_features):
        for b in range(size(keys.size)):
            x[d * ROWS + b] ^= x[(d - ONE) * ROWS + b]
    last = (n_features - ONE) * ROWS
    for b in range(size(keys.size)):
        keys[b] = 0
    for bit in range(bits - 1, 0, -1):
        shift, below = np.uint32(bit), np.uint32((1 << bit) - 1)
        for b in range(size(keys.size)):
            keys[b] ^= below & (np.uint32(ZERO) - ((x[last + b] >> shift) & one))
    for d in range(n_features):
        for b in range(size(keys.size)):
            x[d * ROWS + b] ^= keys[b]
    for b in range(size(keys.size)):
        keys[b] = 0
    for bit in range(bits - 1, -1, -1):
        shift = np.uint32(bit)
        for d in range(n_features):
            for b in range(size(keys.size)):
                keys[b] = (keys[b] << one) | ((x[d * ROWS + b] >> shift) & one)


@jit_allocating
def _sort(keys, index):
    """Rank keys into `index`, ties in their order: a radix sort of two steps."""
    n = keys.size
    middle = np.empty(n, np.uint16)
    starts = np.empty(1 << STEP_BITS, np.int64)
    for step in range(2):
        shift = np.uint32(step * STEP_BITS)
        mask = np.uint32((1 << STEP_BITS) - 1)
        starts[:] = 0
        for i in range(n):
            starts[(keys[i] >> shift) & mask] += 1
        total = 0
        for i in range(starts.size):
            count = starts[i]
            starts[i] = total
            total += count
        for i in range(n):
            row = i if step == 0 else np.int64(middle[i])
            digit = (keys[row] >> shift) & mask
            if step == 0:
                middle[starts[digit]] = row
            else:
                index[starts[digit]] = row
            starts[digit] += 1


@jit
def _enclose(tile, box):
    """Centre and half widths of a tile; the centre is not a number if the tile is not finite."""
    finite = True
    for d in range(size(box.shape[1])):
        low = high = np.float64(tile[d * STRIDE])
        for b in range(ROWS):
            value = np.float64(tile[d * STRIDE + b])
            low = min(low, value)
            high = max(high, value)
        centre = 0.5 * low + 0.5 * high
        box[0, d] = centre
        box[1, d] = max(high - centre, centre - low)
        if not high - low < np.inf:
            finite = False
    if not finite:
        box[0, 0] = np.nan


#: Bits, for float64 and float32, whose last places are worth 2**-53 and 2**-24.
NEGLIGIBLE = 64.0, 36.0
#: Rounding of squared distances, relative.
ROUNDING = 1e-12


@slot_loop
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
