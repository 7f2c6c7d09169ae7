"""Rows that come block by block from Python: of a function of the user's, or of a large array.

An array of integers, of another byte order or laid out by columns, a slice or a data frame would be
eight times as large as float64, or twice as large: so every pass converts it anew, as it reads
files.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.rows.formats.table import InMemory, Table, working_dtype
from fastem.rows.frame import Frame, Part
from fastem.rows.passes import DEFAULT_MEMORY, memory_of
from fastem.rows.source import Drawn, Source
from fastem.rows.stream import Stream

#: Bytes from which an array is not converted whole, and bytes that passes over it may take.
LARGE, BUDGET = 2**25, 2**25


class Blocks(Stream):
    """Rows that a function gives block by block, as often as a fit asks for them.

    Parameters
    ----------
    make : callable
        Takes nothing and returns an iterable of blocks, the same ones at every call. A block is an
        array (n, n_features) of any n, or a pair of it and sample weights (n,). It is called once
        for the first block and once for each pass, in a thread of its own, where it reads the next
        block while the present one is worked on.
    memory : int or str, default "256M"
        Budget, beside what `make` itself takes: see `fastem.rows.open`.

    Raises
    ------
    TypeError
        If `make` is not a function, or blocks are not arrays of real numbers.
    ValueError
        If there is no block, blocks differ in columns or dtype, or a number is not finite.

    Examples
    --------
    >>> import numpy as np, fastem
    >>> def halves():
    ...     rng = np.random.default_rng(0)
    ...     yield rng.normal(0, 1, (300, 2))
    ...     yield rng.normal(9, 1, (200, 2))
    >>> fitted = fastem.fit(fastem.rows.Blocks(halves), 2, random_state=0)
    >>> np.sort(fitted.mixture.weights).round(3)
    array([0.4, 0.6])
    """

    def __init__(
        self, make: Callable[[], Iterable[Any]], *, memory: int | str = DEFAULT_MEMORY
    ) -> None:
        if not callable(make):
            raise TypeError(
                f"make is of type {type(make).__name__}; give a function that returns an iterable "
                f"of arrays, such as lambda: blocks"
            )
        table = _Made(make)
        weight = table.width - 1 if table.weighted else None
        super().__init__(Frame.of([table], None, weight), memory_of(memory))


class _Made(Table):
    """What the function makes: rows, with their weights in a last column if they have any."""

    name = "Blocks"

    def __init__(self, make: Callable[[], Iterable[Any]]) -> None:
        self._make = make
        first = list(islice(self._given(), 1))
        if not first:
            raise ValueError("Blocks gave no block; give at least one row")
        X, weight = _block(first[0], 0)
        self._form, self.weighted = (X.shape[1], X.dtype), weight is not None
        self.width = X.shape[1] + self.weighted

    def dtype(self, columns: Sequence[int]) -> np.dtype:
        return self._form[1]

    def _given(self) -> Iterator[Any]:
        """What the function gives this time."""
        blocks = self._make()
        try:
            return iter(blocks)
        except TypeError:
            raise TypeError(
                f"make returned {blocks!r}; let it return an iterable of arrays"
            ) from None

    def blocks(self, columns: Sequence[int]) -> Generator[NDArray, None, None]:
        for number, given in enumerate(self._given()):
            X, weight = _block(given, number)
            if (X.shape[1], X.dtype) != self._form:
                raise ValueError(
                    f"block {number} of Blocks has {X.shape[1]} columns of {X.dtype} but the first "
                    f"has {self._form[0]} of {self._form[1]}; give all blocks the same"
                )
            if (weight is not None) != self.weighted:
                raise ValueError(
                    f"block {number} of Blocks comes {'without' if self.weighted else 'with'} "
                    f"weights, unlike the first; give all of them weights or none"
                )
            yield X if weight is None or len(columns) < self.width else np.column_stack((X, weight))


def _block(given: Any, number: int) -> tuple[NDArray, NDArray[np.float64] | None]:
    """A block as arrays of float64 or float32."""
    X, weight = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
    X = np.asarray(X)
    if X.ndim != 2 or not X.shape[1]:
        raise ValueError(
            f"block {number} of Blocks has shape {X.shape}; each must be 2-dimensional, "
            f"(n, n_features)"
        )
    X = X.astype(working_dtype(X.dtype, f"block {number} of Blocks"), copy=False)
    if weight is not None:
        name = f"the sample_weight of block {number} of Blocks"
        weight = validation.numeric(weight, name).astype(np.float64)
        if weight.shape != X.shape[:1]:
            raise ValueError(
                f"block {number} of Blocks has {len(X)} rows and weights of shape {weight.shape}; "
                f"give one weight a row"
            )
    return X, weight


class Converted(Stream):
    """Rows of an array, converted when a pass comes to them: to the bit what the whole would be."""

    def draw(self, n: int, rng: np.random.Generator) -> Drawn:
        """At most n rows: as many as of an array that is converted."""
        return Source.draw(self, n, rng)


def converted(X: Any, sample_weight: ArrayLike | None = None) -> Converted | None:
    """Rows that are to be converted block by block; None if the whole may be, or need not be."""
    if len(getattr(X, "shape", ())) != 2 or 0 in X.shape or isinstance(X, np.ma.MaskedArray):
        return None
    names, X = validation.feature_names(X), _plain(X)
    dtype = _dtype_of(X)
    if dtype is None or X.shape[0] * X.shape[1] * dtype.itemsize < LARGE:
        return None
    weight, weights = validation.sample_weight(sample_weight, X.shape[0]), None
    if weight is not None:
        weights = Part(InMemory(weight[:, None]), [0])
    table = InMemory(X, dtype, names)
    return Converted(Frame([Part(table, range(table.width))], weights=weights), BUDGET)


def _plain(X: Any) -> Any:
    """The array that a data frame of pandas's is, if all columns are of one type of NumPy's."""
    if not hasattr(X, "iloc"):
        return X
    kinds = set(X.dtypes)
    return np.asarray(X) if len(kinds) == 1 and isinstance(kinds.pop(), np.dtype) else X


def _dtype_of(X: Any) -> np.dtype | None:
    """What numbers are converted to; None where they need not be, or are none."""
    if isinstance(X, np.ndarray):
        if X.dtype.kind not in "fiub":
            return None
        dtype = working_dtype(X.dtype, "X")
        ready = X.dtype == dtype and X.dtype.isnative and X.flags.c_contiguous
        return None if ready else dtype
    is_frame = hasattr(X, "iloc") or type(X).__module__.partition(".")[0] == "polars"
    return validation.matrix(X[:1]).dtype if is_frame else None
