"""Samples: rows in memory that a search runs over, drawn from all of them by one seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from fastem import validation
from fastem.covariance import FAMILIES, Family
from fastem.data import Data
from fastem.density import Density
from fastem.lazy import lazy
from fastem.moments import Moments
from fastem.ordering import Order
from fastem.rows import MemoryRows, rows_of
from fastem.rows.source import Drawn
from fastem.search.filling import filled
from fastem.search.hierarchy import Forest
from fastem.units import Units, location_and_spread
from fastem.words import Seed

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
#: A sample of more than this share of the rows is all of them.
NEARLY_ALL = 0.75
MOST_BYTES = 2**23


@dataclass(frozen=True, eq=False)
class Sample(MemoryRows):
    """The rows that restarts race on, in standard units.

    Parameters
    ----------
    forest : Forest
        Dendrograms of some of the rows.
    incomplete : MemoryRows, optional
        The rows as they are, where some lack columns: X is filled then, for starts alone.
    """

    forest: Forest
    incomplete: MemoryRows | None = None
    ordered = True

    @property
    def whole(self) -> Drawn | None:
        """All rows and their weights, unless some lack columns."""
        return super().whole if self.incomplete is None else None

    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows, in an order, for many more passes are to come."""
        if self.incomplete is not None:
            return self.incomplete.summarise(density)
        order = self._order if density.prunable(len(self.X)) else None
        return density.summarise(self.X, self.sample_weight, self.units, order=order)

    @lazy
    def _order(self) -> Order:
        return Order.of(self.X, self.units)


@dataclass(frozen=True, eq=False)
class Samples:
    """Rows drawn from the data: the same ones for every fit of like size, whatever its family.

    Parameters
    ----------
    data : Data
    seed : SeedSequence
    """

    data: Data
    seed: np.random.SeedSequence
    _drawn: dict[tuple[int, ...], Drawn] = field(default_factory=dict, init=False, repr=False)
    _samples: dict[tuple[bool, int], Sample] = field(default_factory=dict, init=False, repr=False)

    def of(self, family: Family, n_components: int) -> Sample:
        """The rows that restarts race on, in units that suit the family."""
        size, alone = self._size(n_components), family.per_column
        if (alone, size) not in self._samples:
            X, weight = self._filled(size)
            source = self.data.source
            is_known = source.complete and len(X) == source.n_samples  # all rows were looked at
            location = self.data.location if is_known else location_and_spread(X)
            units = Units.around(*location, per_column=alone)
            incomplete = self._incomplete(self._draw(size), units)
            self._samples[alone, size] = Sample(X, weight, units, self.forest, incomplete)
        return self._samples[alone, size]

    def larger(self, sample: Sample) -> Iterator[Sample]:
        """More rows than the sample has, and more again, in its units."""
        most = min(MOST_OF_ALL * self.data.n_samples, MOST_BYTES / self._row_bytes)
        size = GROWTH * sample.n_samples
        while size <= most:
            larger = self.like(sample, size)
            if larger.n_samples < size:  # the source has its own bounds
                return
            yield larger
            size *= GROWTH

    def like(self, sample: Sample, n: int) -> Sample:
        """At most n rows, in the units of that sample, and no more than `MOST_BYTES` of them."""
        n = min(n, MOST_BYTES // self._row_bytes)
        X, weight = self._filled(n)
        incomplete = self._incomplete(self._draw(n), sample.units)
        return replace(sample, X=X, sample_weight=weight, incomplete=incomplete)

    def holdout(self, n: int, units: Units) -> MemoryRows:
        """At most n rows drawn by themselves, in those units: what a search did not see."""
        drawn = self._draw(n, 0)
        return self._incomplete(drawn, units) or MemoryRows(*drawn, units)

    @lazy
    def forest(self) -> Forest:
        """Dendrograms: the same ones for every number of components and every family."""
        return Forest(self._filled)

    @property
    def _row_bytes(self) -> int:
        return self.data.n_features * self.data.tractable.dtype.itemsize

    def _incomplete(self, drawn: Drawn, units: Units) -> MemoryRows | None:
        """Rows drawn as they are, if some lack columns."""
        if self.data.source.complete:
            return None
        return rows_of(drawn, units, self.data.source.limits())

    def _filled(self, n: int) -> Drawn:
        """At most n rows drawn; what they lack is filled in."""
        X, weight = self._draw(n)
        return (X if self.data.source.complete else filled(X, *self.data.location)), weight

    def _draw(self, n: int, *key: int) -> Drawn:
        if (n, *key) not in self._drawn:
            rng = np.random.default_rng(child(self.seed, *key))
            self._drawn[n, *key] = self.data.tractable.draw(n, rng)
        return self._drawn[n, *key]

    def _size(self, n_components: int) -> int:
        """Rows to race on."""
        n_samples, n_features = self.data.n_samples, self.data.n_features
        n_parameters = FAMILIES["full"].n_parameters(n_components, n_features)
        least = max(MIN_SAMPLE, ROWS_PER_COMPONENT * n_components)
        # A power of two, so that fits of like size share their sample.
        wanted = 1 << (max(least, ROWS_PER_PARAMETER * n_parameters) - 1).bit_length()
        share = int(MOST_OF_ALL * n_samples)
        if share >= max(least, ENOUGH * n_components * n_features):
            return min(wanted, share)
        return wanted if wanted < NEARLY_ALL * n_samples else n_samples


def seed_sequence(
    random_state: Seed,
) -> np.random.SeedSequence:
    """The one source of chance of a fit.

    Raises
    ------
    TypeError, ValueError
        If it is no random state.
    """
    chance = validation.random_state(random_state)
    if isinstance(chance, np.random.Generator):
        return np.random.SeedSequence(chance.integers(2**63, size=2).tolist())
    return np.random.SeedSequence(chance)


def child(seed: np.random.SeedSequence, *key: int) -> np.random.SeedSequence:
    """A source of chance of its own, the same one at every call (`spawn` counts its calls)."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *key))
