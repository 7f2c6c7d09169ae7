"""Rows that are read piece by piece, before and after a fit has chosen its units."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.threads import n_threads
from fastem.density import Accumulator, Density
from fastem.density.chunks import rows_of_a_slot
from fastem.density.incomplete import Groups, of_what_is_observed
from fastem.kernels.tile import TILE_ROWS
from fastem.lazy import lazy
from fastem.moments import Moments
from fastem.rows.digest import Digest
from fastem.rows.frame import Frame
from fastem.rows.incomplete import noise_widths
from fastem.rows.memory import limits_along, union
from fastem.rows.missing import Gaps, spread, suspects
from fastem.rows.passes import SAMPLE, Passes, Scan, scan
from fastem.rows.prefetch import SPARE
from fastem.rows.source import Drawn, Limits, Pieces, Rows, Source, SourceRows, Weigh
from fastem.units import LOOKED_AT, Units
from fastem.validation.column_choice import Column

R = TypeVar("R")


class Stream(Source):
    """Rows of a frame; where they are few they are kept in memory once they were read.

    Nothing is read but what a table needs to know its columns, until something asks for more.

    Parameters
    ----------
    frame : Frame
    memory : int
        Bytes.
    """

    def __init__(self, frame: Frame, memory: int) -> None:
        self.passes = Passes(frame, frame.dtype, memory)

    @lazy
    def scan(self) -> Scan:
        """What the first pass finds."""
        found = scan(self.passes)
        if costly := found.gaps.costly(self.columns):
            warnings.warn(f"{self.name}: {costly}", UserWarning, stacklevel=2)
        if found.gaps.empty and self._counts_gaps:
            warnings.warn(f"{self.name}: {found.gaps.empty}", UserWarning, stacklevel=2)
        return found

    @property
    def _counts_gaps(self) -> bool:
        """Whether rows that lack columns count by what they have."""
        return self.passes.frame.missing == "mar"

    @property
    def complete(self) -> bool:  # type: ignore[override]
        """Whether no row lacks a column."""
        return not (self._counts_gaps and self.gaps.by_column.any())

    @property
    def name(self) -> str:
        """What messages call the rows."""
        return self.passes.frame.name

    @property
    def names(self) -> tuple[str, ...] | None:
        """Of the columns, if they have any."""
        return self.passes.frame.names

    @property
    def columns(self) -> list[str]:
        """What reports call the columns: their names, or numbers where they have none."""
        return self.passes.frame.columns

    @property
    def gaps(self) -> Gaps:
        """What is missing, and how many rows are left out for it."""
        return self.scan.gaps

    @property
    def notes(self) -> list[str]:
        """What a user should know of the reading."""
        costly = self.gaps.costly(self.columns)
        costs = [] if costly is None else [costly]
        return [*self.passes.frame.notes, *costs, *suspects(self.look(LOOKED_AT), self.columns)]

    @property
    def n_samples(self) -> int:
        """Number of rows that count."""
        return self.scan.n

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.passes.frame.n_features

    @property
    def dtype(self) -> np.dtype:
        """float64 or float32."""
        return self.passes.dtype

    @property
    def weight_unit(self) -> float:
        """What the weights are multiples of."""
        return self.scan.weight_unit

    @property
    def pieces(self) -> Pieces | None:
        """Weights of rows that always come together."""
        sums = self.scan.tile_sums
        return None if sums is None else Pieces.of_tiles(self.n_samples, sums)

    def take(self, numbers: NDArray[np.intp]) -> Drawn:
        """Rows by their numbers, and their weights."""
        if self.scan.kept is not None:
            return self.scan.kept.take(numbers)
        self.passes.check(self.scan.stamp)
        X, weight = self.passes.take(numbers)
        if len(X) < len(numbers):
            raise self._differs("fewer")
        return X, None if weight is None else weight / self.weight_unit

    def limits(self) -> Limits:
        """Smallest and largest number in each column."""
        return self.scan.limits

    def limits_along(self, axes: NDArray[np.float64]) -> Limits:
        """Smallest and largest number in each column of the rows times axes (n_features, m)."""
        if self.scan.kept is not None:
            return self.scan.kept.limits_along(axes)
        assert self.complete
        with closing(self.each(lambda X, _: limits_along(X, axes))) as results:
            return union(axes.shape[1], results)

    def digest(self) -> Digest:
        """What tells these rows and their weights from others: a pass where they are not kept."""
        if self.scan.kept is not None:
            return self.scan.kept.digest()
        with closing(self.each(Digest.of)) as results:
            return sum(results, Digest())

    def draw(self, n: int, rng: np.random.Generator) -> Drawn:
        """At most n rows, and no more than the budget allows where they are not kept."""
        if self.scan.kept is None:
            n = min(n, max(1, self.passes.memory // (SAMPLE * self.passes.row_bytes)))
        return super().draw(n, rng)

    def widened(self) -> Source:
        """The same rows as float64."""
        if self.scan.kept is not None:
            return self.scan.kept.widened()
        wide = Stream(self.passes.frame, self.passes.memory)
        wide.passes = replace(self.passes, dtype=np.dtype(np.float64))
        wide.__dict__["scan"] = self.scan
        return wide

    def at(self, units: Units) -> Rows:
        """The rows in the units of a fit."""
        return StreamRows(self, units) if self.scan.kept is None else self.scan.kept.at(units)

    def each(
        self,
        work: Callable[[NDArray, NDArray | None], R],
        *,
        whole: int = TILE_ROWS,
        most: int | None = None,
        weigh: Weigh | None = None,
    ) -> Generator[R, None, None]:
        """One pass as `Passes.each`, weights in their unit, or as a function gives them."""
        self.passes.check(self.scan.stamp)

        def counted(X: NDArray, weight: NDArray | None, first: int) -> tuple[int, R]:
            weight = None if weight is None else weight / self.weight_unit
            return len(X), work(X, weight if weigh is None else weigh(first, len(X), weight))

        n = 0
        with closing(self.passes.each(counted, whole=whole, most=most)) as results:
            for n_here, result in results:
                n += n_here
                yield result
        if n != self.n_samples:
            raise self._differs(str(n))

    def every(
        self, work: Callable[[NDArray], list[NDArray]], beside: int
    ) -> Generator[list[NDArray], None, None]:
        """What a function says of all rows, those of weight 0 too, in blocks.

        It makes arrays (n, ...), of so many bytes a row, from rows (n, n_features). Where rows are
        left out for missing values their labels are -2 and all else is NaN.
        """

        def complete(X: NDArray, *_: object) -> list[NDArray]:
            if self._counts_gaps:
                return work(X)
            with np.errstate(over="ignore", invalid="ignore"):
                kept = None if np.isfinite(X.sum()) else ~np.isnan(X).any(axis=1)
            if kept is None or kept.all():
                return work(X)
            # Of no rows, what they would be like.
            some = X[kept] if kept.any() else np.zeros_like(X[:1])
            return [spread(part[: kept.sum()], kept) for part in work(some)]

        passes = replace(self.passes, every=True)
        return passes.each(complete, whole=passes.whole, beside=beside, checked=True)

    def carried(
        self, columns: Sequence[Column]
    ) -> tuple[list[str], list[Any], Iterator[Sequence[Any]]]:
        """Names of other columns of the files, Arrow's types if known, and fields in each row."""
        return self.passes.frame.carried(columns)

    def _differs(self, n: str) -> ValueError:
        return ValueError(
            f"{self.name} gave {n} rows at this pass and {self.n_samples} at the first; it must "
            f"give the same rows every time"
        )


@dataclass(frozen=True, eq=False)
class StreamRows(SourceRows):
    """Rows of a stream."""

    source: Stream

    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows, to the bit those of the same rows in memory."""
        source = self.source
        accumulator = density.accumulator(
            source.n_samples, source.dtype, self.units, parallel=False
        )
        if not source.complete:
            return self._of_what_is_observed(density, accumulator)
        with closing(self._passed(accumulator, accumulator.slot_rows, accumulator.sums)) as results:
            for sums in results:
                accumulator.merge(sums)
        return accumulator.moments()

    def _of_what_is_observed(self, density: Density, accumulator: Accumulator) -> Moments:
        """One pass over rows of which some lack columns: each block is sorted when it comes."""
        source, units = self.source, self.units
        row_bytes = source.n_features * source.dtype.itemsize
        whole = rows_of_a_slot(source.n_samples, row_bytes)
        widths = noise_widths(source.limits(), units)

        def sums(X: NDArray, weight: NDArray | None) -> tuple[NDArray, NDArray]:
            groups = Groups.of(X, weight, whole)
            return groups.sums(density, units, widths, parallel=False), groups.missing_weights

        missing_weights = []
        with closing(self._passed(accumulator, whole, sums)) as results:
            for of_slots, lacking in results:
                accumulator.merge(of_slots)
                missing_weights.append(lacking)
        missing_weight = np.add.reduce(np.concatenate(missing_weights), axis=0)
        return of_what_is_observed(accumulator.moments(), missing_weight, units)

    def _passed(
        self, accumulator: Accumulator, whole: int, sums: Callable[[NDArray, NDArray | None], R]
    ) -> Generator[R, None, None]:
        """One pass in whole slots of so many rows, no more of them than may stand in memory."""
        most = max(1, accumulator.most_slots // (n_threads(np.inf) + SPARE)) * whole
        return self.source.each(sums, whole=whole, most=most, weigh=self.weigh)
