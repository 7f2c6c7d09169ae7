"""Hierarchical clustering with a Gaussian for each group: one dendrogram, cut at any number.

Rows are merged by a criterion of `kernels.agglomeration`. mclust's for unconstrained covariances
(VVV) adds to |W / n| the trace over n, and beside that the determinant hardly counts: by the trace
alone groups are those that mclust begins with. L. Scrucca and A. E. Raftery, Adv. Data Anal.
Classif. 9 (2015) 447, recommend its coordinates: standardised columns are turned to their principal
axes, and each axis is divided by the square root of its standard deviation ("scaled SVD").
Dendrograms of other criteria part the rows otherwise, and lead EM to other maxima.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.threads import n_threads
from fastem.eigen import eigh
from fastem.kernels import agglomeration
from fastem.rows.source import Drawn
from fastem.units import location_and_spread

#: Rows that a dendrogram is made of, at most: its cost grows with their square.
MAX_ROWS = 2000
#: Floating point operations that a pair of rows takes in a dendrogram of few columns, at least.
PAIR_WORK = 64.0
#: Axes of less than this share of the largest variance, times their number, are rounding errors.
ROUNDING = 4 * float(np.finfo(np.float64).eps)


class Criterion(NamedTuple):
    """How groups are merged.

    Parameters
    ----------
    code : int
        Of `kernels.agglomeration`.
    ridge : float
        In mean variances of a column.
    turned : bool
        Whether columns are turned to their principal axes and scaled, or standardised only.
    """

    code: int
    ridge: float
    turned: bool


#: Criteria by the shape of the groups that they favour.
CRITERIA = {
    "trace": Criterion(agglomeration.TRACE, 1.0, True),
    "determinant": Criterion(agglomeration.DETERMINANT, 1.0, True),
    "diagonal": Criterion(agglomeration.DIAGONAL, 0.1, False),
    "turned diagonal": Criterion(agglomeration.DIAGONAL, 0.1, True),
}


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
    def of(
        cls, X: NDArray, sample_weight: NDArray[np.float64] | None, criterion: str = "trace"
    ) -> Dendrogram:
        """Grow it, by one of `CRITERIA`."""
        by = CRITERIA[criterion]
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        _, first, copy_of = np.unique(X, axis=0, return_index=True, return_inverse=True)
        original = first[copy_of.ravel()]
        distinct = original == np.arange(len(X))
        together = np.bincount(original, weight, len(X))[distinct]
        copies = np.flatnonzero(~distinct)
        merges = np.empty((distinct.sum() - 1, 2), np.int64)
        rows = coordinates(X[distinct], together, by.turned)
        sums = np.zeros((len(rows), agglomeration.n_sums(by.code, rows.shape[1])))
        agglomeration.agglomerate(rows, together, by.code, by.ridge, sums, merges)
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


@dataclass(frozen=True, eq=False)
class Forest:
    """Dendrograms of the same rows, each grown when it is first asked for.

    Parameters
    ----------
    draw : callable
        Gives so many rows and their weights, or a few more: the same ones at every call.
    """

    draw: Callable[[int], Drawn]
    _grown: dict[tuple[str, int], Dendrogram] = field(default_factory=dict, init=False, repr=False)

    def tree(self, criterion: str = "trace", most: int = MAX_ROWS) -> Dendrogram:
        """That of at most so many rows, by one of `CRITERIA`."""
        if (criterion, most) not in self._grown:
            self._grown[criterion, most] = Dendrogram.of(*self.draw(most), criterion)
        return self._grown[criterion, most]

    def grow(self, criteria: Sequence[str], most: int) -> None:
        """Grow those that are to be asked for, side by side on threads where that pays."""
        missing = [by for by in criteria if (by, most) not in self._grown]
        threads = min(n_threads(PAIR_WORK * most**2), len(missing))
        if threads < 2:
            return
        of = partial(Dendrogram.of, *self.draw(most))
        with ThreadPoolExecutor(threads, "fastem grows") as workers:
            grown = list(workers.map(of, missing))
        self._grown.update({(by, most): tree for by, tree in zip(missing, grown, strict=True)})


def coordinates(X: NDArray, weight: NDArray[np.float64], turned: bool) -> NDArray[np.float64]:
    """Rows (m, n_axes) standardised, or in the coordinates above with a mean variance of 1.

    Products are summed by `einsum`, to the same bits for any number of BLAS's threads.
    """
    centre, _ = location_and_spread(X)
    rows = X - centre
    rows /= np.maximum(np.abs(rows).max(axis=0), np.finfo(float).tiny)
    share = weight / weight.sum()
    rows -= np.einsum("i,ij->j", share, rows)
    deviation = np.sqrt(np.einsum("i,ij,ij->j", share, rows, rows))
    rows /= np.where(deviation > 0, deviation, 1.0)
    if not turned:
        return rows
    rows *= np.sqrt(share)[:, None]
    few = rows.shape[0] < rows.shape[1]  # whose products with each other have the same eigenvalues
    products = np.einsum("ij,kj->ik" if few else "ij,ik->jk", rows, rows)
    variances, axes = eigh(products)
    kept = variances > ROUNDING * rows.shape[1] * variances[-1]
    if not kept.any():
        return np.zeros((len(X), 1))
    deviations = np.sqrt(variances[kept])
    along = axes[:, kept] * deviations if few else np.einsum("ij,jk->ik", rows, axes[:, kept])
    return along / np.sqrt(share)[:, None] / np.sqrt(deviations * deviations.mean())
