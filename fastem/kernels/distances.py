"""Squared distances from the rows of a tile to points, four points by four columns at a time.

Sixteen coordinates stay in registers while the loop crosses the tile, as in `ellipsoidal`. Rows and
points are subtracted before they are squared: |x|^2 - 2 x'p + |p|^2 would lose its digits where
rows lie far out and close together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.kernels.jit import jit
from fastem.kernels.tile import ROWS, STRIDE, THREE, TILE_ROWS, TWO, size

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
