"""Rows of a stream that was read once: how many there are, and between what limits, is known."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.slot_loop import n_threads
from fastem.density import Density
from fastem.kernels.tile import TILE_ROWS
from fastem.moments import Moments
from fastem.rows.digest import Digest
from fastem.rows.memory import limits_along, union
from fastem.rows.source import Drawn, Limits, Pieces, Rows, Source, Weigh
from fastem.rows.streaming.ahead import SPARE
from fastem.rows.streaming.stream import SAMPLE, Stream, changed
from fastem.rows.tables.table import Block
from fastem.units import Units

R = TypeVar("R")


class OfStream(Source):
    """Rows of a stream, and whether anybody has looked at them or not, what its table tells.

    Attributes
    ----------
    stream : Stream
    """

    stream: Stream

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.stream.table.n_features

    @property
    def dtype(self) -> np.dtype:
        """float64 or float32."""
        return self.stream.dtype


@dataclass(frozen=True, eq=False)
class Surveyed(OfStream):
    """Rows of a stream that was read once, too many to keep.

    Parameters
    ----------
    stream : Stream
    n : int
        Rows of weight above 0.
    low, high : (n_features,)
    stamp : object
        The table's at the time.
    tile_sums : (n_tiles,) or None
        Of the weights, in their unit, of each tile of rows.
    weight_unit : float
    """

    stream: Stream
    n: int
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    stamp: object
    tile_sums: NDArray[np.float64] | None
    weight_unit: float = 1.0

    @property
    def n_samples(self) -> int:
        """Number of rows of weight above 0."""
        return self.n

    @property
    def pieces(self) -> Pieces | None:
        """Weights of rows that always come together."""
        return None if self.tile_sums is None else Pieces.of_tiles(self.n, self.tile_sums)

    def take(self, numbers: NDArray[np.intp]) -> Block:
        """Rows by their numbers, and their weights."""
        self._check_stamp()
        X, weight = self.stream.take(numbers)
        if len(X) < len(numbers):
            raise self._differs(None)
        return X, None if weight is None else weight / self.weight_unit

    def limits(self) -> Limits:
        """Smallest and largest number in each column."""
        return self.low, self.high

    def limits_along(self, axes: NDArray[np.float64]) -> Limits:
        """Smallest and largest number in each column of the rows times axes (n_features, m)."""
        with closing(self.each(lambda X, _: limits_along(X, axes))) as results:
            return union(axes.shape[1], results)

    def digest(self) -> Digest:
        """What tells these rows and their weights from others: a pass, for whoever needs it."""
        with closing(self.each(Digest.of)) as results:
            return sum(results, Digest())

    def draw(self, n: int, rng: np.random.Generator) -> Drawn:
        """At most n rows, and no more than the budget allows."""
        return super().draw(
            min(n, max(1, self.stream.memory // (SAMPLE * self.stream.row_bytes))), rng
        )

    def widened(self) -> Surveyed:
        """The same rows as float64."""
        return replace(self, stream=replace(self.stream, dtype=np.dtype(np.float64)))

    def at(self, units: Units) -> StreamedRows:
        """The rows in the units of a fit."""
        return StreamedRows(self, units)

    def each(
        self,
        work: Callable[[NDArray, NDArray | None], R],
        *,
        whole: int = TILE_ROWS,
        most: int | None = None,
        weigh: Weigh | None = None,
    ) -> Generator[R, None, None]:
        """One pass as `Stream.each`, weights in their unit, or as a function gives them.

        Raises
        ------
        ValueError
            If the table is not what it was.
        """
        self._check_stamp()

        def counted(X: NDArray, weight: NDArray | None, first: int) -> tuple[int, R]:
            weight = None if weight is None else weight / self.weight_unit
            return len(X), work(X, weight if weigh is None else weigh(first, len(X), weight))

        n = 0
        with closing(self.stream.each(counted, whole=whole, most=most)) as results:
            for n_here, result in results:
                n += n_here
                yield result
        if n != self.n:
            raise self._differs(n)

    def _check_stamp(self) -> None:
        if self.stream.table.stamp() != self.stamp:
            raise changed(self.stream.table)

    def _differs(self, n: int | None) -> ValueError:
        return ValueError(
            f"{self.stream.table.name} gave {'fewer' if n is None else n} rows at this pass and "
            f"{self.n} at the first; it must give the same rows every time"
        )


@dataclass(frozen=True, eq=False)
class StreamedRows(Rows):
    """Rows of a stream and the units to work on them in.

    Parameters
    ----------
    source : Surveyed
    units : Units
    weigh : callable, optional
        What gives the rows other weights.
    """

    source: Surveyed
    units: Units
    weigh: Weigh | None = None

    @property
    def dtype(self) -> np.dtype:
        """float64 or float32."""
        return self.source.dtype

    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows, to the bit those of the same rows in memory."""
        source = self.source
        accumulator = density.accumulator(
            source.n_samples, source.dtype, self.units, parallel=False
        )
        whole = accumulator.slot_rows
        most = max(1, accumulator.most_slots // (n_threads(np.inf) + SPARE)) * whole
        passed = source.each(accumulator.sums, whole=whole, most=most, weigh=self.weigh)
        with closing(passed) as results:
            for sums in results:
                accumulator.merge(sums)
        return accumulator.moments()

    def reweighted(self, weigh: Weigh) -> StreamedRows:
        """The same rows with the weights that a function gives them at every pass."""
        return replace(self, weigh=weigh)
