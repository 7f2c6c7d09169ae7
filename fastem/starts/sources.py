"""Where starts come from, by the names that users know.

k-means++: D. Arthur and S. Vassilvitskii, SODA 2007; its use for mixtures: J. Bloemer and K. Bujna,
PAKDD 2016; model-based hierarchical clustering: see `hierarchy`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fastem.data import Sample
from fastem.kernels import seeding
from fastem.rows import MemoryRows
from fastem.starts.labelled import Start, standard_columns

#: Steps of k-means after k-means++, at most: in many columns a few leave clusters shared and split.
LLOYD_STEPS = 50
#: Rows of each component in a start by random subsets.
SUBSET_ROWS = 30


def k_means_plus_plus(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """Greedy k-means++ seeds and k-means after them, one start for each generator."""
    n_trials = 2 + int(np.log(n_components))
    uniforms = np.stack([rng.random((n_components, n_trials)) for rng in generators])
    columns, weight = standard_columns(sample)
    centres = np.empty((len(generators), n_components, len(columns)))
    labels = np.empty((len(generators), columns.shape[1]), np.int32)
    work = 3.0 * uniforms.size * columns.size
    seeding.seed(work, len(generators), columns, weight, uniforms, LLOYD_STEPS, centres, labels)
    return [Start(columns, weight, *pair) for pair in zip(labels, centres, strict=True)]


def random_rows(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """Random rows as centres, every row with its nearest."""
    columns, weight = standard_columns(sample)
    share = weight / weight.sum()
    chosen = [rng.choice(len(weight), n_components, replace=False, p=share) for rng in generators]
    return _nearest(columns, weight, np.stack([columns.T[rows] for rows in chosen]))


def random_subsets(
    sample: MemoryRows, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """For each component the mean and covariance of 30 random rows; equal weights."""
    columns, weight = standard_columns(sample)
    size = min(SUBSET_ROWS, len(weight))
    labels = np.repeat(np.arange(n_components, dtype=np.int32), size)
    starts = []
    for rng in generators:
        rows = np.concatenate(
            [rng.choice(len(weight), size, replace=False) for _ in range(n_components)]
        )
        subset = np.ascontiguousarray(columns[:, rows])
        about = subset.reshape(len(columns), n_components, size).mean(axis=2).T
        few = size <= len(columns) + 1
        starts.append(Start(subset, np.ones(len(rows)), labels, np.ascontiguousarray(about), few))
    return starts


def nearest_means(sample: MemoryRows, means: NDArray[np.float64]) -> Start:
    """Every row with the nearest of given means (n_components, n_features), in sample units."""
    columns, weight = standard_columns(sample)
    return _nearest(columns, weight, means[None])[0]


def hierarchical(
    sample: Sample, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """The groups of the rows' dendrogram; where more starts are wanted, the others by k-means++.

    Raises
    ------
    ValueError
        If there are more components than rows in the dendrogram.
    """
    tree = sample.dendrogram()
    if n_components > len(tree.X):
        raise ValueError(
            f"init='hierarchical' looks at {len(tree.X)} rows and cannot part them into "
            f"n_components={n_components}; use init='k-means++'"
        )
    labels = tree.cut(n_components)
    columns, weight = standard_columns(MemoryRows(tree.X, tree.weight, sample.units))
    sums = np.stack([np.bincount(labels, weight * column) for column in columns], axis=1)
    about = sums / np.bincount(labels, weight)[:, None]
    fewest = np.bincount(labels[tree.distinct], minlength=n_components).min()
    few = bool(fewest <= len(columns) + 1)
    start = Start(columns, weight, labels, about, pooled=few, finalist=True)
    others = generators[1:]
    return [start, *(k_means_plus_plus(sample, n_components, others) if others else ())]


#: The starts that `fit` knows by name.
STARTS: dict[str, Callable[[Sample, int, list[np.random.Generator]], list[Start]]] = {
    "k-means++": k_means_plus_plus,
    "random": random_rows,
    "random-subsets": random_subsets,
    "hierarchical": hierarchical,
}


def _nearest(columns: NDArray, weight: NDArray, centres: NDArray) -> list[Start]:
    labels = np.empty((len(centres), columns.shape[1]), np.int32)
    centres = np.ascontiguousarray(centres)
    work = 3.0 * centres.size * columns.shape[1]
    seeding.assign(work, len(centres), columns, centres, labels)
    return [Start(columns, weight, *pair) for pair in zip(labels, centres, strict=True)]
