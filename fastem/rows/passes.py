"""Passes over a frame, block by block, within a budget of memory; and what the first one finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.threads import n_threads
from fastem.kernels.tile import TILE_ROWS
from fastem.rows.frame import Frame
from fastem.rows.incomplete import Incomplete
from fastem.rows.memory import Memory, limits, union
from fastem.rows.missing import Gaps, check_seen
from fastem.rows.prefetch import SPARE, prefetch
from fastem.rows.reader import Reader
from fastem.rows.source import Drawn, Limits, tile_sums, weight_unit

#: What reading takes, at most, unless told otherwise; less than the least is no use to anybody.
DEFAULT_MEMORY, LEAST_MEMORY = "256M", 2**20
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
#: Shares of the budget: rows kept in memory if they are few, all blocks at work (a half of it if
#: need be), a sample of rows, a line of text.
KEPT = 4
BLOCKS = 4
SAMPLE = 8
LINE = 8
#: Blocks, at least: one that is worked on, and those that are read meanwhile.
FEWEST = 1 + SPARE
#: Bytes of a block, at most: it should be in a cache still when it has been read.
BLOCK = 2**22

R = TypeVar("R")


def memory_of(value: int | str) -> int:
    """Bytes: a number of them, or a text such as 512M or 2G, in powers of 1024."""
    wanted = f"memory is {value!r}; give a number of bytes or a text such as '512M'"
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(wanted)
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*([KMGT]?)(I?B)?\s*", value.upper())
        if match is None:
            raise ValueError(wanted)
        value = int(float(match[1]) * UNITS[match[2]])
    if value < LEAST_MEMORY:
        raise ValueError(f"memory is {value} bytes; give at least {LEAST_MEMORY}, such as '256M'")
    return value


@dataclass(frozen=True, eq=False)
class Passes:
    """How a frame is read: in blocks of a dtype, float64 or float32, within some bytes of memory.

    Where every row is read, those that fits leave out are too, as they are and without weights.
    """

    frame: Frame
    dtype: np.dtype
    memory: int
    every: bool = False

    @property
    def weighted(self) -> bool:
        """Whether weights are read."""
        return self.frame.weighted and not self.every

    @property
    def row_bytes(self) -> int:
        """Of a row in memory, with its weight."""
        return self.frame.n_features * self.dtype.itemsize + 8 * self.weighted

    def each(
        self,
        work: Callable[[NDArray, NDArray | None, int], R],
        *,
        whole: int = TILE_ROWS,
        most: int | None = None,
        beside: int = 0,
        checked: bool = False,
        gaps: list[Gaps] | None = None,
    ) -> Generator[R, None, None]:
        """One pass: what a function makes of each block of rows, in order. Close the generator.

        Parameters
        ----------
        work : callable
            Of rows, weights and the number of the first row; called by several threads at once.
            What it returns must not be bound to them: other rows will be read into their place.
        whole : int
            Blocks' numbers of rows are multiples of it, but for the last,
        most : int, optional
            and no more than this.
        beside : int
            Bytes a row of what `work` returns.
        checked : bool
            Whether to look for what is missing or not finite, even if it was looked for before.
        gaps : list, optional
            Takes an account of what is missing.
        """
        return prefetch(
            lambda: self._opened(checked, gaps),
            self._buffers(max(self.row_bytes, beside) * whole, whole, most),
            lambda block: work(*block),
        )

    def take(self, numbers: NDArray[np.intp]) -> Drawn:
        """Rows by their numbers, which ascend, among those that count; and their weights."""
        X = self.frame.take(numbers)
        if X is not None:
            return np.ascontiguousarray(X, self.dtype), None
        rows, weights = self.buffer(len(numbers))
        with self._opened(checked=False) as fill:
            buffer = self.buffer(max(1, BLOCK // self.row_bytes))
            done = 0
            while done < len(numbers) and (block := fill(buffer)) is not None:
                X, weight, first = block
                here = numbers[done : np.searchsorted(numbers, first + len(X))] - first
                some = slice(done, done + len(here))
                rows[some] = X[here]
                if weights is not None and weight is not None:
                    weights[some] = weight[here]
                done += len(here)
        return rows[:done], None if weights is None else weights[:done]

    @property
    def whole(self) -> int:
        """Rows of a tile, or as many as the budget allows where it allows no tile."""
        return min(TILE_ROWS, max(1, self.memory // (2 * FEWEST * self.row_bytes)))

    def too_few(self, least: int) -> ValueError:
        """What is said where the budget does not hold the fewest blocks of so many bytes."""
        return ValueError(
            f"memory is {self.memory} bytes, too few to work on {self.frame.name}; give at "
            f"least {2 * FEWEST * least}"
        )

    def _buffers(self, least: int, whole: int, most: int | None) -> list[Drawn]:
        """Those of one pass, in multiples of `whole` rows, so many of which take `least` bytes."""
        room = max(self.memory // (BLOCKS * least), min(self.memory // (2 * least), FEWEST))
        if room < FEWEST:
            raise self.too_few(least)
        n_buffers = min(n_threads(np.inf), room - SPARE) + SPARE
        n = min(room // n_buffers, max(1, BLOCK // least)) * whole
        return [self.buffer(n if most is None else min(n, most)) for _ in range(n_buffers)]

    def buffer(self, n: int) -> Drawn:
        """Room for so many rows and their weights."""
        X = np.empty((n, self.frame.n_features), self.dtype)
        return X, np.empty(n) if self.weighted else None

    @contextmanager
    def _opened(
        self, checked: bool, gaps: list[Gaps] | None = None
    ) -> Iterator[Callable[[Drawn], tuple[NDArray, NDArray | None, int] | None]]:
        """What fills a buffer: rows, weights and how many rows that count were before them."""
        stamp, n_read = self.frame.stamp(), 0
        with closing(Reader(self.frame, checked=checked, every=self.every)) as reader:
            if gaps is not None:
                gaps.append(reader.gaps)

            def fill(buffer: Drawn) -> tuple[NDArray, NDArray | None, int] | None:
                nonlocal n_read
                (X, weight), first = buffer, n_read
                n = reader.read(X, weight)
                n_read += n
                if n:
                    return X[:n], None if weight is None else weight[:n], first
                self.check(stamp)
                return None

            yield fill

    def check(self, stamp: object) -> None:
        """Refuse rows that are not what they were at the time of the frame's stamp."""
        if self.frame.stamp() != stamp:
            raise ValueError(
                f"{self.frame.name} changed while it was read; start again once it is complete"
            )


class Scan(NamedTuple):
    """What is known of rows that were read once.

    Parameters
    ----------
    n : int
        Rows that count.
    limits : (n_features,) and (n_features,)
        Smallest and largest number in each column.
    stamp : object
        The frame's at the time.
    tile_sums : (n_tiles,) or None
        Of the weights, in their unit, of each tile of rows.
    weight_unit : float
    kept : Memory or None
        The rows, where they are few.
    gaps : Gaps
        What is missing.
    """

    n: int
    limits: Limits
    stamp: Hashable
    tile_sums: NDArray[np.float64] | None
    weight_unit: float
    kept: Memory | None
    gaps: Gaps


class Facts(NamedTuple):
    """What a scan finds in a block."""

    n: int
    limits: Limits
    heaviest: float = 0.0
    sums: NDArray[np.float64] | None = None


def scan(passes: Passes) -> Scan:
    """Read all rows once. Those that no tile can be made of are kept, or there is no room."""
    frame, stamp = passes.frame, passes.frame.stamp()
    few = passes.memory // (KEPT * passes.row_bytes)
    kept = _room(passes, few)

    def facts(X: NDArray, weight: NDArray | None, first: int) -> Facts:
        here = slice(first, first + len(X))
        for rows, weights in kept:
            if here.stop <= len(rows):
                rows[here] = X
                if weights is not None:
                    weights[here] = weight
        if weight is None:
            return Facts(len(X), limits(X))
        return Facts(len(X), limits(X), float(weight.max()), tile_sums(weight))

    n, heaviest, reached = 0, 0.0, union(frame.n_features, [])
    sums: list[NDArray[np.float64]] = []
    gaps: list[Gaps] = []
    with closing(passes.each(facts, whole=passes.whole, checked=True, gaps=gaps)) as results:
        for here in results:
            n += here.n
            if n > few:
                kept.clear()
                if passes.whole < TILE_ROWS:
                    raise passes.too_few(passes.row_bytes * TILE_ROWS)
            reached = union(frame.n_features, [reached, here.limits])
            heaviest = max(heaviest, here.heaviest)
            if here.sums is not None:
                sums.append(here.sums)
    if not n:
        raise _nothing_left(frame, gaps[0])
    check_seen(reached[0], frame.name, frame.columns)
    unit, memory = weight_unit(heaviest), None
    for rows, weight in kept:
        rows.resize((n, frame.n_features), refcheck=False)  # gives back what is left
        if weight is not None:
            sums, weight = [tile_sums(weight[:n])], weight[:n] / unit
        kind = Incomplete if gaps[0].by_column.any() and np.isnan(rows).any() else Memory
        memory = kind(rows, weight, unit)
    of_tiles = np.concatenate(sums) / unit if sums else None
    return Scan(n, reached, stamp, of_tiles, unit, memory, gaps[0])


def _room(passes: Passes, few: int) -> list[Drawn]:
    """Room for all rows if they are few, unless the system has none."""
    n_rows = passes.frame.n_rows
    try:
        return [passes.buffer(few if n_rows is None else min(n_rows, few))]
    except MemoryError:
        return []


def _nothing_left(frame: Frame, gaps: Gaps) -> ValueError:
    """What is said where no row counts."""
    if gaps.n_dropped:
        return gaps.nothing_left(frame.name, frame.columns)
    rows = "rows of weight above 0" if frame.weighted else "rows"
    return ValueError(f"{frame.name} has no {rows}; give at least one")
