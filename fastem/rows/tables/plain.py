"""Arrays that lie in a file just as they are, which can be read from anywhere."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import IO

import numpy as np
from numpy.typing import NDArray

from fastem.rows.tables.binary import Binary
from fastem.rows.tables.table import Block, Reader, check_finite


class Plain(Binary):
    """An array that lies in a file as it is."""

    def check(self) -> None:
        """Refuse a file that was cut short."""
        size = self.path.stat().st_size
        if size < self.form.offset + self.form.n_rows * self.form.row_bytes:
            raise self._short(size)

    def blocks(self) -> Generator[Block, None, None]:
        """About a megabyte at a time."""
        with open(self.path, "rb", buffering=0) as file:
            for start, n in self.pieces():
                yield self.chosen(self._rows(file, start, n))

    def reader(self, dtype: np.dtype, *, checked: bool) -> Reader:
        """Straight into the arrays asked for, where the file holds just what they take."""
        in_place = (
            self.form.dtype == dtype
            and not self.form.fortran
            and not self.weighted
            and self.columns == list(range(self.form.width))
        )
        return _InPlace(self, checked) if in_place else super().reader(dtype, checked=checked)

    def take(self, rows: NDArray[np.intp]) -> NDArray | None:
        """Rows by seeks, unless there are so many that to read all is faster."""
        if len(rows) > self.form.n_rows // 16:
            return None
        with open(self.path, "rb", buffering=0) as file:
            return np.concatenate([self._rows(file, row, 1) for row in rows])[:, self.columns]

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

    def _rows(self, file: IO[bytes], start: int, n: int) -> NDArray:
        """Some rows, in all columns of the file."""
        form = self.form
        if not form.fortran:
            rows = np.empty((n, form.width), form.dtype)
            self.fill(file, start * form.row_bytes, rows)
            return rows
        columns = np.empty((form.width, n), form.dtype)
        for j in [*self.columns, *([] if self.weight is None else [self.weight])]:
            self.fill(file, (j * form.n_rows + start) * form.dtype.itemsize, columns[j])
        return columns.T

    def _short(self, size: int) -> ValueError:
        row = max(0, size - self.form.offset) // self.form.row_bytes
        where = "" if self.form.fortran else f" at row {row}"
        return ValueError(
            f"{self.name} ends{where}, before the {self.form.n_rows} rows that it should have; it "
            f"was cut short"
        )


class _InPlace(Reader):
    """One pass over a file that holds just what is wanted of it."""

    def __init__(self, table: Plain, checked: bool) -> None:
        self._table, self._checked = table, checked
        self._file = open(table.path, "rb", buffering=0)  # noqa: SIM115, closed by `close`
        self._row = 0

    def read(self, X: NDArray, weight: NDArray[np.float64] | None) -> int:
        """Read the file into X."""
        form = self._table.form
        n = min(len(X), form.n_rows - self._row)
        self._table.fill(self._file, self._row * form.row_bytes, X[:n])
        if self._checked:
            check_finite(self._table, X[:n], self._row)
        self._row += n
        return n

    def close(self) -> None:
        """Close the file."""
        self._file.close()
