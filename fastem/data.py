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
from fastem.units import Units, location_and_spread

#: Restarts race on this many rows for each free parameter, and on at least MIN_SAMPLE.
ROWS_PER_PARAMETER = 32
MIN_SAMPLE = 4096
#: Numbers between these have squares that float64 holds, twice their distance too.
SPREADS = 1e-153, 1e153
#: Magnitudes, in standard deviations, whose squares float64 sums without overflow.
FLOAT64_PEAK = 1e151
#: Magnitudes, in standard deviations, whose squares float32 sums without overflow.
FLOAT32_PEAK = 1e16


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
            X = self.once("tractable", lambda: _tractable(self.X))
            return MemoryRows(X, self.sample_weight, Units.of(X, per_column=kind.per_column))

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


def _tractable(X: NDArray) -> NDArray:
    """X, in float64 if squares would overflow in its own dtype.

    Raises
    ------
    ValueError
        If they would overflow or vanish even in float64.
    """
    low, high = SPREADS
    with np.errstate(over="ignore", invalid="ignore"):
        _, spread = location_and_spread(X)
        peak = np.maximum(X.max(axis=0), -X.min(axis=0)).astype(np.float64)
        fine = (spread > low) & (peak < high) & (peak / spread < FLOAT64_PEAK)
    if not fine.all():
        j = int(np.argmin(fine))
        raise ValueError(
            f"X column {j} has a spread of {spread[j]:g} and values up to {peak[j]:g}, whose "
            f"squares float64 cannot hold; multiply it by a constant, or drop the outliers"
        )
    if X.dtype == np.float32 and (peak / spread > FLOAT32_PEAK).any():
        return X.astype(np.float64)
    return X
