"""Rows of a table that nobody has looked at yet."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fastem.lazy import lazy
from fastem.rows.digest import Digest
from fastem.rows.source import Drawn, Limits, Pieces, Rows, Source
from fastem.rows.streaming.stream import Stream
from fastem.rows.streaming.survey import survey
from fastem.rows.streaming.surveyed import OfStream
from fastem.rows.tables.table import Table
from fastem.rows.tables.weights import Unweighted
from fastem.units import Units

R = TypeVar("R")


class Streamed(OfStream):
    """Rows of a table; those of a small one are kept in memory once they were read.

    Nothing is read but what the table needs to know its columns, until something asks for more.

    Parameters
    ----------
    table : Table
    memory : int
        Bytes.
    """

    def __init__(self, table: Table, memory: int) -> None:
        self.stream = Stream(table, table.dtype, memory)

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self._surveyed.n_samples

    @property
    def weight_unit(self) -> float:
        """What the weights are multiples of."""
        return self._surveyed.weight_unit

    @property
    def pieces(self) -> Pieces | None:
        """Weights of rows that always come together."""
        return self._surveyed.pieces

    def take(self, numbers: NDArray[np.intp]) -> Drawn:
        """Rows by their numbers, and their weights."""
        return self._surveyed.take(numbers)

    def limits(self) -> Limits:
        """Smallest and largest number in each column."""
        return self._surveyed.limits()

    def limits_along(self, axes: NDArray[np.float64]) -> Limits:
        """Smallest and largest number in each column of the rows times axes (n_features, m)."""
        return self._surveyed.limits_along(axes)

    def digest(self) -> Digest:
        """What tells these rows and their weights from others."""
        return self._surveyed.digest()

    def draw(self, n: int, rng: np.random.Generator) -> Drawn:
        """At most n rows drawn without replacement, in their order, and their weights."""
        return self._surveyed.draw(n, rng)

    def widened(self) -> Source:
        """The same rows as float64."""
        return self._surveyed.widened()

    def at(self, units: Units) -> Rows:
        """The rows in the units of a fit."""
        return self._surveyed.at(units)

    @property
    def names(self) -> tuple[str, ...] | None:
        """Of the columns, if they have any."""
        return self.stream.table.names

    @property
    def name(self) -> str:
        """What messages call the rows."""
        return self.stream.table.name

    def each(self, work: Callable[[NDArray], R], beside: int) -> Generator[R, None, None]:
        """What a function makes of all rows, those of weight 0 too, as `Stream.each`."""
        table = self.stream.table
        every = replace(self.stream, table=Unweighted(table) if table.weighted else table)
        return every.each(lambda X, *_: work(X), beside=beside, checked=True)

    @lazy
    def _surveyed(self) -> Source:
        return survey(self.stream)
