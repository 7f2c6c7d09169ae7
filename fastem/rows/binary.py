"""Tables of fixed-size numbers in a file: .npy, members of .npz and raw binary."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from fastem.rows.table import Block, Reader, Table, check_finite

#: Bytes read together where they are not read in place.
CHUNK = 2**20


class Binary(Table):
    """An array that lies in a file as it is.

    Parameters
    ----------
    path : Path
    offset : int
        Bytes before the first number.
    shape : tuple of int
        (n_rows, columns in the file).
    dtype : dtype
        Of the file.
    fortran : bool
        Whether the file holds column after column.
    columns : sequence of int
        Those that count, in the order wanted.
    weight : int, optional
        The column that holds sample weights.
    """

    def __init__(
        self,
        path: Path,
        offset: int,
        shape: tuple[int, int],
        dtype: np.dtype,
        fortran: bool,
        columns: Sequence[int],
        weight: int | None = None,
    ) -> None:
        self.path, self.name = path, str(path)
        self._offset, self._shape, self._file_dtype, self._fortran = offset, shape, dtype, fortran
        self._columns, self._weight = list(columns), weight
        self.n_rows = shape[0]
        self.n_features = len(self._columns)
        self.weighted = weight is not None
        single = dtype.kind == "f" and dtype.itemsize == 4
        self.dtype = np.dtype(np.float32 if single else np.float64)

    def blocks(self) -> Iterator[Block]:
        """Chunks of about a megabyte."""
        n_rows, width = self._shape
        size = max(1, CHUNK // (width * self._file_dtype.itemsize))
        with open(self.path, "rb", buffering=0) as file:
            for start in range(0, n_rows, size):
                X = self._rows(file, start, min(size, n_rows - start))
                weight = None if self._weight is None else X[:, self._weight]
                yield X[:, self._columns], weight

    def reader(self, *, checked: bool) -> Reader:
        """Straight into the arrays asked for, where the file holds just what they take."""
        in_place = (
            self._file_dtype == self.dtype
            and (not self._fortran or self._shape[1] == 1)
            and not self.weighted
            and self._columns == list(range(self._shape[1]))
        )
        return _InPlace(self, checked) if in_place else super().reader(checked=checked)

    def take(self, rows: NDArray[np.intp]) -> NDArray | None:
        """Rows by seeks, unless there are so many that reading all is faster."""
        if len(rows) > self._shape[0] // 16:
            return None
        with open(self.path, "rb", buffering=0) as file:
            return np.concatenate([self._rows(file, row, 1) for row in rows])[:, self._columns]

    def stamp(self) -> Hashable:
        """Size and time of the file."""
        status = os.stat(self.path)
        return status.st_size, status.st_mtime_ns, status.st_ino

    def _rows(self, file: BinaryIO, start: int, n: int) -> NDArray:
        """Rows in all columns of the file."""
        n_rows, width = self._shape
        itemsize = self._file_dtype.itemsize
        if not self._fortran:
            rows = np.empty((n, width), self._file_dtype)
            self.fill(file, self._offset + start * width * itemsize, rows)
            return rows
        columns = np.empty((width, n), self._file_dtype)
        for j in sorted({*self._columns, *([] if self._weight is None else [self._weight])}):
            self.fill(file, self._offset + (j * n_rows + start) * itemsize, columns[j])
        return columns.T

    def fill(self, file: BinaryIO, offset: int, out: NDArray) -> None:
        """Read that many bytes from there.

        Raises
        ------
        ValueError
            If the file ends before.
        """
        file.seek(offset)
        view = out.reshape(-1).view(np.uint8).data
        while len(view):
            n = file.readinto(view)  # type: ignore[attr-defined]
            if not n:
                held = (file.seek(0, os.SEEK_END) - self._offset) // max(
                    1, self._shape[1] * self._file_dtype.itemsize
                )
                raise ValueError(
                    f"{self.name} ends at row {held}, before the {self._shape[0]} rows that it "
                    f"should have; it was cut short"
                )
            view = view[n:]


class _InPlace(Reader):
    """One pass over a file that holds just what is wanted of it."""

    def __init__(self, table: Binary, checked: bool) -> None:
        self._table, self._checked = table, checked
        self._file = open(table.path, "rb", buffering=0)  # noqa: SIM115, closed by `close`
        self._row = 0

    def read(self, X: NDArray, weight: NDArray[np.float64] | None) -> int:
        table = self._table
        n = min(len(X), table._shape[0] - self._row)
        row_bytes = X.itemsize * X.shape[1]
        table.fill(self._file, table._offset + self._row * row_bytes, X[:n])
        if self._checked:
            check_finite(table, X[:n], self._row)
        self._row += n
        return n

    def close(self) -> None:
        self._file.close()


def npy(path: Path, columns: Sequence[int | str] | None) -> Binary:
    """The array in an .npy file; one of a single dimension is a column.

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If the file is damaged, holds another shape, or there is no such column.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"{path} is damaged, cut short or holds objects ({error}); give an array of real "
            f"numbers"
        ) from None
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    if array.ndim != 2 or not array.size:
        raise ValueError(
            f"{path} holds an array of shape {array.shape}; give a 2-dimensional one, "
            f"(n_samples, n_features), that is not empty"
        )
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{path} holds {array.dtype}; give real numbers")
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    chosen = positions(columns, array.shape[1], str(path))
    shape: tuple[int, int] = array.shape
    return Binary(path, array.offset, shape, array.dtype, fortran, chosen)


def positions(columns: Sequence[int | str] | None, width: int, name: str) -> list[int]:
    """Columns of a file that does not name them.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    if columns is None:
        return list(range(width))
    for j in columns:
        if not isinstance(j, int | np.integer) or not 0 <= j < width:
            raise ValueError(
                f"{name} has no column {j!r}; its columns have no names, give positions from 0 to "
                f"{width - 1}"
            )
    return [int(j) for j in columns]
