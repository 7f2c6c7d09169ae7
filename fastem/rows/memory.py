"""Rows in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastem.density import Density
from fastem.moments import Moments
from fastem.units import Units


@dataclass(frozen=True, eq=False)
class MemoryRows:
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

    def sample(self, n: int, rng: np.random.Generator, *, per_column: bool) -> MemoryRows:
        """At most n rows drawn without replacement, in their order, in standard units."""
        X, weight = self.X, self.sample_weight
        if n < len(X):
            chosen = np.sort(rng.choice(len(X), n, replace=False, shuffle=False))
            X = X[chosen]
            weight = None if weight is None else weight[chosen]
        return MemoryRows(X, weight, Units.standard(X, per_column=per_column))
