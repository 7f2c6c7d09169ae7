"""Greedy k-means++, all starts at once, slot by slot of the rows.

Source: D. Arthur and S. Vassilvitskii, SODA 2007.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.kernels.distances import divide, squared_distances
from fastem.kernels.jit import jit
from fastem.kernels.tile import STRIDE, TILE_ROWS, buffer, size
from fastem.kernels.twins import twins


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
    everyone = np.add.reduceat(weight, range(0, n_rows, slot_rows))[:, None]
    masses = np.repeat(everyone, n_starts, axis=1)
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
        nearest[spent], masses[:, spent] = np.inf, everyone
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


@twins
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
