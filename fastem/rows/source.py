"""The contract of a place where rows live, before and after a fit has chosen its units.

    Source --at(units)--> Rows --summarise(density)--> Moments
       |
       +--draw--> a few rows in memory, which restarts race on

A place is one file beside this one with a `Source` and a `Rows`. Nothing else in the package asks
where rows live.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem.density import Density
from fastem.kernels.tile import TILE_ROWS
from fastem.moments import Moments
from fastem.rows.digest import Digest
from fastem.units import Units

#: Some rows (n, n_features) and their weights (n,), if they have any.
Drawn = tuple[NDArray, NDArray[np.float64] | None]
#: Smallest and largest number in each column.
Limits = tuple[NDArray[np.float64], NDArray[np.float64]]
#: New weights (n,) of some whole pieces that follow each other: from the number of the first row
#: among those that count, how many they are, and the weights that they have, if any.
Weigh = Callable[[int, int, NDArray | None], NDArray[np.float64]]


class Pieces(NamedTuple):
    """Rows that are never given out but together, and their weights.

    Parameters
    ----------
    begins : (n_pieces,) int
        Rows that count before each; two are the same where one has no rows.
    sums : (n_pieces,)
        Of the weights handed out.
    """

    begins: NDArray[np.int64]
    sums: NDArray[np.float64]

    @classmethod
    def of_tiles(cls, n: int, sums: NDArray[np.float64]) -> Pieces:
        """Those of n rows that come in whole tiles, in memory or in blocks of a stream."""
        return cls(np.arange(0, n, TILE_ROWS), sums)


def tile_sums(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of the weights of each tile of rows."""
    with np.errstate(over="ignore"):
        return np.add.reduceat(weight, np.arange(0, len(weight), TILE_ROWS))


def weight_unit(heaviest: float) -> float:
    """What weights are to be multiples of, from the largest of them: they will be near 1."""
    return float(np.exp2(np.floor(np.log2(heaviest)))) if heaviest else 1.0


class Rows(ABC):
    """Rows in the units of a fit.

    Attributes
    ----------
    units : Units
    ascending : bool
        Whether these are a single column's, in their order, that one thread works on.
    ordered : bool
        Whether passes are made in an order, where components are many.
    """

    units: Units
    ascending: bool = False
    ordered: bool = False

    @property
    @abstractmethod
    def dtype(self) -> np.dtype:
        """float64 or float32."""

    @property
    def precision(self) -> float:
        """Relative rounding error of a pass over these rows."""
        return float(np.finfo(self.dtype).eps)

    @property
    def whole(self) -> Drawn | None:
        """All rows and their weights, if they are at hand in one array."""
        return None

    @abstractmethod
    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows under a density in these units."""

    @abstractmethod
    def reweighted(self, weigh: Weigh) -> Rows:
        """The same rows with the weights that a function gives them, in whatever pieces."""


@dataclass(frozen=True, eq=False)
class SourceRows(Rows):
    """Rows that are read anew at every pass.

    Parameters
    ----------
    source : Source
    units : Units
        To work on them in.
    weigh : callable, optional
        What gives the rows other weights.
    """

    source: Source
    units: Units
    weigh: Weigh | None = None

    @property
    def dtype(self) -> np.dtype:
        """float64 or float32."""
        return self.source.dtype

    def reweighted(self, weigh: Weigh) -> Self:
        """The same rows with the weights that a function gives them, where they are read."""
        return replace(self, weigh=weigh)


class Source(ABC):
    """Finite numbers in rows and columns, in the user's units, each row with its weight.

    Rows of weight 0 are left out.

    Attributes
    ----------
    complete : bool
        Whether no row lacks a column.
    """

    complete: bool = True

    @property
    def name(self) -> str:
        """What messages call the rows."""
        return "X"

    @property
    def weight_unit(self) -> float:
        """What the weights handed out are multiples of, a power of two: they are near 1."""
        return 1.0

    @property
    @abstractmethod
    def n_samples(self) -> int:
        """Number of rows."""

    @property
    @abstractmethod
    def pieces(self) -> Pieces | None:
        """Weights of rows that always come together; None where rows have none of their own."""

    @property
    def total(self) -> float:
        """Sum of the weights handed out, or number of rows that have none."""
        pieces = self.pieces
        return float(self.n_samples if pieces is None else pieces.sums.sum())

    @property
    @abstractmethod
    def n_features(self) -> int:
        """Number of columns."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype:
        """float64 or float32."""

    @abstractmethod
    def take(self, numbers: NDArray[np.intp]) -> Drawn:
        """Rows by their numbers, which are distinct and ascend, and their weights."""

    def look(self, n: int) -> NDArray:
        """About n rows, at most 2 n, evenly spaced: what units are chosen from."""
        return self.take(np.arange(0, self.n_samples, max(1, self.n_samples // n)))[0]

    @abstractmethod
    def limits(self) -> Limits:
        """Smallest and largest number in each column, (n_features,)."""

    @abstractmethod
    def limits_along(self, axes: NDArray[np.float64]) -> Limits:
        """Smallest and largest number in each column of the rows times axes (n_features, m)."""

    @abstractmethod
    def digest(self) -> Digest:
        """What tells these rows, and the weights handed out, from others, wherever they live."""

    def draw(self, n: int, rng: np.random.Generator) -> Drawn:
        """At most n rows drawn without replacement, in their order, and their weights.

        They are the same rows wherever these live.
        """
        if n >= self.n_samples:
            return self.take(np.arange(self.n_samples))
        return self.take(np.sort(rng.choice(self.n_samples, n, replace=False, shuffle=False)))

    @abstractmethod
    def widened(self) -> Source:
        """The same rows as float64."""

    @abstractmethod
    def at(self, units: Units) -> Rows:
        """The rows in the units of a fit."""


#: Rows as a user gives them.
RowsLike = ArrayLike | Source | os.PathLike | Sequence[os.PathLike]
