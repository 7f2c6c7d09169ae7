"""Rows in chunks, before and after a fit has chosen its units."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray

from fastem import validation
from fastem.density import Density
from fastem.moments import Moments
from fastem.rows.dask import chunk
from fastem.rows.dask.cluster import check_workers, computed
from fastem.rows.dask.collections import matrix, weights_of
from fastem.rows.dask.placement import Chunks, at
from fastem.rows.dask.survey import Survey, survey
from fastem.rows.digest import Digest
from fastem.rows.memory import union
from fastem.rows.source import Drawn, Limits, Pieces, Source, SourceRows, weight_unit
from fastem.units import Units

#: Moments that are added by one task.
FAN_IN = 8


@dataclass(frozen=True, eq=False)
class Dask(Source):
    """Rows in chunks.

    Parameters
    ----------
    chunks : Chunks
    form : chunk.Form
        What kernels take of them.
    survey : Survey
    """

    chunks: Chunks
    form: chunk.Form
    survey: Survey

    @classmethod
    def of(cls, X: Any, sample_weight: Any = None, missing: str = "error") -> Dask:
        """Check every chunk of a Dask array or data frame.

        Raises
        ------
        TypeError, ValueError
            As `fastem.fit` does of an array; rows are counted over all chunks.
        ConnectionError, RuntimeError
            If the scheduler is gone, or a worker has no fastem or another version of it.
        """
        array = matrix(X)
        blocks = tuple(array.to_delayed().ravel().tolist())
        chunks = Chunks(blocks, weights_of(sample_weight, array), held=(X, sample_weight))
        form = chunk.Form(np.dtype(validation.precision_for(array.dtype)), array.shape[1])
        check_workers()
        facts = chunks.each(survey, lambda i: (i, array.chunks[0][i], form.n_features, missing))
        whole = Survey.of(facts, form.n_features)
        if whole.empty is not None:
            warnings.warn(f"X: {whole.empty}", UserWarning, stacklevel=5)
        form = form._replace(weight_unit=weight_unit(whole.heaviest))
        return cls(chunks, form, whole)

    @property
    def complete(self) -> bool:  # type: ignore[override]
        """Whether no row lacks a column."""
        return not self.survey.n_lacking

    @property
    def weight_unit(self) -> float:
        """What the weights are multiples of."""
        return self.form.weight_unit

    @property
    def n_samples(self) -> int:
        """Number of rows that count."""
        return int(self.survey.ends[-1])

    @property
    def pieces(self) -> Pieces | None:
        """Weights of rows that always come together: of chunks."""
        if self.chunks.weights[0] is None:
            return None
        return Pieces(self.begins, self.survey.sums / self.weight_unit)

    @property
    def begins(self) -> NDArray[np.int64]:
        """Rows that count before each chunk, (n_chunks,)."""
        return np.concatenate([[0], self.survey.ends[:-1]])

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.form.n_features

    @property
    def dtype(self) -> np.dtype:
        """float64 or float32."""
        return self.form.dtype

    @property
    def n_bytes(self) -> list[int]:
        """Of the rows of each chunk."""
        row_bytes = self.n_features * self.dtype.itemsize
        return (np.diff(self.survey.ends, prepend=0) * row_bytes).tolist()

    def take(self, numbers: NDArray[np.intp]) -> Drawn:
        """Rows by their numbers, and their weights."""
        ends = self.survey.ends
        wanted = np.split(numbers, np.searchsorted(numbers, ends[:-1]))
        begins = self.begins
        taken = self._of_counted(
            lambda i: partial(chunk.take, numbers=wanted[i] - begins[i]),
            [i for i, some in enumerate(wanted) if len(some)],
        )
        rows, weights = zip(*taken, strict=True)
        return np.concatenate(rows), None if weights[0] is None else np.concatenate(weights)

    def limits(self) -> Limits:
        """Smallest and largest number in each column."""
        return self.survey.low, self.survey.high

    def limits_along(self, axes: NDArray[np.float64]) -> Limits:
        """Smallest and largest number in each column of the rows times axes (n_features, m)."""
        along = delayed(partial(chunk.along, axes=axes), traverse=False, pure=False)
        return union(axes.shape[1], self._of_counted(lambda _: along))

    def digest(self) -> Digest:
        """What tells these rows and their weights from others: a pass, for whoever needs it."""
        return sum(self._of_counted(lambda _: Digest.of), Digest())

    def _of_counted(
        self, work: Callable[[int], Any], which: Iterable[int] | None = None
    ) -> list[Any]:
        """What functions make of the rows that count of each chunk, or of some, by its number."""
        form = delayed(self.form, traverse=False, pure=False)
        marks = self.survey.marks
        return self.chunks.each(chunk.of_counted, lambda i: (marks[i], form, work(i)), which)

    def widened(self) -> Dask:
        """The same rows as float64."""
        return replace(self, form=self.form._replace(dtype=np.dtype(np.float64)))

    def at(self, units: Units) -> DaskRows:
        """The rows in the units of a fit."""
        return DaskRows(self, units)


@dataclass(frozen=True, eq=False)
class DaskRows(SourceRows):
    """Rows in chunks."""

    source: Dask

    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows.

        Raises
        ------
        ValueError
            If a chunk is not what it was.
        """
        source = self.source
        box = None if source.complete else source.limits()
        # Given as a key of its own, it is sent once to each worker and not once for each chunk; and
        # as part of the graph, not scattered, it outlives the workers that hold it.
        order = delayed(
            chunk.Order(source.form, source.n_samples, density, self.units, self.weigh, box),
            traverse=False,
            pure=False,
        )
        summarise, add = delayed(chunk.summarise, pure=False), delayed(chunk.add, pure=False)
        parts, begins, marks = [], source.begins.tolist(), source.survey.marks
        for numbers, worker in source.chunks.groups(source.n_bytes):
            with at(worker):
                blocks = [(*source.chunks.pair(i), marks[i], begins[i]) for i in numbers]
                parts.append(summarise(blocks, order))
        while len(parts) > 1:
            parts = [add(*parts[i : i + FAN_IN]) for i in range(0, len(parts), FAN_IN)]
        (found,) = computed(parts)
        return found.moments()
