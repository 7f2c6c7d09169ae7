"""Rows in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fastem.density import Density
from fastem.moments import Moments
from fastem.rows.digest import Digest
from fastem.rows.source import Drawn, Limits, Pieces, Rows, Source, Weigh, tile_sums
from fastem.units import Units

#: Numbers of a long enough row.
FOLDED = 256
#: Numbers that are turned together.
TURNED = 2**20


@dataclass(frozen=True, eq=False)
class Array:
    """Rows in an array, and their weights.

    Parameters
    ----------
    X : (n_samples, n_features) float64 or float32, C order
        Finite. Never copied, never written to.
    sample_weight : (n_samples,) float64 or None
        Positive.
    """

    X: NDArray
    sample_weight: NDArray[np.float64] | None

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self.X.shape[0]

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.X.shape[1]

    @property
    def dtype(self) -> np.dtype:
        """float64 or float32."""
        return self.X.dtype


@dataclass(frozen=True, eq=False)
class Memory(Array, Source):
    """An array of rows, and what their weights are multiples of."""

    sample_weight: NDArray[np.float64] | None = None
    weight_unit: float = 1.0

    @property
    def pieces(self) -> Pieces | None:
        """Weights of rows that always come together."""
        if self.sample_weight is None:
            return None
        return Pieces.of_tiles(len(self.X), tile_sums(self.sample_weight))

    def take(self, numbers: NDArray[np.intp]) -> Drawn:
        """Rows by their numbers, and their weights; not copied if they are all."""
        if len(numbers) == len(self.X):
            return self.X, self.sample_weight
        weight = None if self.sample_weight is None else self.sample_weight[numbers]
        return self.X[numbers], weight

    def limits(self) -> Limits:
        """Smallest and largest number in each column."""
        return limits(self.X)

    def limits_along(self, axes: NDArray[np.float64]) -> Limits:
        """Smallest and largest number in each column of the rows times axes (n_features, m)."""
        return limits_along(self.X, axes)

    def digest(self) -> Digest:
        """What tells these rows and their weights from others."""
        return Digest.of(self.X, self.sample_weight)

    def widened(self) -> Self:
        """The same rows as float64."""
        return replace(self, X=self.X.astype(np.float64))

    def at(self, units: Units) -> MemoryRows:
        """The rows in the units of a fit."""
        return MemoryRows(self.X, self.sample_weight, units)


@dataclass(frozen=True, eq=False)
class MemoryRows(Array, Rows):
    """An array of rows and the units to work on it in."""

    units: Units

    @property
    def whole(self) -> Drawn | None:
        """All rows and their weights."""
        return self.X, self.sample_weight

    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows."""
        return density.summarise(self.X, self.sample_weight, self.units)

    def reweighted(self, weigh: Weigh) -> Self:
        """The same rows with the weights that a function gives them."""
        return replace(self, sample_weight=weigh(0, len(self.X), self.sample_weight))

    def some(self, which: slice | NDArray[np.intp]) -> MemoryRows:
        """Rows by their numbers, in the same units."""
        weight = None if self.sample_weight is None else self.sample_weight[which]
        return MemoryRows(np.ascontiguousarray(self.X[which]), weight, self.units)


class AscendingRows(MemoryRows):
    """A single column of float64 rows that ascend."""

    ascending = True


def limits(X: NDArray) -> Limits:
    """Smallest and largest number in each column; NaN where there is none."""
    # Along short rows NumPy is slow: several make a long one.
    fold = max(1, FOLDED // X.shape[1])
    folded = X[: len(X) // fold * fold].reshape(-1, fold * X.shape[1])
    rest = X[folded.size // X.shape[1] :]

    def of(ufunc: np.ufunc) -> NDArray[np.float64]:
        parts = [rest]
        if len(folded):
            parts.append(ufunc.reduce(folded, axis=0).reshape(fold, -1))
        return ufunc.reduce(np.concatenate(parts), axis=0).astype(np.float64)

    return of(np.fmin), of(np.fmax)


def limits_along(X: NDArray, axes: NDArray[np.float64]) -> Limits:
    """Smallest and largest number in each column of X times axes (n_features, m)."""
    step = max(1, TURNED // X.shape[1])

    def turned(start: int) -> NDArray:
        return X[start : start + step] @ axes

    return union(axes.shape[1], (limits(turned(start)) for start in range(0, len(X), step)))


def union(n_columns: int, blocks: Iterable[Limits]) -> Limits:
    """The limits of all blocks together, from those of each."""
    low = np.full(n_columns, np.inf)
    high = -low
    for least, most in blocks:
        low, high = np.fmin(low, least), np.fmax(high, most)
    return low, high
