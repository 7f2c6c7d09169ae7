"""Starts from dendrograms: the groups of model-based hierarchical clustering, see `hierarchy`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fastem.rows import MemoryRows
from fastem.search.hierarchy import MAX_ROWS
from fastem.search.samples import Sample
from fastem.search.starts.k_means import k_means_plus_plus
from fastem.search.starts.labelled import Start, standard_rows

#: Rows of a dendrogram that is one start among others: so many, or so many for each component.
ROWS, ROWS_PER_COMPONENT = 128, 12
#: With more columns determinants take too long.
MOST_COLUMNS = 16
#: Criteria of small dendrograms, where columns are few and where they are many.
SMALL = {
    "hierarchical-trace": ("trace", "trace"),
    "hierarchical-determinant": ("determinant", "turned diagonal"),
    "hierarchical-diagonal": ("diagonal", "diagonal"),
}


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


def small_groups(
    kind: str, sample: Sample, n_components: int, generators: list[np.random.Generator]
) -> list[Start]:
    """The groups of a small dendrogram by one of `SMALL`; where that is not enough, k-means++."""
    most = _most(n_components)
    if n_components > most:
        return k_means_plus_plus(sample, n_components, generators)
    start = _groups(sample, n_components, _criterion(kind, sample), most)
    others = generators[1:]
    return [start, *(k_means_plus_plus(sample, n_components, others) if others else ())]


def grow(kinds: Iterable[str], sample: Sample, n_components: int) -> None:
    """Grow the small dendrograms that starts of these kinds will ask for."""
    criteria = [_criterion(kind, sample) for kind in kinds if kind in SMALL]
    most = _most(n_components)
    if n_components <= most:
        sample.forest.grow(criteria, most)


def _most(n_components: int) -> int:
    """Rows of a small dendrogram, at most."""
    return min(max(ROWS, ROWS_PER_COMPONENT * n_components), MAX_ROWS)


def _criterion(kind: str, sample: Sample) -> str:
    return SMALL[kind][sample.n_features > MOST_COLUMNS]


def _groups(
    sample: Sample, n_components: int, criterion: str, most: int, *, finalist: bool = False
) -> Start:
    tree = sample.forest.tree(criterion, most)
    labels = tree.cut(n_components)
    rows, weight = standard_rows(MemoryRows(tree.X, tree.weight, sample.units))
    fewest = np.bincount(labels[tree.distinct], minlength=n_components).min()
    few = bool(fewest <= rows.shape[1] + 1)
    return Start.grouped(rows, weight, labels, n_components, pooled=few, finalist=finalist)
