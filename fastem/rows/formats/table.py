"""The contract of a format: columns of numbers that are read from the first row to the last."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Hashable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastem import validation

#: Bytes read together.
CHUNK = 2**20


class Table(ABC):
    """A file of one format, or whatever else gives rows in order.

    Attributes
    ----------
    name : str
        What messages call it.
    width : int
        Number of columns.
    names : tuple of str or None
        Of the columns, if they have any.
    types : sequence of pyarrow.DataType or None
        Of the columns, if Arrow reads them.
    n_rows : int or None
        None if that is not known before all are read.
    slow : bool
        Whether reading takes so long that a copy is worth its while.
    file : File or None
        What the rows are in, if that is a file.
    """

    name: str
    width: int
    names: tuple[str, ...] | None = None
    types: Sequence[Any] | None = None
    n_rows: int | None = None
    slow: bool = False
    file: Any = None

    @property
    def owner(self) -> tuple[Sequence[str] | None, int, str]:
        """What columns are looked for in: their names, how many they are, and of what."""
        return self.names, self.width, self.name

    @property
    def data(self) -> Sequence[int]:
        """The columns that are meant where none are named."""
        return range(self.width)

    def notes(self, columns: Sequence[int]) -> tuple[str, ...]:
        """What a user should know of the reading of these columns."""
        return ()

    def dtype(self, columns: Sequence[int]) -> np.dtype:
        """float64, or float32 if the columns hold no more; TypeError if one holds no numbers."""
        return np.dtype(np.float64)

    @abstractmethod
    def blocks(self, columns: Sequence[int]) -> Generator[NDArray, None, None]:
        """One pass over some columns, in blocks of any sizes; NaN is a number that is missing."""

    def cursor(self, columns: Sequence[int]) -> Cursor:
        """One pass over some columns, in arrays of the sizes asked for."""
        return Cursor(self.blocks(columns))

    def take(self, rows: NDArray[np.intp], columns: Sequence[int]) -> NDArray | None:
        """Rows by their numbers, which ascend, or None without cheap seeks."""
        return None

    def carried(self, columns: Sequence[int]) -> Iterator[Sequence[Any]]:
        """The fields of each row in some columns, whatever they hold."""
        for block in self.blocks(columns):
            yield from block.tolist()

    def stamp(self) -> Hashable:
        """Something that changes when the rows do; None if there is no such thing."""
        return None if self.file is None else self.file.stamp()

    def called(self, column: int) -> str:
        """What messages call a column."""
        if self.names is None or not self.names[column]:
            return f"column {column} (counted from 0)"
        return f"column {shown(self.names[column])}"

    def where(self, row: int, column: int) -> str:
        """What messages call a place, both counted from 0."""
        return f"{self.name}, row {row}, {self.called(column)}"


class InMemory(Table):
    """An array, maybe mapped from a file, or a data frame, converted as it is read."""

    name = "X"

    def __init__(
        self,
        X: Any,
        dtype: DTypeLike = np.float64,
        names: tuple[str, ...] | None = None,
    ) -> None:
        self._X, self._dtype, self.names = X, np.dtype(dtype), names
        self.n_rows, self.width = X.shape

    def dtype(self, columns: Sequence[int]) -> np.dtype:
        """float32 where that holds all numbers, else float64."""
        return self._dtype

    def blocks(self, columns: Sequence[int]) -> Generator[NDArray, None, None]:
        """About a megabyte at a time."""
        step = max(1, CHUNK // (self.width * self._dtype.itemsize))
        for start in range(0, self._X.shape[0], step):
            yield self._converted(self._X[start : start + step])[:, columns]

    def take(self, rows: NDArray[np.intp], columns: Sequence[int]) -> NDArray:
        """Rows by their numbers."""
        some = self._X.iloc[rows] if hasattr(self._X, "iloc") else self._X[rows]
        return self._converted(some)[:, columns]

    def stamp(self) -> Hashable:
        """The same as long as the array is there: nobody may write to it during a fit."""
        return "array", id(self._X)

    def _converted(self, some: Any) -> NDArray:
        return validation.matrix(some).astype(self._dtype, copy=False)


class Cursor:
    """One pass over a table, its blocks poured into arrays of other sizes."""

    def __init__(self, blocks: Generator[NDArray, None, None]) -> None:
        self._blocks = blocks
        self._left: NDArray = np.empty((0, 0))

    def read(self, out: NDArray) -> int:
        """Fill with the next rows; how many, which are fewer than there is room for at the end."""
        filled = 0
        while filled < len(out):
            if not len(self._left):
                block = next(self._blocks, None)
                if block is None:
                    break
                self._left = block
            n = min(len(out) - filled, len(self._left))
            out[filled : filled + n] = self._left[:n]
            self._left = self._left[n:]
            filled += n
        return filled

    def close(self) -> None:
        """Let go of files."""
        self._blocks.close()


def working_dtype(dtype: np.dtype, name: str) -> np.dtype:
    """What numbers of a dtype are worked on in: float32 for itself, float64 for all others."""
    if dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {dtype}; give real numbers")
    return np.dtype(validation.precision_for(dtype))


def shown(value: str) -> str:
    """A text from a file, fit for one line."""
    return repr(value if len(value) <= 40 else value[:37] + "...")
