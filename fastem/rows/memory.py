"""Rows in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastem.density import Density
from fastem.kernels.jit import fork_waits
from fastem.moments import Moments
from fastem.rows.source import Rows, Source
from fastem.units import Units

#: Numbers of a long enough row.
FOLDED = 256
#: Numbers that are turned together.
TURNED = 2**20


@dataclass(frozen=True, eq=False)
class Memory(Source):
    """An array of rows.

    Parameters
    ----------
    X : (n_samples, n_features) float64 or float32, C order
        Finite. Never copied, never written to.
    sample_weight : (n_samples,) float64 or None
        Positive.
    weight_unit : float
        What the weights are multiples of.
    """

    X: NDArray
    sample_weight: NDArray[np.float64] | None = None
    weight_unit: float = 1.0

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

    def look(self, n: int) -> NDArray:
        """About n rows, at most 2 n, evenly spaced."""
        return self.X[:: max(1, len(self.X) // n)]

    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Smallest and largest number in each column."""
        return limits(self.X)

    def limits_along(
        self, axes: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Smallest and largest number in each column of the rows times axes (n_features, m)."""
        return limits_along(self.X, axes)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[NDArray, NDArray[np.float64] | None]:
        """At most n rows drawn without replacement, in their order, and their weights."""
        if n >= len(self.X):
            return self.X, self.sample_weight
        chosen = np.sort(rng.choice(len(self.X), n, replace=False, shuffle=False))
        weight = None if self.sample_weight is None else self.sample_weight[chosen]
        return self.X[chosen], weight

    def widened(self) -> Memory:
        """The same rows as float64."""
        return Memory(self.X.astype(np.float64), self.sample_weight, self.weight_unit)

    def at(self, units: Units) -> MemoryRows:
        """The rows in the units of a fit."""
        return MemoryRows(self.X, self.sample_weight, units)


@dataclass(frozen=True, eq=False)
class MemoryRows(Rows):
    """An array of rows and the units to work on it in.

    Parameters
    ----------
    X : (n_samples, n_features) float64 or float32, C order
        Never copied, never written to.
    sample_weight : (n_samples,) float64 or None
        Positive.
    units : Units
    """

    X: NDArray
    sample_weight: NDArray[np.float64] | None
    units: Units

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self.X.shape[0]

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.X.shape[1]

    @property
    def precision(self) -> float:
        """Relative rounding error of a pass over these rows."""
        return float(np.finfo(self.X.dtype).eps)

    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows."""
        return density.summarise(self.X, self.sample_weight, self.units)


def limits(X: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest number in each column."""
    # Along short rows NumPy is slow: several make a long one.
    fold = max(1, FOLDED // X.shape[1])
    folded = X[: len(X) // fold * fold].reshape(-1, fold * X.shape[1])
    rest = X[folded.size // X.shape[1] :]

    def of(ufunc: np.ufunc) -> NDArray[np.float64]:
        parts = [rest]
        if len(folded):
            parts.append(ufunc.reduce(folded, axis=0).reshape(fold, -1))
        return ufunc.reduce(np.concatenate(parts), axis=0).astype(np.float64)

    return of(np.minimum), of(np.maximum)


def limits_along(
    X: NDArray, axes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest number in each column of X times axes (n_features, m)."""
    low = np.full(axes.shape[1], np.inf)
    high = -low
    step = max(1, TURNED // X.shape[1])
    for start in range(0, len(X), step):
        with fork_waits(TURNED):
            turned = X[start : start + step] @ axes
        here = limits(turned)
        low, high = np.minimum(low, here[0]), np.maximum(high, here[1])
    return low, high
