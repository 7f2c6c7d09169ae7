"""Rows that are read from a table block by block, at every pass, within a budget of memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.density import Density
from fastem.kernels.passes import TILE_ROWS
from fastem.lazy import lazy
from fastem.moments import Moments
from fastem.rows.ahead import ahead
from fastem.rows.memory import Memory, limits, limits_along
from fastem.rows.source import Rows, Source
from fastem.rows.table import Block, Reader, Table
from fastem.rows.together import Unweighted
from fastem.units import Units

#: Shares of the budget: rows kept in memory if they are few, a block of a pass, a sample of rows.
KEPT = 4
BLOCK = 16
SAMPLE = 8
#: Blocks at work: the one computed on, the next one, and the one being read.
BUFFERS = 3


class Buffer(NamedTuple):
    """Room for a block."""

    X: NDArray
    weight: NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class Stream:
    """A table, and how it is to be read.

    Parameters
    ----------
    table : Table
    dtype : dtype
        float64 or float32.
    memory : int
        Bytes that reading may take.
    """

    table: Table
    dtype: np.dtype
    memory: int

    @property
    def row_bytes(self) -> int:
        """Of a row in memory, with its weight."""
        return self.table.n_features * self.dtype.itemsize + 8 * self.table.weighted

    def blocks(
        self, whole: int = TILE_ROWS, *, beside: int = 0, checked: bool = False
    ) -> Generator[Block, None, None]:
        """One pass: blocks whose numbers of rows are multiples of `whole`, but for the last.

        Rows of weight 0 are left out. A block is overwritten once the next one is asked for; close
        the generator.

        Parameters
        ----------
        whole : int
        beside : int
            Bytes a row that the caller will need for each block.
        checked : bool
            Whether to look for NaN and infinity.

        Raises
        ------
        ValueError
            If the table changes meanwhile, or the budget has no room for so many rows.
        """
        n = self.memory // (BLOCK * max(self.row_bytes, beside) * whole) * whole
        if not n:
            n = whole
            needed = 2 * BUFFERS * n * self.row_bytes
            if needed > self.memory:
                raise ValueError(
                    f"memory is {self.memory} bytes, too few to work on {self.table.name}; give at "
                    f"least {needed}"
                )
        buffers = [self._buffer(n) for _ in range(BUFFERS)]
        return ahead(lambda: self._opened(checked or self.table.stamp() is None), buffers)

    def take(self, rows: NDArray[np.intp]) -> Block:
        """Those rows, counted from 0 without those of weight 0, in order."""
        X = None if self.table.weighted else self.table.take(rows)
        if X is not None:
            return np.ascontiguousarray(X, self.dtype), None
        taken = self._buffer(len(rows))
        row = done = 0
        with closing(self.blocks()) as blocks:
            for block, weight in blocks:
                here = rows[done : np.searchsorted(rows, row + len(block))] - row
                some = slice(done, done + len(here))
                taken.X[some] = block[here]
                if taken.weight is not None and weight is not None:
                    taken.weight[some] = weight[here]
                row, done = row + len(block), done + len(here)
                if done == len(rows):
                    break
        return taken.X, taken.weight

    def _buffer(self, n: int) -> Buffer:
        X = np.empty((n, self.table.n_features), self.dtype)
        return Buffer(X, np.empty(n) if self.table.weighted else None)

    @contextmanager
    def _opened(self, checked: bool) -> Iterator[Callable[[Buffer], Block | None]]:
        stamp = self.table.stamp()
        with closing(self.table.reader(self.dtype, checked=checked)) as reader:
            yield lambda buffer: self._fill(buffer, reader, stamp)

    def _fill(self, buffer: Buffer, reader: Reader, stamp: object) -> Block | None:
        n = reader.read(*buffer)
        if n:
            return buffer.X[:n], None if buffer.weight is None else buffer.weight[:n]
        if self.table.stamp() != stamp:
            raise changed(self.table)
        return None


def changed(table: Table) -> ValueError:
    """What is said of a table that is not what it was."""
    return ValueError(f"{table.name} changed while it was read; start again once it is complete")


class Streamed(Source):
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
    def n_features(self) -> int:
        """Number of columns."""
        return self.stream.table.n_features

    @property
    def dtype(self) -> np.dtype:
        """float64 or float32."""
        return self.stream.dtype

    @property
    def weight_unit(self) -> float:
        """What the weights are multiples of."""
        return self._surveyed.weight_unit

    def look(self, n: int) -> NDArray:
        """About n rows, at most 2 n, evenly spaced."""
        return self._surveyed.look(n)

    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Smallest and largest number in each column."""
        return self._surveyed.limits()

    def limits_along(
        self, axes: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Smallest and largest number in each column of the rows times axes (n_features, m)."""
        return self._surveyed.limits_along(axes)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[NDArray, NDArray[np.float64] | None]:
        """At most n rows drawn without replacement, in their order, and their weights."""
        return self._surveyed.draw(n, rng)

    def widened(self) -> Source:
        """The same rows as float64."""
        return self._surveyed.widened()

    def at(self, units: Units) -> Rows:
        """The rows in the units of a fit."""
        return self._surveyed.at(units)

    @property
    def name(self) -> str:
        """What messages call the rows."""
        return self.stream.table.name

    def each(self, n_components: int) -> Generator[NDArray, None, None]:
        """All rows, those of weight 0 too, in blocks (n, n_features).

        Blocks leave room for so many probabilities a row, and are overwritten as in `Stream`.
        """
        table = self.stream.table
        every = replace(self.stream, table=Unweighted(table) if table.weighted else table)
        beside = (n_components + 1) * self.dtype.itemsize
        with closing(every.blocks(beside=beside, checked=True)) as blocks:
            for X, _ in blocks:
                yield X

    @lazy
    def _surveyed(self) -> Source:
        return survey(self.stream)


@dataclass(frozen=True, eq=False)
class Surveyed(Source):
    """Rows of a stream that was read once, too many to keep.

    Parameters
    ----------
    stream : Stream
    n : int
        Rows of weight above 0.
    low, high : (n_features,)
    stamp : object
        The table's at the time.
    weight_unit : float
    """

    stream: Stream
    n: int
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    stamp: object
    weight_unit: float = 1.0

    @property
    def n_samples(self) -> int:
        """Number of rows of weight above 0."""
        return self.n

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.stream.table.n_features

    @property
    def dtype(self) -> np.dtype:
        """float64 or float32."""
        return self.stream.dtype

    def look(self, n: int) -> NDArray:
        """About n rows, at most 2 n, evenly spaced."""
        return self._take(np.arange(0, self.n_samples, max(1, self.n_samples // n)))[0]

    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Smallest and largest number in each column."""
        return self.low, self.high

    def limits_along(
        self, axes: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Smallest and largest number in each column of the rows times axes (n_features, m)."""
        low = np.full(axes.shape[1], np.inf)
        high = -low
        with closing(self.blocks(1)) as blocks:
            for X, _ in blocks:
                here = limits_along(X, axes)
                low, high = np.minimum(low, here[0]), np.maximum(high, here[1])
        return low, high

    def draw(self, n: int, rng: np.random.Generator) -> tuple[NDArray, NDArray[np.float64] | None]:
        """At most n rows, and no more than the budget allows."""
        n = min(n, max(1, self.stream.memory // (SAMPLE * self.stream.row_bytes)))
        if n >= self.n_samples:
            return self._take(np.arange(self.n_samples))
        return self._take(np.sort(rng.choice(self.n_samples, n, replace=False, shuffle=False)))

    def widened(self) -> Surveyed:
        """The same rows as float64."""
        return replace(self, stream=replace(self.stream, dtype=np.dtype(np.float64)))

    def at(self, units: Units) -> StreamedRows:
        """The rows in the units of a fit."""
        return StreamedRows(self, units)

    def blocks(self, whole: int) -> Generator[Block, None, None]:
        """One pass, as `Stream.blocks`, weights in their unit.

        Raises
        ------
        ValueError
            If the table is not what it was.
        """
        if self.stream.table.stamp() != self.stamp:
            raise changed(self.stream.table)
        n = 0
        with closing(self.stream.blocks(whole)) as blocks:
            for X, weight in blocks:
                n += len(X)
                yield X, None if weight is None else weight / self.weight_unit
        if n != self.n_samples:
            raise ValueError(
                f"{self.stream.table.name} gave {n} rows at this pass and {self.n_samples} at the "
                f"first; it must give the same rows every time"
            )

    def _take(self, rows: NDArray[np.intp]) -> Block:
        X, weight = self.stream.take(rows)
        return X, None if weight is None else weight / self.weight_unit


@dataclass(frozen=True, eq=False)
class StreamedRows(Rows):
    """Rows of a stream and the units to work on them in.

    Parameters
    ----------
    source : Surveyed
    units : Units
    """

    source: Surveyed
    units: Units

    @property
    def precision(self) -> float:
        """Relative rounding error of a pass over these rows."""
        return float(np.finfo(self.source.dtype).eps)

    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows, to the bit those of the same rows in memory."""
        tally = density.tally(self.source.n_samples, self.source.dtype, self.units)
        with closing(self.source.blocks(tally.slot_rows)) as blocks:
            for X, weight in blocks:
                tally.add(X, weight)
        return tally.moments()


def survey(stream: Stream) -> Memory | Surveyed:
    """Read all rows once: count them, check them, and keep them if they are few.

    Raises
    ------
    ValueError
        If there are none, or one is not finite.
    """
    stamp = stream.table.stamp()
    few = stream.memory // (KEPT * stream.row_bytes)
    kept: list[Block] | None = []
    n, heaviest = 0, 0.0
    low = np.full(stream.table.n_features, np.inf)
    high = -low
    with closing(stream.blocks(checked=True)) as blocks:
        for X, weight in blocks:
            n += len(X)
            if kept is not None:
                kept = [*kept, (X.copy(), None if weight is None else weight.copy())]
                if n > few:
                    kept = None
            here = limits(X)
            low, high = np.minimum(low, here[0]), np.maximum(high, here[1])
            if weight is not None:
                heaviest = max(heaviest, float(weight.max()))
    if not n:
        rows = "rows of weight above 0" if stream.table.weighted else "rows"
        raise ValueError(f"{stream.table.name} has no {rows}; give at least one")
    unit = float(np.exp2(np.floor(np.log2(heaviest)))) if heaviest else 1.0
    if kept is None:
        return Surveyed(stream, n, low, high, stamp, unit)
    weights = [weight / unit for _, weight in kept if weight is not None]
    rows_kept = np.concatenate([X for X, _ in kept])
    return Memory(rows_kept, np.concatenate(weights) if weights else None, unit)
