"""A step of Lloyd's k-means over all rows, slot by slot.

Columns are contiguous, (D, n), so that SIMD lanes run across rows.
"""

import numpy as np

from fastem.kernels.jit import twins

#: Rows worked on at a time: their distances stay in the first-level cache.
BLOCK = 1024
#: Rows of a slot.
SLOT_ROWS = 8 * BLOCK


@twins
def step(slot, columns, weight, centres, labels, mass, sums, changed):
    """Label every row with its nearest centre and add up the rows of each label, a slot's.

    Parameters
    ----------
    slot : int
    columns : (D, n) float64, weight : (n,) float64, centres : (K, D) float64
    labels : (n,) int32
        Replaced; the first of equally near centres wins.
    mass : (n_slots, K), sums : (n_slots, K, D) float64
        Zeros on entry; n_slots is n / SLOT_ROWS, rounded up.
    changed : (n_slots,) int64
        Receives how many labels changed.
    """
    n_clusters, n_features = centres.shape
    nearest = np.empty(BLOCK)
    found = np.empty(BLOCK, np.int32)
    distances = np.empty(BLOCK)
    start = slot * SLOT_ROWS
    stop = min(start + SLOT_ROWS, columns.shape[1])
    n_changed = 0
    for first in range(start, stop, BLOCK):
        size = min(BLOCK, stop - first)
        nearest[:] = np.inf
        for k in range(n_clusters):
            distances[:] = 0.0
            for d in range(n_features):
                column = columns[d, first : first + size]
                centre = centres[k, d]
                for b in range(size):
                    step = column[b] - centre
                    distances[b] += step * step
            for b in range(size):
                closer = distances[b] < nearest[b]
                nearest[b] = distances[b] if closer else nearest[b]
                found[b] = k if closer else found[b]
        here, heft = labels[first : first + size], weight[first : first + size]
        for b in range(size):
            k = found[b]
            n_changed += here[b] != k
            here[b] = k
            mass[slot, k] += heft[b]
        for d in range(n_features):
            column = columns[d, first : first + size]
            for b in range(size):
                sums[slot, found[b], d] += heft[b] * column[b]
    changed[slot] = n_changed
