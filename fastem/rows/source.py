"""The contract of a place where rows live, before and after a fit has chosen its units.

    Source --at(units)--> Rows --summarise(density)--> Moments
       |
       +--draw--> a few rows in memory, which restarts race on

A place is one file beside this one with a `Source` and a `Rows`. Nothing else in the package asks
where rows live.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from fastem.density import Density
from fastem.moments import Moments
from fastem.units import Units

__all__ = ["Rows", "Source"]


class Rows(ABC):
    """Rows in the units of a fit.

    Attributes
    ----------
    units : Units
    """

    units: Units

    @property
    @abstractmethod
    def precision(self) -> float:
        """Relative rounding error of a pass over these rows."""

    @abstractmethod
    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows under a density in these units."""


class Source(ABC):
    """Finite numbers in rows and columns, in the user's units, each row with its weight.

    Rows of weight 0 are left out.
    """

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
    def n_features(self) -> int:
        """Number of columns."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype:
        """float64 or float32."""

    @abstractmethod
    def look(self, n: int) -> NDArray:
        """About n rows, at most 2 n, evenly spaced: what units are chosen from."""

    @abstractmethod
    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Smallest and largest number in each column, (n_features,)."""

    @abstractmethod
    def limits_along(
        self, axes: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Smallest and largest number in each column of the rows times axes (n_features, m)."""

    @abstractmethod
    def draw(self, n: int, rng: np.random.Generator) -> tuple[NDArray, NDArray[np.float64] | None]:
        """At most n rows drawn without replacement, in their order, and their weights."""

    @abstractmethod
    def widened(self) -> Source:
        """The same rows as float64."""

    @abstractmethod
    def at(self, units: Units) -> Rows:
        """The rows in the units of a fit."""
