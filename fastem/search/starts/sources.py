"""Where starts come from, by the names that users know.

k-means++: D. Arthur and S. Vassilvitskii, SODA 2007; its use for mixtures: J. Bloemer and K. Bujna,
PAKDD 2016; model-based hierarchical clustering: see `hierarchy`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fastem.kernels.k_means import k_means, nearest
from fastem.rows import MemoryRows
from fastem.search.samples import Sample
from fastem.search.starts.labelled import Start, standard_rows

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
    rows, weight = standard_rows(sample)
    centres, labels = k_means(rows, weight, uniforms, LLOYD_STEPS)
    return [Start(rows, weight, *pair) for pair in zip(labels, centres, strict=True)]


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
    rows, weight = standard_rows(MemoryRows(tree.X, tree.weight, sample.units))
    sums = np.stack([np.bincount(labels, weight * column) for column in rows.T], axis=1)
    about = sums / np.bincount(labels, weight)[:, None]
    fewest = np.bincount(labels[tree.distinct], minlength=n_components).min()
    few = bool(fewest <= rows.shape[1] + 1)
    start = Start(rows, weight, labels, about, pooled=few, finalist=True)
    others = generators[1:]
    return [start, *(k_means_plus_plus(sample, n_components, others) if others else ())]


#: The starts that `fit` knows by name.
STARTS: dict[str, Callable[[Sample, int, list[np.random.Generator]], list[Start]]] = {
    "k-means++": k_means_plus_plus,
    "random": random_rows,
    "random-subsets": random_subsets,
    "hierarchical": hierarchical,
}


def _nearest(rows: NDArray, weight: NDArray, centres: NDArray) -> list[Start]:
    labels = nearest(rows, weight, np.ascontiguousarray(centres))
    return [Start(rows, weight, *pair) for pair in zip(labels, centres, strict=True)]
