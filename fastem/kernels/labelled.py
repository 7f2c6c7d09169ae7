"""Moments of labelled rows: what an M step makes a start of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import jit_allocating, read_only
from fastem.kernels.wide import COLUMNS
from fastem.kernels.wide_matrices import add_product

#: Numbers of labelled rows that are worked on together, where there are many columns.
TOGETHER = 2**20


def label_moments(
    rows: NDArray[np.float64],
    weight: NDArray[np.float64],
    labels: NDArray[np.int32],
    about: NDArray[np.float64],
    counts: NDArray[np.float64],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
) -> None:
    """Moments of labelled rows (n, D) about given centres (K, D), added to the last three.

    Of matrices, `second` (K, D, D), only the lower triangles count; (K, D) holds squares. A
    label below 0 leaves its row out.
    """
    if second.ndim == 3 and rows.shape[1] >= COLUMNS:
        for k in range(len(about)):
            chosen = np.flatnonzero(labels == k)
            step = max(1, TOGETHER // rows.shape[1])
            for start in range(0, len(chosen), step):
                some = chosen[start : start + step]
                offsets = rows[some] - about[k]
                weighted = np.ascontiguousarray((weight[some, None] * offsets).T)
                counts[k] += weight[some].sum()
                first[k] += weighted.sum(axis=1)
                add_product(weighted, offsets, second[k])
        return
    rows, weight, about = read_only(rows), read_only(weight), read_only(about)
    _label_moments(rows, weight, read_only(labels), about, counts, first, second)


@jit_allocating
def _label_moments(rows, weight, labels, about, counts, first, second):
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
