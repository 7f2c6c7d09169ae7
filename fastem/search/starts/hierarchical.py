"""Starts from dendrograms: the groups of model-based hierarchical clustering, see `hierarchy`."""

from __future__ import annotations

import numpy as np

from fastem.rows import MemoryRows
from fastem.search.hierarchy import MAX_ROWS
from fastem.search.samples import Sample
from fastem.search.starts.k_means import k_means_plus_plus
from fastem.search.starts.labelled import Start, standard_rows

#: Rows of a dendrogram that is one start among others: so many, or so many for each component.
ROWS, ROWS_PER_COMPONENT = 128, 12
#: With more columns determinants take too long, and the criterion is the diagonal one.
MOST_COLUMNS = 16


def hierarchical(
    sample: Sample, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """The groups of the rows' dendrogram; where more starts are wanted, the others by k-means++.

    Raises
    ------
    ValueError
        If there are more components than rows in the dendrogram.
    """
    n_rows = len(sample.forest.tree().X)
    if n_components > n_rows:
        raise ValueError(
            f"init='hierarchical' looks at {n_rows} rows and cannot part them into "
            f"n_components={n_components}; use init='k-means++'"
        )
    start = _groups(sample, n_components, "trace", MAX_ROWS, finalist=True)
    others = generators[1:]
    return [start, *(k_means_plus_plus(sample, n_components, others) if others else ())]


def spherical_groups(
    sample: Sample, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """The groups of a small dendrogram by the trace; where that is not enough, k-means++."""
    return _of_small(sample, n_components, "trace", generators)


def full_groups(
    sample: Sample, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """The same by the determinant."""
    criterion = "determinant" if sample.n_features <= MOST_COLUMNS else "turned diagonal"
    return _of_small(sample, n_components, criterion, generators)


def diagonal_groups(
    sample: Sample, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """The same by the variances of the columns."""
    return _of_small(sample, n_components, "diagonal", generators)


def _of_small(
    sample: Sample, n_components: int, criterion: str, generators: list[np.random.Generator]
) -> list[Start]:
    most = min(max(ROWS, ROWS_PER_COMPONENT * n_components), MAX_ROWS)
    if n_components > most:
        return k_means_plus_plus(sample, n_components, generators)
    start = _groups(sample, n_components, criterion, most)
    others = generators[1:]
    return [start, *(k_means_plus_plus(sample, n_components, others) if others else ())]


def _groups(
    sample: Sample, n_components: int, criterion: str, most: int, *, finalist: bool = False
) -> Start:
    tree = sample.forest.tree(criterion, most)
    labels = tree.cut(n_components)
    rows, weight = standard_rows(MemoryRows(tree.X, tree.weight, sample.units))
    fewest = np.bincount(labels[tree.distinct], minlength=n_components).min()
    few = bool(fewest <= rows.shape[1] + 1)
    return Start.grouped(rows, weight, labels, n_components, pooled=few, finalist=finalist)
