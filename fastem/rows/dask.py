"""Rows of Dask: arrays and data frames in chunks, on this machine or on a cluster (extra: dask).

    density --to every worker--> chunk --summarise, one thread--> Moments --+--+--> one Moments
                                 chunk --summarise, one thread--> Moments --+  |
                                 chunk --summarise, one thread--> Moments -----+

The moments of a chunk are computed where the chunk is, by the serial kernel, for a worker has
threads of its own, and added in a tree whose shape the number of chunks alone decides: the same
chunks give the same bits on any number of workers, in whatever order they finish and however many
of them die meanwhile. Only densities and moments travel, of K (1 + D + D^2) numbers each, and once
the few rows that restarts race on, in the process that called. (Dask itself may give a worker that
has nothing to do a chunk of another's; it stays there.)

Tasks run where Dask would run them: on the cluster of the `Client` at hand (`Client()` starts a
LocalCluster), else by the scheduler that Dask's configuration names, else on threads of this
process, which the kernels use to the full as they leave Python's lock alone.

Every pass asks Dask for the chunks again. Those that were persisted are there; others are read or
computed anew, by each pass and by three looks at the rows before the first one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, NamedTuple

import dask.array
import numpy as np
from dask.base import compute, is_dask_collection
from dask.delayed import Delayed, delayed
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.density import Density
from fastem.moments import Moments
from fastem.rows.memory import limits_along
from fastem.rows.source import Rows, Source
from fastem.rows.survey import Survey, survey
from fastem.units import Units

__all__ = ["Dask", "DaskRows", "lazily"]

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
    form : Form
        What kernels take of them.
    survey : Survey
    held : object
        What the user gave: Dask drops persisted chunks once nobody holds the collection.
    """

    chunks: tuple[Delayed, ...]
    weights: tuple[Delayed | None, ...]
    form: Form
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
        weights = _weights(sample_weight, array)
        form = Form(np.dtype(validation.precision_for(array.dtype)), array.shape[1])
        surveyed = delayed(survey, pure=False)
        pairs = enumerate(zip(chunks, weights, strict=True))
        facts = [surveyed(*pair, f"block {i} of X", form.n_features) for i, pair in pairs]
        whole = Survey.of(_compute(facts), form.n_features)
        unit = float(np.exp2(np.floor(np.log2(whole.heaviest))))
        form = form._replace(weight_unit=unit)
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

    def look(self, n: int) -> NDArray:
        """About n rows, at most 2 n, evenly spaced."""
        return self._take(np.arange(0, self.n_samples, max(1, self.n_samples // n)))[0]

    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Smallest and largest number in each column."""
        return self.survey.low, self.survey.high

    def limits_along(
        self, axes: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Smallest and largest number in each column of the rows times axes (n_features, m)."""
        along = delayed(_limits_along, pure=False)
        order = delayed((self.form, axes), traverse=False, pure=False)
        pairs = zip(self.chunks, self.weights, strict=True)
        lows, highs = zip(*_compute([along(*pair, order) for pair in pairs]), strict=True)
        return np.min(lows, axis=0), np.max(highs, axis=0)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[NDArray, NDArray[np.float64] | None]:
        """At most n rows drawn without replacement, in their order, and their weights.

        They are the rows that would be drawn from the same rows in memory.
        """
        if n >= self.n_samples:
            return self._take(np.arange(self.n_samples))
        return self._take(np.sort(rng.choice(self.n_samples, n, replace=False, shuffle=False)))

    def widened(self) -> Dask:
        """The same rows as float64."""
        return replace(self, form=self.form._replace(dtype=np.dtype(np.float64)))

    def at(self, units: Units) -> DaskRows:
        """The rows in the units of a fit."""
        return DaskRows(self, units)

    def _take(self, numbers: NDArray[np.int64]) -> tuple[NDArray, NDArray[np.float64] | None]:
        """Rows by their numbers, in ascending order, and their weights."""
        take = delayed(_take, pure=False)
        taken = []
        begin = 0
        for chunk, weight, end in zip(self.chunks, self.weights, self.survey.ends, strict=True):
            wanted = numbers[np.searchsorted(numbers, begin) : np.searchsorted(numbers, end)]
            if len(wanted):
                taken.append(take(chunk, weight, self.form, wanted - begin))
            begin = end
        rows, weights = zip(*_compute(taken), strict=True)
        return np.concatenate(rows), None if weights[0] is None else np.concatenate(weights)


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
    def precision(self) -> float:
        """Relative rounding error of a pass over these rows."""
        return float(np.finfo(self.source.dtype).eps)

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
        summarise, add = delayed(_summarise, pure=False), delayed(_add, pure=False)
        pairs = zip(source.chunks, source.weights, strict=True)
        parts = [summarise(chunk, weight, order) for chunk, weight in pairs]
        while len(parts) > 1:
            parts = [add(*parts[i : i + FAN_IN]) for i in range(0, len(parts), FAN_IN)]
        (moments,) = _compute(parts)
        if source.weights[0] is None and moments.n_rows != source.n_samples:
            raise ValueError(
                f"X has {moments.n_rows:.0f} rows, where it had {source.n_samples} before: its "
                f"chunks changed during the fit; persist them, or read what does not change"
            )
        return moments


class Form(NamedTuple):
    """What kernels take of a chunk: dtype, number of columns, and what weights are counted in."""

    dtype: np.dtype
    n_features: int
    weight_unit: float = 1.0

    def counted(
        self, block: ArrayLike, weight: ArrayLike | None
    ) -> tuple[NDArray, NDArray[np.float64] | None]:
        """The rows of a chunk that count, and their weights."""
        X = np.ascontiguousarray(block, dtype=self.dtype)
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(
                f"a chunk of X has shape {X.shape}, where it had {self.n_features} columns before"
            )
        if weight is None:
            return X, None
        weight = np.asarray(weight, dtype=np.float64)
        counted = weight > 0
        if not counted.all():
            X, weight = X[counted], weight[counted]
        return X, weight / self.weight_unit


def matrix(X: Any) -> dask.array.Array:
    """A Dask array or data frame as an array (n_samples, n_features) in chunks of whole rows.

    Raises
    ------
    TypeError, ValueError
        If it is another collection or not 2-dimensional.
    """
    array = _array(X, "X", "a dask array or data frame")
    if array.ndim != 2:
        raise validation.not_a_matrix(array.shape, "X")
    if np.isnan(array.shape[1]):
        raise ValueError("X has an unknown number of columns; X.compute_chunk_sizes() counts them")
    return array if array.numblocks[1] == 1 else array.rechunk({1: -1})


def lazily(X: Any, n_features: int, of_rows: Callable[[NDArray, str], NDArray]) -> Any:
    """What a function says of each row, as a Dask array in the chunks of X.

    Parameters
    ----------
    X : dask array or data frame
    n_features : int
        Columns that it must have.
    of_rows : callable
        From rows (n, n_features) and a name for them to (n, ...).

    Raises
    ------
    TypeError, ValueError
        If X is no such array.
    """
    array = matrix(X)
    validation.columns(array.shape[1], n_features)
    like = of_rows(np.zeros((1, n_features), validation.precision_for(array.dtype)), "X")[:0]
    return dask.array.map_blocks(
        _of_block,
        array,
        of_rows=delayed(of_rows, traverse=False, pure=False),
        like=like,
        dtype=like.dtype,
        meta=like,
        drop_axis=1 if like.ndim == 1 else None,
        chunks=(array.chunks[0], *((n,) for n in like.shape[1:])),
    )


def _compute(tasks: Sequence[Delayed]) -> list[Any]:
    """What the tasks return, run where Dask would run them."""
    return list(compute(*tasks, traverse=False))


# Tasks ------------------------------------------------------------------------------------------


def _take(
    block: ArrayLike, weight: ArrayLike | None, form: Form, numbers: NDArray[np.int64]
) -> tuple[NDArray, NDArray[np.float64] | None]:
    X, v = form.counted(block, weight)
    return X[numbers], None if v is None else v[numbers]


def _summarise(
    block: ArrayLike, weight: ArrayLike | None, order: tuple[Form, Density, Units]
) -> Moments:
    form, density, units = order
    return density.summarise(*form.counted(block, weight), units, parallel=False)


def _limits_along(
    block: ArrayLike, weight: ArrayLike | None, order: tuple[Form, NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    form, axes = order
    return limits_along(form.counted(block, weight)[0], axes)


def _add(*moments: Moments) -> Moments:
    return reduce(operator.add, moments)


def _of_block(
    block: NDArray,
    of_rows: Callable[[NDArray, str], NDArray],
    like: NDArray,
    block_id: tuple[int, ...],
) -> NDArray:
    return of_rows(block, f"block {block_id[0]} of X") if len(block) else like


# What the user gave -----------------------------------------------------------------------------


def _array(value: Any, name: str, wanted: str) -> dask.array.Array:
    if hasattr(value, "to_dask_array"):
        value = value.to_dask_array()
    if not isinstance(value, dask.array.Array):
        raise TypeError(f"{name} is a {type(value).__qualname__} of Dask's; give {wanted}")
    return value


def _weights(weight: Any, X: dask.array.Array) -> tuple[Delayed | None, ...]:
    """The weights of each chunk of X."""
    n_chunks, known = X.numblocks[0], not np.isnan(X.shape[0])
    if weight is None:
        return (None,) * n_chunks
    if is_dask_collection(weight):
        weight = _array(weight, "sample_weight", "a dask array or a column of a data frame")
    elif known:
        weight = np.asarray(weight)
    else:
        raise TypeError(
            f"sample_weight is a {type(weight).__name__}, but how many rows the chunks of X have "
            f"is unknown; give a dask array or a column of a data frame, in chunks like X's"
        )
    shaped = known and not np.isnan(weight.shape).any()
    if weight.ndim != 1 or (shaped and weight.shape != X.shape[:1]):
        raise ValueError(
            f"sample_weight has shape {weight.shape}; give one weight a row, shape {X.shape[:1]}"
        )
    if isinstance(weight, np.ndarray):
        weight = dask.array.from_array(weight, chunks=(X.chunks[0],))
    elif shaped:
        weight = weight.rechunk((X.chunks[0],))
    if weight.numblocks[0] != n_chunks:
        raise ValueError(
            f"sample_weight has {weight.numblocks[0]} chunks but X has {n_chunks}; "
            f"give it in chunks like X's"
        )
    return tuple(weight.to_delayed().tolist())
