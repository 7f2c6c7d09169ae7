"""Steps of Lloyd's k-means, all starts at once, slot by slot of the rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.kernels.distances import divide, squared_distances
from fastem.kernels.jit import jit
from fastem.kernels.tile import FOUR, ROWS, STRIDE, THREE, TILE_ROWS, TWO, buffer, size
from fastem.kernels.twins import twins

FIVE = size(5)


def step(
    rows: NDArray[np.float64],
    tiles: NDArray[np.float64],
    weight: NDArray[np.float64],
    centres: NDArray[np.float64],
    labels: NDArray[np.int32],
    starts: NDArray[np.int_],
) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Label every row, in place, with its nearest centre, in those starts.

    Parameters
    ----------
    rows : (n, D), weight : (n,)
    tiles : (n_tiles, D * STRIDE)
        The same rows, as of `distances.tiled`.
    centres : (n_starts, K, D), labels : (n_starts, n)
        The first of equally near centres wins.
    starts : (m,)

    Returns
    -------
    moved : (m, K, D)
        The mean of each centre's rows; one without rows stays.
    n_changed : (m,)
        How many labels changed.
    """
    here = centres[starts]
    m, n_clusters, n_features = here.shape
    slot_rows, n_slots = divide(len(rows), n_clusters, n_features)
    mass, sums = np.zeros((n_slots, m, n_clusters)), np.zeros((n_slots, *here.shape))
    changed = np.zeros((n_slots, m), np.int64)
    work = 3.0 * here.size * len(rows)
    _step_slot(
        work, n_slots, rows, tiles, weight, slot_rows, here, starts, labels, mass, sums, changed
    )
    total, summed = mass.sum(axis=0)[:, :, None], sums.sum(axis=0)
    moved = np.where(total > 0, summed / np.where(total > 0, total, 1.0), here)
    return moved, changed.sum(axis=0)


def lloyd(
    rows: NDArray[np.float64],
    tiles: NDArray[np.float64],
    weight: NDArray[np.float64],
    centres: NDArray[np.float64],
    n_steps: int,
) -> NDArray[np.int32]:
    """So many steps of k-means, at most, from centres (n_starts, K, D), which move.

    Returns
    -------
    labels : (n_starts, n)
        Each row's nearest centre.
    """
    labels = np.full((len(centres), len(rows)), -1, np.int32)
    moving = np.arange(len(centres))
    for _ in range(n_steps):
        moved, n_changed = step(rows, tiles, weight, centres, labels, moving)
        moving = moving[n_changed > 0]
        if not len(moving):
            return labels
        centres[moving] = moved[n_changed > 0]
    step(rows, tiles, weight, centres, labels, moving)
    return labels


@twins
def _step_slot(slot, rows, tiles, weight, slot_rows, centres, starts, labels, mass, sums, changed):
    """`assign` the rows of a slot and add them up, in each start.

    Parameters
    ----------
    slot, slot_rows : int
    rows, tiles, weight, labels
        As in `step`.
    centres : (m, K, D), starts : (m,)
    mass : (n_slots, m, K), sums : (n_slots, m, K, D), changed : (n_slots, m)
        Zeros on entry.
    """
    first = slot * slot_rows
    last = min(first + slot_rows, rows.shape[0])
    scratch = buffer(6, rows)
    for start in range(first, last, TILE_ROWS):
        stop = min(start + TILE_ROWS, last)
        for s in range(centres.shape[0]):
            label = labels[starts[s], start:stop]
            changed[slot, s] += assign(tiles[start // TILE_ROWS], centres[s], scratch, label)
            add_up(rows, start, weight, label, mass[slot, s], sums[slot, s])


@jit
def assign(tile, centres, scratch, label):
    """Label a tile's rows with their nearest centre; returns how many labels changed.

    `scratch`: flat, 6 columns.
    """
    least, found = FOUR * STRIDE, FIVE * STRIDE
    for b in range(ROWS):
        scratch[least + b] = np.inf
        scratch[found + b] = 0.0
    for a in range(0, centres.shape[0], 4):
        squared_distances(tile, centres, a, scratch)
        _compare(a, scratch)
    n_changed = 0
    for b in range(size(label.shape[0])):
        k = np.int32(scratch[found + b])
        n_changed += label[b] != k
        label[b] = k
    return n_changed


@jit
def _compare(a, scratch):
    """Keep the least distance and its centre, as a float, which takes as many lanes."""
    least, found = FOUR * STRIDE, FIVE * STRIDE
    k0 = np.float64(a)
    k1, k2, k3 = k0 + 1.0, k0 + 2.0, k0 + 3.0
    for b in range(ROWS):
        d0, d1 = scratch[b], scratch[STRIDE + b]
        d2, d3 = scratch[TWO * STRIDE + b], scratch[THREE * STRIDE + b]
        low, high = (d1 if d1 < d0 else d0), (d3 if d3 < d2 else d2)
        first, second = (k1 if d1 < d0 else k0), (k3 if d3 < d2 else k2)
        nearest, centre = (high if high < low else low), (second if high < low else first)
        closer = nearest < scratch[least + b]
        scratch[least + b] = nearest if closer else scratch[least + b]
        scratch[found + b] = centre if closer else scratch[found + b]


@jit
def add_up(rows, start, weight, label, mass, sums):
    """Add rows from `start` on, as many as there are labels, to the sums (K, D) of their labels."""
    for b in range(label.shape[0]):
        w = weight[start + b]
        row, total = rows[start + b], sums[label[b]]
        mass[label[b]] += w
        for d in range(row.shape[0]):
            total[d] += w * row[d]
