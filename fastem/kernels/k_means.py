"""k-means from k-means++ seeds: each start whole, or all of them step by step.

Where a start takes little work, one call of compiled code does all of it, and starts share the
threads. Where it takes long, slots of rows share them, a tile meets the centres of all starts while
it is in the cache, and between two steps Python sees Ctrl-C.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.kernels.distances import divide, tiled
from fastem.kernels.jit import jit
from fastem.kernels.lloyd import add_up, assign, lloyd
from fastem.kernels.seeding import draw, plus_plus, weigh
from fastem.kernels.tile import TILE_ROWS, buffer
from fastem.kernels.twins import twins

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


@twins
def _start(start, rows, tiles, weight, slot_rows, uniforms, n_steps, centres, labels):
    """One start, as of `k_means`. Loops stand where array expressions take long to compile."""
    n_slots, n_trials = -(-rows.shape[0] // slot_rows), uniforms.shape[2]
    close, masses = np.empty((1, rows.shape[0])), np.empty((n_slots, n_trials))
    points, drawn = np.empty((n_trials, rows.shape[1])), np.empty((1, n_trials), np.int64)
    scratch = buffer(6, rows)
    uniform, centre, label = uniforms[start : start + 1], centres[start], labels[start]
    _forget(weight, slot_rows, close, masses)
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
            _forget(weight, slot_rows, close, masses)
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
def _forget(weight, slot_rows, close, masses):
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
