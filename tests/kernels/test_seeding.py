"""Seeds for k-means, and the distances they are chosen by, against plain NumPy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastem.kernels import seeding
from fastem.kernels.seeding import divide, draw, plus_plus, squared_distances, tiled, weigh
from fastem.kernels.tile import STRIDE, TILE_ROWS, buffer


def squared(rows, points):
    return ((rows[:, None] - points) ** 2).sum(axis=2)


@pytest.mark.parametrize("n", [1, 511, 512, 513])
def test_tiles_start_on_a_cache_line_and_hold_the_rows(n):
    rows = np.random.default_rng(0).normal(size=(n, 3))
    tiles = tiled(rows)
    assert tiles.ctypes.data % 64 == 0
    by_row = tiles.reshape(len(tiles), 3, -1)[:, :, :TILE_ROWS].swapaxes(1, 2).reshape(-1, 3)
    assert_array_equal(by_row[:n], rows)


@pytest.mark.parametrize("D", [1, 2, 3, 4, 5, 7, 8])
def test_distances_to_four_points_of_any_number_of_columns(D):
    rng = np.random.default_rng(D)
    rows, points = rng.normal(size=(TILE_ROWS, D)), rng.normal(size=(6, D))
    tiles = tiled(rows)
    for a in 0, 4:
        out = buffer.py_func(4, tiles)
        squared_distances(tiles[0], points, a, out)
        found = out[: 4 * STRIDE].reshape(4, -1)[:, :TILE_ROWS]
        # Beyond the end the last point stands again.
        expected = squared(rows, points[np.minimum(range(a, a + 4), 5)])
        assert_allclose(found.T, expected, rtol=1e-13)


@pytest.mark.parametrize("keep", [False, True])
def test_what_points_leave(keep):
    """Two starts with two points each, or one of each that stays."""
    rng = np.random.default_rng(0)
    rows, weight = rng.normal(size=(700, 3)), rng.exponential(size=700)
    points, nearest = rng.normal(size=(2 if keep else 4, 3)), rng.exponential(size=(2, 700))
    before, left = nearest.copy(), np.ones(len(points))
    tiles = tiled(rows)
    weigh(tiles, 0, 700, weight, points, keep, nearest, left, buffer.py_func(4, tiles))
    reached = np.minimum(np.repeat(before, len(points) // 2, axis=0), squared(rows, points).T)
    assert_allclose(left, 1.0 + reached @ weight, rtol=1e-12)
    assert_allclose(nearest, reached if keep else before, rtol=1e-13)


@pytest.mark.parametrize("slot_rows", [4, 64])
def test_rows_are_drawn_in_proportion_to_their_products(slot_rows):
    """Oracle: NumPy's cumulative sums; the second start has no centre yet."""
    rng = np.random.default_rng(0)
    weight, nearest = rng.exponential(size=50), rng.exponential(size=(2, 50))
    weight[::7], nearest[0, 3:9], nearest[1] = 0.0, 0.0, np.inf
    products = np.where(np.isinf(nearest), weight, weight * np.where(nearest < np.inf, nearest, 0))
    masses = np.add.reduceat(products, range(0, 50, slot_rows), axis=1).T.copy()
    uniforms, drawn = rng.random((2, 200)), np.empty((2, 200), np.int64)
    draw(weight, nearest, masses, slot_rows, uniforms, drawn)
    for s in range(2):
        running = np.cumsum(products[s])
        assert_array_equal(drawn[s], np.searchsorted(running, uniforms[s] * running[-1], "right"))


def test_of_each_round_the_draw_that_leaves_least_is_kept():
    """Three far groups and as many draws that no two seeds share one."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(3), 300)
    rows = rng.normal(size=(900, 2)) + 1e4 * groups[:, None]
    centres = plus_plus(rows, tiled(rows), np.ones(900), rng.random((10, 3, 4)))
    assert_array_equal(
        np.sort(np.rint(centres[:, :, 0] / 1e4), axis=1), np.tile([0, 1, 2], (10, 1))
    )


@pytest.mark.parametrize("n", [1, 2048, 2049, 10**6])
@pytest.mark.parametrize("K", [1, 500])
def test_slots_hold_all_rows_and_are_not_too_many(n, K):
    slot_rows, n_slots = divide(n, K, 10)
    assert slot_rows % TILE_ROWS == 0
    assert (n_slots - 1) * slot_rows < n <= n_slots * slot_rows
    assert n_slots == 1 or slot_rows >= seeding.LEAST_TILES * TILE_ROWS
    assert n_slots <= seeding.MOST_SLOTS
    assert n_slots <= seeding.MIN_SLOTS or n_slots * 8 * K * 10 <= seeding.SLOTS_BYTES
