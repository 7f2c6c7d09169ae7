"""Greedy k-means++, all starts at once, slot by slot of the rows; and distances for k-means.

Distances are computed four points by four columns at a time: sixteen coordinates stay in registers
while the loop crosses the tile, as in `ellipsoidal`. Rows and points are subtracted before they are
squared: |x|^2 - 2 x'p + |p|^2 would lose its digits where rows lie far out and close together.

Source: D. Arthur and S. Vassilvitskii, SODA 2007.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import jit
from fastem.compiler.slot_loop import slot_loop
from fastem.kernels.tile import ROWS, STRIDE, THREE, TILE_ROWS, TWO, buffer, size


def plus_plus(
    rows: NDArray[np.float64],
    tiles: NDArray[np.float64],
    weight: NDArray[np.float64],
    uniforms: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Seeds for k-means: of each round's draws, the one that leaves least is kept.

    Parameters
    ----------
    rows : (n, D), weight : (n,)
    tiles : (n_tiles, D * STRIDE)
        The same rows, as of `distances.tiled`.
    uniforms : (n_starts, K, n_trials)
        What rows are drawn by. The first seed has one draw only.

    Returns
    -------
    centres : (n_starts, K, D)
    """
    n_rows, n_features = rows.shape
    n_starts, n_clusters, n_trials = uniforms.shape
    slot_rows, _ = slots = divide(n_rows, n_clusters, n_features)
    nearest = np.full((n_starts, n_rows), np.inf)
    centres = np.empty((n_starts, n_clusters, n_features))
    all_masses = np.add.reduceat(weight, range(0, n_rows, slot_rows))[:, None]
    masses = np.repeat(all_masses, n_starts, axis=1)
    for k in range(n_clusters):
        n_drawn = 1 if k == 0 else n_trials
        drawn = np.empty((n_starts, n_drawn), np.int64)
        draw(weight, nearest, masses, slot_rows, uniforms[:, k, :n_drawn], drawn)
        chosen = drawn[:, 0]
        if n_drawn > 1:
            left = _weigh_all(tiles, weight, rows[drawn.ravel()], False, nearest, slots)
            chosen = drawn[range(n_starts), left.sum(axis=0).reshape(drawn.shape).argmin(axis=1)]
        centres[:, k] = rows[chosen]
        masses = _weigh_all(tiles, weight, rows[chosen], True, nearest, slots)
        spent = masses.sum(axis=0) <= 0.0  # fewer distinct rows than clusters: drawn anywhere
        nearest[spent], masses[:, spent] = np.inf, all_masses
    return centres


def _weigh_all(
    tiles: NDArray,
    weight: NDArray,
    points: NDArray,
    keep: bool,
    nearest: NDArray,
    slots: tuple[int, int],
) -> NDArray[np.float64]:
    """`weigh` all rows, slot by slot: (n_slots, n_points)."""
    slot_rows, n_slots = slots
    left = np.zeros((n_slots, len(points)))
    work = 3.0 * points.size * len(weight)
    _weigh_slot(work, n_slots, tiles, weight, slot_rows, points, keep, nearest, left)
    return left


@slot_loop
def _weigh_slot(slot, tiles, weight, slot_rows, points, keep, nearest, left):
    first = slot * slot_rows
    last = min(first + slot_rows, weight.shape[0])
    weigh(tiles, first, last, weight, points, keep, nearest, left[slot], buffer(4, tiles))


@jit
def weigh(tiles, first, last, weight, points, keep, nearest, left, distances):
    """Sums of weighted squared distances to the nearest centre, counting in each of some points.

    Parameters
    ----------
    tiles : (n_tiles, D * STRIDE)
    first, last : int
        Which rows are weighed, from the first of a tile.
    weight : (n,)
    points : (n_points, D)
        As many for each start.
    keep : bool
        Whether the points stay; then there is one for each start.
    nearest : (n_starts, n)
        Squared distance of each row to the nearest of the centres that stay.
    left : (n_points,)
        The sums are added to it.
    distances : flat, 4 columns
        Scratch.
    """
    n_points = points.shape[0]
    n_trials = n_points // nearest.shape[0]
    for start in range(first, last, TILE_ROWS):
        stop = min(start + TILE_ROWS, last)
        for a in range(0, n_points, 4):
            squared_distances(tiles[start // TILE_ROWS], points, a, distances)
            for p in range(a, min(a + 4, n_points)):
                near, line = nearest[p // n_trials, start:stop], size(p - a) * STRIDE
                left[p] += _potential(distances, line, weight[start:stop], keep, near)


@jit
def _potential(distances, line, weight, keep, nearest):
    potential = 0.0
    if keep:
        for b in range(size(nearest.shape[0])):
            nearest[b] = min(distances[line + b], nearest[b])
            potential += weight[b] * nearest[b]
    else:
        for b in range(size(nearest.shape[0])):
            potential += weight[b] * min(distances[line + b], nearest[b])
    return potential


@jit
def draw(weight, nearest, masses, slot_rows, uniforms, drawn):
    """Draw rows with probability proportional to weight times squared distance.

    Parameters
    ----------
    weight : (n,), nearest : (n_starts, n)
        Of each row, and its squared distance to the nearest centre: infinite where there is none.
    masses : (n_slots, n_starts)
        Sums of the products, or of the weights where there is no centre.
    slot_rows : int
        How many a slot holds.
    uniforms, drawn : (n_starts, n_trials)
    """
    last_slot = masses.shape[0] - 1
    for s in range(uniforms.shape[0]):
        total = 0.0
        for slot in range(masses.shape[0]):
            total += masses[slot, s]
        for t in range(uniforms.shape[1]):
            target = uniforms[s, t] * total
            running = 0.0
            slot = 0
            while slot < last_slot and running + masses[slot, s] <= target:
                running += masses[slot, s]
                slot += 1
            drawn[s, t] = 0
            for i in range(slot * slot_rows, weight.shape[0]):
                product = weight[i] if nearest[s, i] == np.inf else weight[i] * nearest[s, i]
                if product > 0.0:
                    running += product
                    drawn[s, t] = i
                    if running > target:
                        break


CACHE_LINE = 64

#: Slots that rows are divided into, at most, and tiles that one holds, at least;
MOST_SLOTS, LEAST_TILES = 64, 4
#: bytes that sums of all slots for one start may take, as long as there are MIN_SLOTS.
SLOTS_BYTES, MIN_SLOTS = 2**21, 4


def divide(n_rows: int, n_points: int, n_features: int) -> tuple[int, int]:
    """Rows of a slot, and the number of slots: by sizes alone, the same on any machine."""
    most = min(MOST_SLOTS, max(MIN_SLOTS, SLOTS_BYTES // (8 * n_points * n_features)))
    n_tiles = -(-n_rows // TILE_ROWS)
    tiles = max(LEAST_TILES, -(-n_tiles // most))
    return tiles * TILE_ROWS, -(-n_tiles // tiles)


def tiled(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """All tiles of the rows (n, D), transposed once for many looks: (n_tiles, D * STRIDE)."""
    n, n_features = rows.shape
    n_tiles, stride = -(-n // TILE_ROWS), int(STRIDE)
    size = n_tiles * n_features * stride
    raw = np.zeros(size + CACHE_LINE // 8)
    skip = -raw.ctypes.data % CACHE_LINE // 8
    tiles = raw[skip : skip + size].reshape(n_tiles, n_features, stride)
    whole = n // TILE_ROWS
    blocks = rows[: whole * TILE_ROWS].reshape(whole, TILE_ROWS, n_features)
    tiles[:whole, :, :TILE_ROWS] = blocks.swapaxes(1, 2)
    tiles[whole:, :, : n - whole * TILE_ROWS] = rows[whole * TILE_ROWS :].T
    return tiles.reshape(n_tiles, n_features * stride)


@jit
def squared_distances(tile, points, a, out):
    """To the points a to a + 3 of (P, D), a column each; the last one again beyond the end."""
    last, n_features = points.shape[0] - 1, points.shape[1]
    p0, p1 = points[a], points[min(a + 1, last)]
    p2, p3 = points[min(a + 2, last)], points[min(a + 3, last)]
    whole = n_features - n_features % 4
    for i in range(0, whole, 4):
        _add_4(tile, p0, p1, p2, p3, i, out)
    if n_features - whole >= 2:
        _add_2(tile, p0, p1, p2, p3, whole, out)
    if n_features % 2 == 1:
        _add_1(tile, p0, p1, p2, p3, n_features - 1, out)


@jit
def _add_1(tile, p0, p1, p2, p3, i, y):
    """Add the squares along column i; the first column, 0, overwrites."""
    a0, b0, c0, d0 = p0[i], p1[i], p2[i], p3[i]
    x0 = size(i) * STRIDE
    y1, y2, y3 = STRIDE, TWO * STRIDE, THREE * STRIDE
    if i == 0:
        for b in range(ROWS):
            x = tile[x0 + b]
            y[b] = (x - a0) * (x - a0)
            y[y1 + b] = (x - b0) * (x - b0)
            y[y2 + b] = (x - c0) * (x - c0)
            y[y3 + b] = (x - d0) * (x - d0)
    else:
        for b in range(ROWS):
            x = tile[x0 + b]
            y[b] += (x - a0) * (x - a0)
            y[y1 + b] += (x - b0) * (x - b0)
            y[y2 + b] += (x - c0) * (x - c0)
            y[y3 + b] += (x - d0) * (x - d0)


@jit
def _add_2(tile, p0, p1, p2, p3, i, y):
    """As `_add_1`, along two columns."""
    a0, b0, c0, d0 = p0[i], p1[i], p2[i], p3[i]
    i += 1
    a1, b1, c1, d1 = p0[i], p1[i], p2[i], p3[i]
    x1 = size(i) * STRIDE
    x0 = x1 - STRIDE
    y1, y2, y3 = STRIDE, TWO * STRIDE, THREE * STRIDE
    if i == 1:
        for b in range(ROWS):
            u, v = tile[x0 + b], tile[x1 + b]
            y[b] = (u - a0) * (u - a0) + (v - a1) * (v - a1)
            y[y1 + b] = (u - b0) * (u - b0) + (v - b1) * (v - b1)
            y[y2 + b] = (u - c0) * (u - c0) + (v - c1) * (v - c1)
            y[y3 + b] = (u - d0) * (u - d0) + (v - d1) * (v - d1)
    else:
        for b in range(ROWS):
            u, v = tile[x0 + b], tile[x1 + b]
            y[b] += (u - a0) * (u - a0) + (v - a1) * (v - a1)
            y[y1 + b] += (u - b0) * (u - b0) + (v - b1) * (v - b1)
            y[y2 + b] += (u - c0) * (u - c0) + (v - c1) * (v - c1)
            y[y3 + b] += (u - d0) * (u - d0) + (v - d1) * (v - d1)


@jit
def _add_4(tile, p0, p1, p2, p3, i, y):
    """As `_add_1`, along four columns."""
    a0, b0, c0, d0 = p0[i], p1[i], p2[i], p3[i]
    x0 = size(i) * STRIDE
    i += 1
    a1, b1, c1, d1 = p0[i], p1[i], p2[i], p3[i]
    i += 1
    a2, b2, c2, d2 = p0[i], p1[i], p2[i], p3[i]
    i += 1
    a3, b3, c3, d3 = p0[i], p1[i], p2[i], p3[i]
    x1, x2, x3 = x0 + STRIDE, x0 + TWO * STRIDE, x0 + THREE * STRIDE
    y1, y2, y3 = STRIDE, TWO * STRIDE, THREE * STRIDE
    if i == 3:
        for b in range(ROWS):
            u, v, w, x = tile[x0 + b], tile[x1 + b], tile[x2 + b], tile[x3 + b]
            y[b] = _squares(u - a0, v - a1, w - a2, x - a3)
            y[y1 + b] = _squares(u - b0, v - b1, w - b2, x - b3)
            y[y2 + b] = _squares(u - c0, v - c1, w - c2, x - c3)
            y[y3 + b] = _squares(u - d0, v - d1, w - d2, x - d3)
    else:
        for b in range(ROWS):
            u, v, w, x = tile[x0 + b], tile[x1 + b], tile[x2 + b], tile[x3 + b]
            y[b] += _squares(u - a0, v - a1, w - a2, x - a3)
            y[y1 + b] += _squares(u - b0, v - b1, w - b2, x - b3)
            y[y2 + b] += _squares(u - c0, v - c1, w - c2, x - c3)
            y[y3 + b] += _squares(u - d0, v - d1, w - d2, x - d3)


@jit
def _squares(u, v, w, x):
    return u * u + v * v + w * w + x * x
