"""Rows that are read from a table block by block, at every pass, within a budget of memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastem.density import Density
from fastem.kernels.jit import n_threads
from fastem.kernels.passes import TILE_ROWS
from fastem.lazy import lazy
from fastem.moments import Moments
from fastem.rows.ahead import SPARE, ahead
from fastem.rows.memory import Memory, limits, limits_along
from fastem.rows.source import Rows, Source
from fastem.rows.table import Block, Reader, Table
from fastem.rows.together import Unweighted
from fastem.units import Units

#: Shares of the budget: rows kept in memory if they are few, all blocks at work (a half of it if
#: need be), a sample of rows.
KEPT = 4
BLOCKS = 4
SAMPLE = 8
#: Bytes of a block, at most: it should be in a cache still when it has been read.
BLOCK = 2**22


R = TypeVar("R")


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

    def each(
        self,
        work: Callable[[NDArray, NDArray | None], R],
        *,
        whole: int = TILE_ROWS,
        most: int | None = None,
        beside: int = 0,
        checked: bool = False,
    ) -> Generator[R, None, None]:
        """One pass: what a function makes of each block of rows, in order. Close the generator.

        Rows of weight 0 are left out.

        Parameters
        ----------
        work : callable
            Of rows and weights; called by several threads at once. What it returns must not be
            bound to them: other rows will be read into their place.
        whole : int
            Blocks' numbers of rows are multiples of it, but for the last,
        most : int, optional
            and no more than this.
        beside : int
            Bytes a row of what `work` returns.
        checked : bool
            Whether to look for NaN and infinity.

        Raises
        ------
        ValueError
            If the table changes meanwhile, or the budget has no room for so many rows.
        """
        least = max(self.row_bytes, beside) * whole
        fewest = 1 + SPARE
        room = max(self.memory // (BLOCKS * least), min(self.memory // (2 * least), fewest))
        if room < fewest:
            raise ValueError(
                f"memory is {self.memory} bytes, too few to work on {self.table.name}; give at "
                f"least {2 * fewest * least}"
            )
        n_buffers = min(n_threads(np.inf), room - SPARE) + SPARE
        n = min(room // n_buffers, max(1, BLOCK // least)) * whole
        buffers = [self._buffer(n if most is None else min(n, most)) for _ in range(n_buffers)]
        return ahead(
            lambda: self._opened(checked or self.table.stamp() is None),
            buffers,
            lambda block: work(*block),
        )

    def take(self, rows: NDArray[np.intp]) -> Block:
        """Those rows, counted from 0 without those of weight 0, in order."""
        X = None if self.table.weighted else self.table.take(rows)
        if X is not None:
            return np.ascontiguousarray(X, self.dtype), None
        taken = self._buffer(len(rows))
        with self._opened(checked=False) as fill:
            buffer = self._buffer(max(1, BLOCK // self.row_bytes))
            row = done = 0
            while done < len(rows) and (block := fill(buffer)) is not None:
                X, weight = block
                here = rows[done : np.searchsorted(rows, row + len(X))] - row
                some = slice(done, done + len(here))
                taken.X[some] = X[here]
                if taken.weight is not None and weight is not None:
                    taken.weight[some] = weight[here]
                row, done = row + len(X), done + len(here)
        return taken.X[:done], None if taken.weight is None else taken.weight[:done]

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

    def each(self, work: Callable[[NDArray], R], beside: int) -> Generator[R, None, None]:
        """What a function makes of all rows, those of weight 0 too, as `Stream.each`."""
        table = self.stream.table
        every = replace(self.stream, table=Unweighted(table) if table.weighted else table)
        return every.each(lambda X, _: work(X), beside=beside, checked=True)

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
        with closing(self.each(lambda X, _: limits_along(X, axes))) as results:
            for least, most in results:
                low, high = np.minimum(low, least), np.maximum(high, most)
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

    def each(
        self,
        work: Callable[[NDArray, NDArray | None], R],
        *,
        whole: int = TILE_ROWS,
        most: int | None = None,
    ) -> Generator[R, None, None]:
        """One pass as `Stream.each`, weights in their unit.

        Raises
        ------
        ValueError
            If the table is not what it was.
        """
        self._check_stamp()

        def counted(X: NDArray, weight: NDArray | None) -> tuple[int, R]:
            return len(X), work(X, None if weight is None else weight / self.weight_unit)

        n = 0
        with closing(self.stream.each(counted, whole=whole, most=most)) as results:
            for n_here, result in results:
                n += n_here
                yield result
        if n != self.n:
            raise self._differs(n)

    def _take(self, rows: NDArray[np.intp]) -> Block:
        self._check_stamp()
        X, weight = self.stream.take(rows)
        if len(X) < len(rows):
            raise self._differs(None)
        return X, None if weight is None else weight / self.weight_unit

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
    """

    source: Surveyed
    units: Units

    @property
    def precision(self) -> float:
        """Relative rounding error of a pass over these rows."""
        return float(np.finfo(self.source.dtype).eps)

    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows, to the bit those of the same rows in memory."""
        source = self.source
        tally = density.tally(source.n_samples, source.dtype, self.units, parallel=False)
        most = max(1, tally.most_slots // (n_threads(np.inf) + SPARE)) * tally.slot_rows
        with closing(source.each(tally.sums, whole=tally.slot_rows, most=most)) as results:
            for sums in results:
                tally.merge(sums)
        return tally.moments()


class Facts(NamedTuple):
    """What a survey keeps of a block."""

    n: int
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    heaviest: float
    kept: Block | None


def survey(stream: Stream) -> Memory | Surveyed:
    """Read all rows once: count them, check them, and keep them if they are few.

    Raises
    ------
    ValueError
        If there are none, or one is not finite.
    """
    stamp = stream.table.stamp()
    few = stream.memory // (KEPT * stream.row_bytes)
    n = 0

    def facts(X: NDArray, weight: NDArray | None) -> Facts:
        heaviest = 0.0 if weight is None else float(weight.max())
        kept = None if n > few else (X.copy(), None if weight is None else weight.copy())
        return Facts(len(X), *limits(X), heaviest, kept)

    heaviest = 0.0
    kept: list[Block] = []
    low = np.full(stream.table.n_features, np.inf)
    high = -low
    with closing(stream.each(facts, checked=True)) as results:
        for here in results:
            n += here.n
            low, high = np.minimum(low, here.low), np.maximum(high, here.high)
            heaviest = max(heaviest, here.heaviest)
            if here.kept is None or n > few:
                kept.clear()
            else:
                kept.append(here.kept)
    if not n:
        rows = "rows of weight above 0" if stream.table.weighted else "rows"
        raise ValueError(f"{stream.table.name} has no {rows}; give at least one")
    unit = float(np.exp2(np.floor(np.log2(heaviest)))) if heaviest else 1.0
    if n > few:
        return Surveyed(stream, n, low, high, stamp, unit)
    weights = [weight / unit for _, weight in kept if weight is not None]
    rows_kept = np.concatenate([X for X, _ in kept])
    return Memory(rows_kept, np.concatenate(weights) if weights else None, unit)
