"""Seeds for EM: k-means++ and steps of Lloyd's k-means, each start on a thread of its own.

Columns, not rows, are contiguous here (`columns` is (D, m)), so that SIMD lanes run across rows.
Loops stand where NumPy's array expressions would do: each of those takes as long to compile as a
function of ours.
"""

import numpy as np

from fastem.kernels.jit import jit, twins

#: Rows worked on at a time: their distances stay in the first-level cache.
BLOCK = 1024


@jit
def _squared_distances(columns, start, stop, centre, out):
    for b in range(stop - start):
        out[b] = 0.0
    for d in range(columns.shape[0]):
        column = columns[d, start:stop]
        c = centre[d]
        for b in range(stop - start):
            step = column[b] - c
            out[b] += step * step


@jit
def _draw(mass, total, uniform):
    """Index drawn with probability proportional to mass."""
    target = uniform * total
    running = 0.0
    last = 0
    for i in range(mass.shape[0]):
        if mass[i] > 0.0:
            running += mass[i]
            last = i
            if running > target:
                return i
    return last


@jit
def _potential(columns, weight, centre, keep, nearest, mass, distances):
    """Sum of weighted squared distances to the nearest centre, counting in a new one.

    Parameters
    ----------
    keep : bool
        Whether the new centre stays.
    nearest : (m,)
        Squared distance of each row to the nearest of the centres that stay.
    mass : (m,)
        The same times weight.
    distances : (BLOCK,)
        Scratch.
    """
    n_rows = columns.shape[1]
    potential = 0.0
    for start in range(0, n_rows, BLOCK):
        stop = min(start + BLOCK, n_rows)
        _squared_distances(columns, start, stop, centre, distances)
        here, heft = nearest[start:stop], weight[start:stop]
        for b in range(stop - start):
            potential += heft[b] * min(distances[b], here[b])
        if keep:
            product = mass[start:stop]
            for b in range(stop - start):
                here[b] = min(distances[b], here[b])
                product[b] = heft[b] * here[b]
    return potential


@jit
def _restart(weight, mass):
    """Let every row be drawn by its weight; returns the sum."""
    total = 0.0
    for i in range(weight.shape[0]):
        mass[i] = weight[i]
        total += weight[i]
    return total


@jit
def _plus_plus(columns, weight, uniforms, centres, nearest, mass, distances):
    """Greedy k-means++ (Arthur and Vassilvitskii 2007): of each round's draws, the best is kept."""
    n_clusters, n_trials = uniforms.shape
    for i in range(nearest.shape[0]):
        nearest[i] = np.inf
    total = _restart(weight, mass)
    for k in range(n_clusters):
        centre = centres[k]
        best, best_total = 0, np.inf
        # One round more than there are trials: the last one keeps the best.
        for trial in range((1 if k == 0 else n_trials) + 1):
            keep = trial == n_trials or (k == 0 and trial == 1)
            candidate = best if keep else _draw(mass, total, uniforms[k, trial])
            for d in range(columns.shape[0]):
                centre[d] = columns[d, candidate]
            potential = _potential(columns, weight, centre, keep, nearest, mass, distances)
            if potential < best_total:
                best, best_total = candidate, potential
        total = best_total
        if total <= 0.0:  # fewer distinct rows than clusters: the rest are drawn anywhere
            total = _restart(weight, mass)


@jit
def _assign(columns, centres, labels, nearest, distances):
    """Label every row with its nearest centre; the first one wins a tie."""
    n_rows = columns.shape[1]
    for start in range(0, n_rows, BLOCK):
        stop = min(start + BLOCK, n_rows)
        here = labels[start:stop]
        for b in range(stop - start):
            nearest[b] = np.inf
            here[b] = 0
        for k in range(centres.shape[0]):
            _squared_distances(columns, start, stop, centres[k], distances)
            for b in range(stop - start):
                closer = distances[b] < nearest[b]
                nearest[b] = distances[b] if closer else nearest[b]
                here[b] = k if closer else here[b]


@jit
def _recentre(columns, weight, labels, centres, mass, sums):
    """Move every centre to the mean of its rows; one without rows stays."""
    n_clusters, n_features = centres.shape
    for k in range(n_clusters):
        mass[k] = 0.0
        for d in range(n_features):
            sums[k, d] = 0.0
    for i in range(labels.shape[0]):
        mass[labels[i]] += weight[i]
    for d in range(n_features):
        for i in range(labels.shape[0]):
            sums[labels[i], d] += weight[i] * columns[d, i]
    for k in range(n_clusters):
        if mass[k] > 0.0:
            for d in range(n_features):
                centres[k, d] = sums[k, d] / mass[k]


@twins
def seed(start, columns, weight, uniforms, n_steps, centres, labels):
    """A start by k-means++ and Lloyd, for each set of uniform numbers.

    Parameters
    ----------
    start : int
    columns : (D, m) float64
    weight : (m,) float64
    uniforms : (n_starts, K, n_trials) float64
    n_steps : int
        Of Lloyd's algorithm, at most: it ends where centres stay.
    centres : (n_starts, K, D) float64
        Receives the centres.
    labels : (n_starts, m) int32
        Receives each row's cluster.
    """
    n_rows = columns.shape[1]
    centre, label = centres[start], labels[start]
    sums = np.empty(centre.shape)
    distances, nearest, mass = np.empty(BLOCK), np.empty(n_rows), np.empty(n_rows)
    _plus_plus(columns, weight, uniforms[start], centre, nearest, mass, distances)
    nearest, mass = np.empty(BLOCK), np.empty(len(centre))
    before = np.empty(centre.shape)
    for _ in range(n_steps):
        _assign(columns, centre, label, nearest, distances)
        before[:] = centre
        _recentre(columns, weight, label, centre, mass, sums)
        if np.array_equal(before, centre):
            break
    _assign(columns, centre, label, nearest, distances)


@twins
def assign(start, columns, centres, labels):
    """Labels of the rows, (n_starts, m), by the nearest of given centres (n_starts, K, D)."""
    _assign(columns, centres[start], labels[start], np.empty(BLOCK), np.empty(BLOCK))


@jit
def label_moments(columns, weight, labels, about, counts, first, second):
    """Moments of labelled rows about given centres; `second` (K, D, D) is full, (K, D) squares.

    A label below 0 leaves its row out.
    """
    n_features = columns.shape[0]
    for i in range(labels.shape[0]):
        k = labels[i]
        if k < 0:
            continue
        w = weight[i]
        counts[k] += w
        for d in range(n_features):
            wz = w * (columns[d, i] - about[k, d])
            first[k, d] += wz
            if second.ndim == 3:
                for e in range(d + 1):
                    second[k, d, e] += wz * (columns[e, i] - about[k, e])
            else:
                second[k, d] += wz * (columns[d, i] - about[k, d])
