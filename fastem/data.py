"""Data: what the user gave, checked once and shared by every fit to it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.covariance import FAMILIES, Family
from fastem.rows import MemoryRows
from fastem.units import Units

#: Restarts race on this many rows for each free parameter, and on at least MIN_SAMPLE.
ROWS_PER_PARAMETER = 32
MIN_SAMPLE = 4096


@dataclass(frozen=True, eq=False)
class Data:
    """Validated rows, the sample of them that restarts race on, and whatever else fits can share.

    One seed goes with one Data: shared samples and starts are those of the first fit.
    """

    X: NDArray
    sample_weight: NDArray[np.float64] | None
    weight_unit: float = 1.0
    _shared: dict = field(default_factory=dict)

    @classmethod
    def of(cls, X: ArrayLike, sample_weight: ArrayLike | None) -> Data:
        """Check what the user gave; rows of weight 0 are left out."""
        X = validation.rows(X)
        weight = validation.sample_weight(sample_weight, len(X))
        if weight is None:
            return cls(X, None)
        if not weight.all():
            X, weight = X[weight > 0], weight[weight > 0]
        unit = float(np.exp2(np.floor(np.log2(weight.max()))))
        return cls(X, weight / unit, unit)

    def rows(self, kind: Family) -> MemoryRows:
        """All rows, in the exact units that suit the family."""

        def place() -> MemoryRows:
            units = Units.of(self.X, per_column=kind.per_column)
            return MemoryRows(self.X, self.sample_weight, units)

        return self.once(("rows", kind.per_column), place)

    def sample(self, kind: Family, n_components: int, seed: np.random.SeedSequence) -> MemoryRows:
        """The rows that restarts race on: the same ones for every fit of the same seed and size."""
        n_parameters = FAMILIES["full"].n_parameters(n_components, self.X.shape[1])
        wanted = max(MIN_SAMPLE, ROWS_PER_PARAMETER * n_parameters)
        # A power of two, so that fits of like size share their sample.
        size = min(len(self.X), 1 << (wanted - 1).bit_length())

        def draw() -> MemoryRows:
            rng = np.random.default_rng(seed)
            return self.rows(kind).sample(size, rng, per_column=kind.per_column)

        return self.once(("sample", kind.per_column, size), draw)

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` returns, made only at the first call with this key."""
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]
