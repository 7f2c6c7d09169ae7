"""Numbers of one size as they lie in a file, which can be read from anywhere."""

from __future__ import annotations

import os
from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fastem.rows.formats.table import CHUNK, Cursor, Table, working_dtype


@dataclass(frozen=True)
class Form:
    """How an array lies in a file.

    Parameters
    ----------
    n_rows, width : int
    dtype : dtype
    fortran : bool
        Whether it holds column after column.
    offset : int
        Bytes before the first number.
    """

    n_rows: int
    width: int
    dtype: np.dtype
    fortran: bool = False
    offset: int = 0

    @property
    def row_bytes(self) -> int:
        """Of a row in the file."""
        return self.width * self.dtype.itemsize


class Binary(Table):
    """An array that lies in a file as it is.

    Parameters
    ----------
    file : File or Temporary
        What opens it.
    form : Form
    name : str
        What messages call it.

    Raises
    ------
    TypeError, ValueError
        If it does not hold real numbers, or was cut short.
    """

    def __init__(self, file: Any, form: Form, name: str) -> None:
        self.file, self.form, self.name = file, form, name
        self.n_rows, self.width = form.n_rows, form.width
        working_dtype(form.dtype, name)
        if file.size() < form.offset + form.n_rows * form.row_bytes:
            raise self._short(file.size())

    def dtype(self, columns: Sequence[int]) -> np.dtype:
        """float32 for itself, float64 for all others."""
        return working_dtype(self.form.dtype, self.name)

    def stamp(self) -> Hashable:
        """That of the file."""
        return self.file.stamp()

    def blocks(self, columns: Sequence[int]) -> Generator[NDArray, None, None]:
        """About a megabyte at a time."""
        size = max(1, CHUNK // self.form.row_bytes)
        with self.file.open() as file:
            for start in range(0, self.form.n_rows, size):
                n = min(size, self.form.n_rows - start)
                yield self._rows(file, start, n, columns)[:, columns]

    def cursor(self, columns: Sequence[int]) -> Cursor:
        """Straight into the arrays asked for, where the file holds just what they take."""
        whole = list(columns) == list(range(self.width)) and not self.form.fortran
        return _InPlace(self) if whole else super().cursor(columns)

    def take(self, rows: NDArray[np.intp], columns: Sequence[int]) -> NDArray | None:
        """Rows by seeks, unless there are so many that to read all is faster."""
        if len(rows) > self.form.n_rows // 16:
            return None
        with self.file.open() as file:
            return np.concatenate([self._rows(file, row, 1, columns) for row in rows])[:, columns]

    def fill(self, file: IO[bytes], offset: int, out: NDArray) -> None:
        """Read an array, C order, from so many bytes after the first number.

        Raises
        ------
        ValueError
            If the file ends before.
        """
        file.seek(self.form.offset + offset)
        view = out.reshape(-1).view(np.uint8).data
        while len(view):
            n = file.readinto(view)  # type: ignore[attr-defined]
            if not n:
                raise self._short(file.seek(0, os.SEEK_END))
            view = view[n:]

    def _rows(self, file: IO[bytes], start: int, n: int, columns: Sequence[int]) -> NDArray:
        """Some rows, in all columns of the file; only those asked for are read where one can."""
        form = self.form
        if not form.fortran:
            rows = np.empty((n, form.width), form.dtype)
            self.fill(file, start * form.row_bytes, rows)
            return rows
        read = np.empty((form.width, n), form.dtype)
        for j in columns:
            self.fill(file, (j * form.n_rows + start) * form.dtype.itemsize, read[j])
        return read.T

    def _short(self, size: int) -> ValueError:
        row = max(0, size - self.form.offset) // self.form.row_bytes
        where = "" if self.form.fortran else f" at row {row}"
        return ValueError(
            f"{self.name} ends{where}, before the {self.form.n_rows} rows that it should have; it "
            f"was cut short: copy or save it again"
        )


class _InPlace(Cursor):
    """One pass over a file that holds just what is wanted of it."""

    def __init__(self, table: Binary) -> None:
        self._table, self._file, self._row = table, table.file.open(), 0

    def read(self, out: NDArray) -> int:
        """Read the file into the array, by way of another if its numbers are of another size."""
        form = self._table.form
        n = min(len(out), form.n_rows - self._row)
        direct = form.dtype == out.dtype
        if not direct:
            n = min(n, max(1, CHUNK // form.row_bytes))
        read = out[:n] if direct else np.empty((n, form.width), form.dtype)
        self._table.fill(self._file, self._row * form.row_bytes, read)
        if not direct:
            out[:n] = read
        self._row += n
        return n

    def close(self) -> None:
        """Close the file."""
        self._file.close()
