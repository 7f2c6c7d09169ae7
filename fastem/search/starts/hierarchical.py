"""Starts from dendrograms: the groups of model-based hierarchical clustering, see `hierarchy`."""

from __future__ import annotations

import numpy as np

from fastem.rows import MemoryRows
from fastem.search.samples import Sample
from fastem.search.starts.k_means import k_means_plus_plus
from fastem.search.starts.labelled import Start, standard_rows


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
