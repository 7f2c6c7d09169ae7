"""Hierarchical clustering with a Gaussian for each group: one dendrogram, cut at any number.

Rows are merged by the criterion of `kernels.agglomeration`, that of unconstrained covariances
(mclust's VVV; V for one column), in coordinates that L. Scrucca and A. E. Raftery, Adv. Data Anal.
Classif. 9 (2015) 447, recommend: standardised columns are turned to their principal axes, and
each axis is divided by the square root of its standard deviation ("scaled SVD"). So the result does
not depend on the units of the columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastem.kernels.agglomeration import agglomerate
from fastem.units import location_and_spread

#: Rows that a dendrogram is made of, at most: its cost grows with their square.
MAX_ROWS = 2000
#: What is added to the variance of a group, as a share of the data's own: a parameter of Fraley's
#: criterion. With a hundredth the groups of iris are those that mclust begins with.
RIDGE = 0.01
#: Axes of less than this share of the largest variance, times their number, are rounding errors.
ROUNDING = 4 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Dendrogram:
    """Rows, and the order in which groups of them were merged.

    Parameters
    ----------
    X : (m, n_features)
        The rows, in the user's units.
    weight : (m,)
    merges : (m - 1, 2)
        Pairs of groups, each called by its first row, in the order of merging: coinciding rows
        before all others.
    distinct : (m,) bool
        Whether a row is the first of its kind.
    """

    X: NDArray
    weight: NDArray[np.float64]
    merges: NDArray[np.int64]
    distinct: NDArray[np.bool_]

    @classmethod
    def of(cls, X: NDArray, sample_weight: NDArray[np.float64] | None) -> Dendrogram:
        """Grow it, from at most `MAX_ROWS` rows, or a few more."""
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        _, first, copy_of = np.unique(X, axis=0, return_index=True, return_inverse=True)
        original = first[copy_of.ravel()]
        distinct = original == np.arange(len(X))
        together = np.bincount(original, weight, len(X))[distinct]
        copies = np.flatnonzero(~distinct)
        merges = np.empty((distinct.sum() - 1, 2), np.int64)
        agglomerate(_coordinates(X[distinct], together), together, RIDGE, merges)
        twins = np.column_stack([original[copies], copies])
        return cls(X, weight, np.concatenate([twins, np.flatnonzero(distinct)[merges]]), distinct)

    def cut(self, n_groups: int) -> NDArray[np.int32]:
        """Labels of the rows (m,) where the dendrogram has that many groups.

        Groups are numbered in the order of their first rows.
        """
        leader = np.arange(len(self.X))
        kept = self.merges[: len(self.X) - n_groups]
        leader[kept[:, 1]] = kept[:, 0]
        for row, before in enumerate(leader):  # a row's leader comes before it
            leader[row] = leader[before]
        return np.unique(leader, return_inverse=True)[1].ravel().astype(np.int32)


def _coordinates(X: NDArray, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows (m, n_axes) in the coordinates above, times what makes the mean variance 1.

    Products are summed by `einsum`, to the same bits for any number of BLAS's threads.
    """
    centre, _ = location_and_spread(X)
    rows = X - centre
    rows /= np.maximum(np.abs(rows).max(axis=0), np.finfo(float).tiny)
    share = weight / weight.sum()
    rows -= np.einsum("i,ij->j", share, rows)
    deviation = np.sqrt(np.einsum("i,ij,ij->j", share, rows, rows))
    rows /= np.where(deviation > 0, deviation, 1.0)
    correlation = np.einsum("i,ij,ik->jk", share, rows, rows)
    variances, axes = np.linalg.eigh(correlation)
    kept = variances > ROUNDING * len(variances) * variances[-1]
    if not kept.any():
        return np.zeros((len(X), 1))
    deviations = np.sqrt(variances[kept])
    return np.einsum("ij,jk->ik", rows, axes[:, kept] / np.sqrt(deviations * deviations.mean()))
