"""Large arrays of numbers that kernels do not take as they are: converted block by block.

An array of integers, of another byte order or laid out by columns, a slice or a data frame would be
eight times as large as float64, or twice as large: so every pass converts it anew, as it reads
files.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastem import validation
from fastem.rows.formats.table import InMemory, working_dtype
from fastem.rows.frame import Frame, Part
from fastem.rows.source import Drawn, Source
from fastem.rows.stream import Stream

#: Bytes from which an array is not converted whole, and bytes that passes over it may take.
LARGE, BUDGET = 2**25, 2**25


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
