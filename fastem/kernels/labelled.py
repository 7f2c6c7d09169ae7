"""Moments of labelled rows: what an M step makes a start of."""

import numpy as np

from fastem.kernels.jit import jit_allocating


@jit_allocating
def label_moments(rows, weight, labels, about, counts, first, second):
    """Moments of labelled rows (n, D) about given centres (K, D), added to the last three.

    Of matrices, `second` (K, D, D), only the lower triangles are written; (K, D) holds squares. A
    label below 0 leaves its row out.
    """
    n_features = rows.shape[1]
    offset = np.empty(n_features)
    for i in range(labels.shape[0]):
        k = labels[i]
        if k < 0:
            continue
        w = weight[i]
        row, centre, total = rows[i], about[k], first[k]
        counts[k] += w
        for d in range(n_features):
            offset[d] = row[d] - centre[d]
            total[d] += w * offset[d]
        if second.ndim == 3:
            for d in range(n_features):
                wz, line = w * offset[d], second[k, d]
                for e in range(d + 1):
                    line[e] += wz * offset[e]
        else:
            squares = second[k]
            for d in range(n_features):
                squares[d] += w * offset[d] * offset[d]
