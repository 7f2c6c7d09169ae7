"""Rows in chunks, before and after a fit has chosen its units."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from dask.base import compute
from dask.delayed import Delayed, delayed
from numpy.typing import NDArray

from fastem import validation
from fastem.density import Density
from fastem.moments import Moments
from fastem.rows.dask import chunk
from fastem.rows.dask.given import matrix, weights_of
from fastem.rows.dask.survey import Survey, survey
from fastem.rows.memory import union
from fastem.rows.source import Drawn, Limits, Rows, Source, weight_unit
from fastem.units import Units

#: Moments that are added by one task.
FAN_IN = 8


@dataclass(frozen=True, eq=False)
class Dask(Source):
    """Rows in chunks.

    Parameters
    ----------
    chunks : tuple of Delayed
        Each an array of rows, (n, n_features), of any dtype and layout.
    weights : tuple of Delayed or None
        For each chunk, of its rows.
    form : chunk.Form
        What kernels take of them.
    survey : Survey
    held : object
        What the user gave: Dask drops persisted chunks once nobody holds the collection.
    """

    chunks: tuple[Delayed, ...]
    weights: tuple[Delayed | None, ...]
    form: chunk.Form
    survey: Survey
    held: object

    @classmethod
    def of(cls, X: Any, sample_weight: Any = None) -> Dask:
        """Check every chunk of a Dask array or data frame.

        Raises
        ------
        TypeError, ValueError
            As `fastem.fit` does of an array; rows are counted over all chunks.
        """
        array = matrix(X)
        chunks = tuple(array.to_delayed().ravel().tolist())
        weights = weights_of(sample_weight, array)
        form = chunk.Form(np.dtype(validation.precision_for(array.dtype)), array.shape[1])
        surveyed = delayed(survey, pure=False)
        pairs = enumerate(zip(chunks, weights, strict=True))
        facts = [surveyed(*pair, f"block {i} of X", form.n_features) for i, pair in pairs]
        whole = Survey.of(_compute(facts), form.n_features)
        form = form._replace(weight_unit=weight_unit(whole.heaviest))
        return cls(chunks, weights, form, whole, held=(X, sample_weight))

    @property
    def weight_unit(self) -> float:
        """What the weights are multiples of."""
        return self.form.weight_unit

    @property
    def n_samples(self) -> int:
        """Number of rows that count."""
        return int(self.survey.ends[-1])

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.form.n_features

    @property
    def dtype(self) -> np.dtype:
        """float64 or float32."""
        return self.form.dtype

    def take(self, numbers: NDArray[np.intp]) -> Drawn:
        """Rows by their numbers, and their weights."""
        take = delayed(chunk.take, pure=False)
        taken = []
        begin = 0
        for block, weight, end in zip(self.chunks, self.weights, self.survey.ends, strict=True):
            wanted = numbers[np.searchsorted(numbers, begin) : np.searchsorted(numbers, end)]
            if len(wanted):
                taken.append(take(block, weight, self.form, wanted - begin))
            begin = end
        rows, weights = zip(*_compute(taken), strict=True)
        return np.concatenate(rows), None if weights[0] is None else np.concatenate(weights)

    def limits(self) -> Limits:
        """Smallest and largest number in each column."""
        return self.survey.low, self.survey.high

    def limits_along(self, axes: NDArray[np.float64]) -> Limits:
        """Smallest and largest number in each column of the rows times axes (n_features, m)."""
        along = delayed(chunk.limits_along, pure=False)
        order = delayed((self.form, axes), traverse=False, pure=False)
        pairs = zip(self.chunks, self.weights, strict=True)
        return union(axes.shape[1], _compute([along(*pair, order) for pair in pairs]))

    def widened(self) -> Dask:
        """The same rows as float64."""
        return replace(self, form=self.form._replace(dtype=np.dtype(np.float64)))

    def at(self, units: Units) -> DaskRows:
        """The rows in the units of a fit."""
        return DaskRows(self, units)


@dataclass(frozen=True, eq=False)
class DaskRows(Rows):
    """Rows in chunks and the units to work on them in.

    Parameters
    ----------
    source : Dask
    units : Units
    """

    source: Dask
    units: Units

    @property
    def dtype(self) -> np.dtype:
        """float64 or float32."""
        return self.source.dtype

    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows.

        Raises
        ------
        ValueError
            If there are more or fewer rows than there were.
        """
        source = self.source
        # Given as a key of its own, it is sent once to each worker and not once for each chunk; and
        # as part of the graph, not scattered, it outlives the workers that hold it.
        order = delayed((source.form, density, self.units), traverse=False, pure=False)
        summarise, add = delayed(chunk.summarise, pure=False), delayed(_add, pure=False)
        pairs = zip(source.chunks, source.weights, strict=True)
        parts = [summarise(block, weight, order) for block, weight in pairs]
        while len(parts) > 1:
            parts = [add(*parts[i : i + FAN_IN]) for i in range(0, len(parts), FAN_IN)]
        (moments,) = _compute(parts)
        if source.weights[0] is None and moments.n_rows != source.n_samples:
            raise ValueError(
                f"X has {moments.n_rows:.0f} rows, where it had {source.n_samples} before: its "
                f"chunks changed during the fit; persist them, or read what does not change"
            )
        return moments


def _add(*moments: Moments) -> Moments:
    return reduce(operator.add, moments)


def _compute(tasks: Sequence[Delayed]) -> list[Any]:
    """What the tasks return, run where Dask would run them."""
    return list(compute(*tasks, traverse=False))
