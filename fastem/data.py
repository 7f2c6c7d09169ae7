"""Data: what the user gave, checked once and shared by every fit to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.covariance import FAMILIES, Family
from fastem.density import Density, Ellipsoidal
from fastem.hierarchy import MAX_ROWS, Dendrogram
from fastem.lazy import lazy
from fastem.moments import Moments
from fastem.ordering import Order
from fastem.rows import Memory, MemoryRows, Rows, Source, elsewhere
from fastem.rows.source import weight_unit
from fastem.units import LOOKED_AT, Units, location_and_spread

#: Restarts race on this many rows for each free parameter and for each component, and on at least
#: MIN_SAMPLE. At the maximum over m rows the mean log-likelihood of all rows is some p / 2m below
#: its own maximum, for p parameters: with 8 rows a parameter a sixteenth of a nat, too little to
#: mistake one basin for another. A component needs rows enough to be split and merged.
ROWS_PER_PARAMETER = 8
ROWS_PER_COMPONENT = 256
MIN_SAMPLE = 4096
#: In many columns a share of all rows will do if it is so many for each column of each component:
#: covariances are then within a fifth of their own.
ENOUGH = 24
#: From the sample that restarts race on, the winner goes on over samples so many times as large, as
#: long as they are no more than a share of all rows and of so many bytes. Each brings the winner so
#: many times nearer to the maximum of all rows for a fraction of the passes that this takes there.
GROWTH = 8
MOST_OF_ALL = 0.25
MOST_BYTES = 2**23
#: Numbers between these have squares that float64 holds, twice their distance too.
SPREADS = 1e-153, 1e153
#: Magnitudes, in standard deviations, whose squares float64 sums without overflow.
FLOAT64_PEAK = 1e151
#: Magnitudes, in standard deviations, whose squares float32 sums without overflow.
FLOAT32_PEAK = 1e16


@dataclass(frozen=True, eq=False)
class Sample(MemoryRows):
    """The rows that restarts race on, in standard units.

    Parameters
    ----------
    dendrogram : callable
        Gives that of at most `MAX_ROWS` rows, the same one for every sample of the same data.
    """

    dendrogram: Callable[[], Dendrogram]

    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows, in an order, for many more passes are to come."""
        order = self._order if density.prunable(len(self.X)) else None
        return density.summarise(self.X, self.sample_weight, self.units, order=order)

    @lazy
    def _order(self) -> Order:
        return Order.of(self.X, self.units)


@dataclass(frozen=True, eq=False)
class Data:
    """Validated rows, the sample of them that restarts race on, and whatever else fits can share.

    One seed goes with one Data: shared samples and starts are those of the first fit.

    Parameters
    ----------
    source : Source
    kept : (n,) bool, optional
        Which rows of those given are in the source, where some are of weight 0.
    """

    source: Source
    kept: NDArray[np.bool_] | None = None
    _shared: dict = field(default_factory=dict)

    @classmethod
    def of(cls, X: Any, sample_weight: ArrayLike | None) -> Data:
        """Check what the user gave; rows of weight 0 are left out."""
        source = elsewhere(X, sample_weight)
        if source is not None or isinstance(X, Source):
            return cls(X if source is None else source)
        X = validation.rows(X)
        weight = validation.sample_weight(sample_weight, len(X))
        if weight is None:
            return cls(Memory(X))
        kept = None
        if not weight.all():
            kept = weight > 0
            X, weight = X[kept], weight[kept]
        unit = weight_unit(weight.max())
        return cls(Memory(X, weight / unit, unit), kept)

    @property
    def weight_unit(self) -> float:
        """What the weights of the source are multiples of."""
        return self.source.weight_unit

    @property
    def n_samples(self) -> int:
        """Number of rows that count."""
        return self.source.n_samples

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.source.n_features

    @property
    def looked_at(self) -> NDArray:
        """Some rows, evenly spaced."""
        return self.once("looked at", lambda: self.source.look(LOOKED_AT))

    @property
    def digest(self) -> str:
        """A text that tells these rows from others: of those looked at, and the limits of all."""
        parts = self.looked_at, *self.source.limits(), np.array([self.n_samples, self.weight_unit])
        digest = hashlib.sha256()
        for part in parts:
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()[:16]

    @property
    def tractable(self) -> Source:
        """The source, in float64 if squares would overflow in its own dtype."""
        return self.once("tractable", lambda: _tractable(self.source, self.location[1]))

    @property
    def location(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of the rows looked at, as of `units.location_and_spread`."""

        def locate() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            with np.errstate(over="ignore", invalid="ignore"):
                return location_and_spread(self.looked_at)

        return self.once("location", locate)

    def rows(self, kind: Family) -> Rows:
        """All rows, in the exact units that suit the family."""

        def place() -> Rows:
            rows = self.tractable
            return rows.at(Units.at(*self.location, rows.dtype, per_column=kind.per_column))

        return self.once(("rows", kind.per_column), place)

    def sample(self, kind: Family, n_components: int, seed: np.random.SeedSequence) -> Sample:
        """The rows that restarts race on: the same ones for every fit of the same seed and size."""
        size = self._sample_size(n_components)

        def draw() -> tuple[NDArray, NDArray[np.float64] | None]:
            return self.tractable.draw(size, np.random.default_rng(seed))

        def place() -> Sample:
            X, weight = self.once(("drawn", size), draw)
            units = Units.standard(X, per_column=kind.per_column)
            return Sample(X, weight, units, lambda: self.dendrogram(seed))

        return self.once(("sample", kind.per_column, size), place)

    def larger_samples(self, sample: Sample, seed: np.random.SeedSequence) -> Iterator[Sample]:
        """More rows than the sample has, and more again, in its units; the same ones for a seed."""
        size, row_bytes = GROWTH * sample.n_samples, self.n_features * self.tractable.dtype.itemsize
        most = min(MOST_OF_ALL * self.n_samples, MOST_BYTES / row_bytes)
        while size <= most:
            rng = np.random.default_rng(seed)
            drawn = self.once(("drawn", size), partial(self.tractable.draw, size, rng))
            X, weight = drawn
            if len(X) < size:  # the source has its own bounds
                return
            yield replace(sample, X=X, sample_weight=weight)
            size *= GROWTH

    def held(self, n: int, units: Units, seed: np.random.SeedSequence) -> MemoryRows:
        """At most n rows beside the samples, in those units; the same ones for a seed."""
        rng = np.random.default_rng(seed)
        X, weight = self.once(("held", n), partial(self.tractable.draw, n, rng))
        return MemoryRows(X, weight, units)

    def marked(
        self, marks: ArrayLike, name: str, n_components: int, seed: np.random.SeedSequence
    ) -> NDArray[np.bool_]:
        """Which rows of `sample`, of the same seed, are marked among all that the user gave.

        Raises
        ------
        TypeError, ValueError
            If marks are not one for each row, True or False, or the rows are not in memory.
        """
        if not isinstance(self.source, Memory):
            raise ValueError(f"{name} marks rows, but those are not in memory; give {name}=True")
        n = self.n_samples if self.kept is None else len(self.kept)
        array = np.asarray(marks)
        if array.dtype != bool:
            raise TypeError(f"{name} has dtype {array.dtype}; give True or False for each row")
        if array.shape != (n,):
            raise ValueError(f"{name} has shape {array.shape}; give one mark a row, shape ({n},)")
        array = array if self.kept is None else array[self.kept]
        places = Memory(np.arange(len(array), dtype=float)[:, None])
        drawn, _ = places.draw(self._sample_size(n_components), np.random.default_rng(seed))
        return array[drawn[:, 0].astype(int)]

    def _sample_size(self, n_components: int) -> int:
        n_parameters = FAMILIES["full"].n_parameters(n_components, self.n_features)
        least = max(MIN_SAMPLE, ROWS_PER_COMPONENT * n_components)
        # A power of two, so that fits of like size share their sample.
        wanted = 1 << (max(least, ROWS_PER_PARAMETER * n_parameters) - 1).bit_length()
        share = int(MOST_OF_ALL * self.n_samples)
        if share >= max(least, ENOUGH * n_components * self.n_features):
            return min(wanted, share)
        return min(wanted, self.n_samples)

    def dendrogram(self, seed: np.random.SeedSequence) -> Dendrogram:
        """That of at most `MAX_ROWS` rows: one for every number of components and every family."""

        def grow() -> Dendrogram:
            return Dendrogram.of(*self.tractable.draw(MAX_ROWS, np.random.default_rng(seed)))

        return self.once("dendrogram", grow)

    def centre(self, kind: Family) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
        """Number of all rows or sum of their weights, their mean and their covariance.

        Returns
        -------
        n_rows : float
        mean : (n_features,)
            In the units of `rows`, as the covariance is.
        covariance : (n_features, n_features)
            With the divisor n - 1.
        """
        rows = self.rows(kind)

        def measure() -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
            middle, _ = self.location
            about, flat = rows.units.enter(middle)[None], np.zeros((1, len(middle), len(middle)))
            moments = rows.summarise(Ellipsoidal(about, flat, np.zeros(1)))
            n_rows = moments.n_rows * self.weight_unit
            _, (mean,), (covariance,) = moments.scatter()
            return n_rows, mean, covariance * (n_rows / (n_rows - 1) if n_rows > 1 else 1.0)

        return self.once(("centre", kind.per_column), measure)

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` returns, made only at the first call with this key."""
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]


def _tractable(source: Source, spread: NDArray[np.float64]) -> Source:
    """The source, in float64 if squares would overflow in its own dtype.

    Raises
    ------
    ValueError
        If they would overflow or vanish even in float64.
    """
    least, most = SPREADS
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = source.limits()
        peak = np.maximum(high, -low)
        fine = (spread > least) & (peak < most) & (peak / spread < FLOAT64_PEAK)
    if not fine.all():
        j = int(np.argmin(fine))
        raise ValueError(
            f"X column {j} has a spread of {spread[j]:g} and values up to {peak[j]:g}, whose "
            f"squares float64 cannot hold; multiply it by a constant, or drop the outliers"
        )
    if source.dtype == np.float32 and (peak / spread > FLOAT32_PEAK).any():
        return source.widened()
    return source
