"""Starts from random rows, and from random subsets of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.kernels.k_means import nearest
from fastem.rows import MemoryRows
from fastem.search.starts.labelled import Start, standard_rows

#: Rows of each component in a start by random subsets.
SUBSET_ROWS = 30


def random_rows(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """Random rows as centres, every row with its nearest."""
    rows, weight = standard_rows(sample)
    share = weight / weight.sum()
    chosen = [rng.choice(len(weight), n_components, replace=False, p=share) for rng in generators]
    return _nearest(rows, weight, rows[np.array(chosen)])


def random_subsets(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """For each component the mean and covariance of 30 random rows; equal weights."""
    rows, weight = standard_rows(sample)
    size = min(SUBSET_ROWS, len(weight))
    labels = np.repeat(np.arange(n_components, dtype=np.int32), size)
    starts = []
    for rng in generators:
        drawn = [rng.choice(len(weight), size, replace=False) for _ in range(n_components)]
        subset = rows[np.concatenate(drawn)]
        about = subset.reshape(n_components, size, -1).mean(axis=1)
        few = size <= rows.shape[1] + 1
        starts.append(Start(subset, np.ones(len(subset)), labels, about, few))
    return starts


def nearest_means(sample: MemoryRows, means: NDArray[np.float64]) -> Start:
    """Every row with the nearest of given means (n_components, n_features), in sample units."""
    rows, weight = standard_rows(sample)
    return _nearest(rows, weight, means[None])[0]


def _nearest(rows: NDArray, weight: NDArray, centres: NDArray) -> list[Start]:
    labels = nearest(rows, weight, np.ascontiguousarray(centres))
    return [Start(rows, weight, *pair) for pair in zip(labels, centres, strict=True)]
