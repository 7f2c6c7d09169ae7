"""k-means from k-means++ seeds: each start whole, or all of them step by step.

Where a start takes little work, one call of compiled code does all of it, and starts share the
threads. Where it takes long, slots of rows share them, a tile meets the centres of all starts while
it is in the cache, and between two steps Python sees Ctrl-C.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import jit
from fastem.compiler.slot_loop import slot_loop
from fastem.kernels.seeding import divide, draw, plus_plus, squared_distances, tiled, weigh
from fastem.kernels.tile import FOUR, ROWS, STRIDE, THREE, TILE_ROWS, TWO, buffer, size

#: Numbers compared in a step, at most, of a start that is made whole.
LITTLE = 2e7
#: Starts made together: more would take more memory and gain nothing.
TOGETHER = 16


def k_means(
    rows: NDArray[np.float64],
    weight: NDArray[np.float64],
    uniforms: NDArray[np.float64],
    n_steps: int,
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Centres and labels by k-means++ and Lloyd's algorithm, for each set of uniform numbers.

    Parameters
    ----------
    rows : (n, D), weight : (n,)
    uniforms : (n_starts, K, n_trials)
    n_steps : int
        Of Lloyd's algorithm, at most: it ends where no row changes its centre.

    Returns
    -------
    centres : (n_starts, K, D)
    labels : (n_starts, n)
        Each row's nearest centre; the first one wins a tie.
    """
    n_starts, n_clusters, _ = uniforms.shape
    centres = np.empty((n_starts, n_clusters, rows.shape[1]))
    labels = np.empty((n_starts, len(rows)), np.int32)
    tiles = tiled(rows)
    compared = float(n_clusters * rows.size)
    if compared <= LITTLE:
        work = 3.0 * compared * (n_starts * (uniforms.shape[2] + n_steps))
        slot_rows, _ = divide(len(rows), n_clusters, rows.shape[1])
        _start(work, n_starts, rows, tiles, weight, slot_rows, uniforms, n_steps, centres, labels)
        return centres, labels
    for first in range(0, n_starts, TOGETHER):
        some = slice(first, first + TOGETHER)
        centres[some] = plus_plus(rows, tiles, weight, uniforms[some])
        labels[some] = lloyd(rows, tiles, weight, centres[some], n_steps)
    return centres, labels


def nearest(
    rows: NDArray[np.float64], weight: NDArray[np.float64], centres: NDArray[np.float64]
) -> NDArray[np.int32]:
    """Labels (n_starts, n) of the rows by the nearest of given centres (n_starts, K, D)."""
    tiles = tiled(rows)
    some = [
        lloyd(rows, tiles, weight, centres[first : first + TOGETHER], 0)
        for first in range(0, len(centres), TOGETHER)
    ]
    return some[0] if len(some) == 1 else np.concatenate(some)


@slot_loop
def _start(start, rows, tiles, weight, slot_rows, uniforms, n_steps, centres, labels):
    """One start, as of `k_means`. Loops stand where array expressions take long to compile."""
    n_slots, n_trials = -(-rows.shape[0] // slot_rows), uniforms.shape[2]
    close, masses = np.empty((1, rows.shape[0])), np.empty((n_slots, n_trials))
    points, drawn = np.empty((n_trials, rows.shape[1])), np.empty((1, n_trials), np.int64)
    scratch = buffer(6, rows)
    uniform, centre, label = uniforms[start : start + 1], centres[start], labels[start]
    _start_without_centres(weight, slot_rows, close, masses)
    for k in range(centre.shape[0]):
        n_points = 1 if k == 0 else n_trials
        draw(weight, close, masses, slot_rows, uniform[:, k, :n_points], drawn)
        _gather(rows, drawn[0], n_points, points)
        for keep in range(0 if n_points > 1 else 1, 2):
            best = _weigh(
                tiles, weight, slot_rows, points[:n_points], keep == 1, close, masses, scratch
            )
            for d in range(rows.shape[1]):
                points[0, d] = centre[k, d] = points[best, d]
            n_points = 1
        if not _any(masses):  # fewer distinct rows than clusters: the rest are drawn anywhere
            _start_without_centres(weight, slot_rows, close, masses)
    mass, sums = np.empty(centres.shape[1]), np.empty(centres.shape[1:])
    for i in range(label.shape[0]):
        label[i] = -1
    for step in range(n_steps + 1):
        changed = _step(rows, tiles, weight, centre, label, mass, sums, scratch)
        if changed == 0 or step == n_steps:
            break
        for k in range(mass.shape[0]):
            if mass[k] > 0.0:
                for d in range(rows.shape[1]):
                    centre[k, d] = sums[k, d] / mass[k]


@jit
def _start_without_centres(weight, slot_rows, close, masses):
    """No row is near a centre: each is drawn by its weight alone."""
    for slot in range(masses.shape[0]):
        masses[slot, 0] = 0.0
    for i in range(weight.shape[0]):
        close[0, i] = np.inf
        masses[i // slot_rows, 0] += weight[i]


@jit
def _gather(rows, drawn, n_points, points):
    for t in range(n_points):
        for d in range(rows.shape[1]):
            points[t, d] = rows[drawn[t], d]


@jit
def _weigh(tiles, weight, slot_rows, points, keep, close, masses, scratch):
    """`weigh` slot by slot; returns the point that leaves least."""
    for slot in range(masses.shape[0]):
        first = slot * slot_rows
        last = min(first + slot_rows, weight.shape[0])
        left = masses[slot]
        for t in range(points.shape[0]):
            left[t] = 0.0
        weigh(tiles, first, last, weight, points, keep, close, left, scratch)
    best, least = 0, np.inf
    for t in range(points.shape[0]):
        total = 0.0
        for slot in range(masses.shape[0]):
            total += masses[slot, t]
        best, least = (t, total) if total < least else (best, least)
    return best


@jit
def _any(masses):
    for slot in range(masses.shape[0]):
        if masses[slot, 0] > 0.0:
            return True
    return False


@jit
def _step(rows, tiles, weight, centres, labels, mass, sums, scratch):
    """As `lloyd.step`, one start; returns how many labels changed."""
    for k in range(mass.shape[0]):
        mass[k] = 0.0
        for d in range(sums.shape[1]):
            sums[k, d] = 0.0
    changed = 0
    for start in range(0, rows.shape[0], TILE_ROWS):
        stop = min(start + TILE_ROWS, rows.shape[0])
        label = labels[start:stop]
        changed += assign(tiles[start // TILE_ROWS], centres, scratch, label)
        add_up(rows, start, weight, label, mass, sums)
    return changed


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


@slot_loop
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
    # Beyond the end the last centre stands in; rounding may put it before itself.
    last = np.float64(centres.shape[0] - 1)
    for b in range(size(label.shape[0])):
        k = np.int32(min(scratch[found + b], last))
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
