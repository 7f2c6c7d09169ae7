"""Tables of numbers of one size, as they lie in a file: .npy, members of .npz and raw binary."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastem.rows.columns import Column, positions
from fastem.rows.table import Block, Reader, Table, check_finite, stamp_of, working_dtype

#: Bytes read together where they are not read in place.
CHUNK = 2**20


@dataclass(frozen=True)
class Form:
    """How an array lies in a file.

    Parameters
    ----------
    n_rows, width : int
        Rows, and columns in the file.
    dtype : dtype
        Of the file.
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
    path : Path
    form : Form
    columns : sequence of int, optional
        Those that count, in the order wanted; all but that of weights by default.
    weight : int, optional
        The column of sample weights.
    name : str, optional
        What messages call it; the path by default.

    Raises
    ------
    TypeError, ValueError
        If it does not hold real numbers, is cut short, or there is no such column.
    """

    def __init__(
        self,
        path: Path,
        form: Form,
        columns: Sequence[Column] | None = None,
        weight: Column | None = None,
        name: str | None = None,
    ) -> None:
        self.path, self.form, self.name = path, form, name or str(path)
        self.dtype = working_dtype(form.dtype, self.name)
        self._columns, self._weight = positions(columns, weight, None, form.width, self.name)
        self.n_rows, self.n_features = form.n_rows, len(self._columns)
        self.weighted = self._weight is not None
        size = path.stat().st_size
        if size < form.offset + form.n_rows * form.row_bytes:
            raise self._short(size)

    def blocks(self) -> Generator[Block, None, None]:
        """About a megabyte at a time."""
        size = max(1, CHUNK // self.form.row_bytes)
        with open(self.path, "rb", buffering=0) as file:
            for start in range(0, self.form.n_rows, size):
                X = self._rows(file, start, min(size, self.form.n_rows - start))
                yield X[:, self._columns], None if self._weight is None else X[:, self._weight]

    def reader(self, dtype: np.dtype, *, checked: bool) -> Reader:
        """Straight into the arrays asked for, where the file holds just what they take."""
        in_place = (
            self.form.dtype == dtype
            and not self.form.fortran
            and not self.weighted
            and self._columns == list(range(self.form.width))
        )
        return _InPlace(self, checked) if in_place else super().reader(dtype, checked=checked)

    def take(self, rows: NDArray[np.intp]) -> NDArray | None:
        """Rows by seeks, unless there are so many that to read all is faster."""
        if len(rows) > self.form.n_rows // 16:
            return None
        with open(self.path, "rb", buffering=0) as file:
            return np.concatenate([self._rows(file, row, 1) for row in rows])[:, self._columns]

    def stamp(self) -> Hashable:
        """Size and time of the file."""
        return stamp_of(self.path)

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
        for j in (*self._columns, *(() if self._weight is None else (self._weight,))):
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

    def __init__(self, table: Binary, checked: bool) -> None:
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


class Packed(Table):
    """An array in a compressed member of an .npz file, which has to be read from its start."""

    def __init__(
        self,
        path: Path,
        member: str,
        form: Form,
        columns: Sequence[Column] | None,
        weight: Column | None,
    ) -> None:
        self.path, self.member, self.form = path, member, form
        self.name = f"{path}[{member}]"
        if form.fortran and form.width > 1:
            raise ValueError(
                f"{self.name} is compressed and holds column after column; save it in C order, or "
                f"with numpy.savez, which does not compress"
            )
        self.dtype = working_dtype(form.dtype, self.name)
        self._columns, self._weight = positions(columns, weight, None, form.width, self.name)
        self.n_rows, self.n_features = form.n_rows, len(self._columns)
        self.weighted = self._weight is not None

    def blocks(self) -> Generator[Block, None, None]:
        """About a megabyte at a time."""
        form = self.form
        size = max(1, CHUNK // form.row_bytes)
        with zipfile.ZipFile(self.path) as archive, archive.open(f"{self.member}.npy") as file:
            file.read(form.offset)
            for start in range(0, form.n_rows, size):
                n = min(size, form.n_rows - start)
                held = file.read(n * form.row_bytes)
                if len(held) < n * form.row_bytes:
                    raise ValueError(f"{self.name} ends before its {form.n_rows} rows")
                X = np.frombuffer(held, form.dtype).reshape(n, form.width)
                yield X[:, self._columns], None if self._weight is None else X[:, self._weight]

    def stamp(self) -> Hashable:
        """Size and time of the file."""
        return stamp_of(self.path)


def raw(
    path: Path,
    dtype: DTypeLike,
    n_columns: int,
    columns: Sequence[Column] | None = None,
    weight: Column | None = None,
) -> Binary:
    """Rows of numbers and nothing else, row after row.

    Raises
    ------
    ValueError
        If the file does not hold whole rows.
    """
    form = Form(0, n_columns, np.dtype(dtype))
    size = path.stat().st_size
    n_rows, rest = divmod(size, form.row_bytes)
    if rest or not n_rows:
        raise ValueError(
            f"{path} has {size} bytes, which are no whole number of rows of {n_columns} numbers of "
            f"dtype {form.dtype}; give the right dtype and n_columns"
        )
    return Binary(path, Form(n_rows, n_columns, form.dtype), columns, weight)


def npy(
    path: Path, columns: Sequence[Column] | None = None, weight: Column | None = None
) -> Binary:
    """The array in an .npy file; one of a single dimension is a column.

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If the file is damaged or cut short, holds another shape, or there is no such column.
    """
    with open(path, "rb") as file:
        return Binary(path, _form(file, str(path)), columns, weight)


def npz(
    path: Path,
    member: str | None = None,
    columns: Sequence[Column] | None = None,
    weight: Column | None = None,
) -> Table:
    """An array in an .npz file: the member of that name, else the one called X, else the only one.

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If the file is damaged, or there is no such member or column.
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is damaged ({error}); save it again") from None
    with archive:
        names = [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
        chosen = _member(member, names, path)
        found = archive.getinfo(f"{chosen}.npy")
        with archive.open(found) as packed:
            form = _form(packed, f"{path}[{chosen}]")
        if found.compress_type != zipfile.ZIP_STORED:
            return Packed(path, chosen, form, columns, weight)
    with open(path, "rb") as file:
        # The array follows a local header, whose length only that header tells.
        file.seek(found.header_offset + 26)
        lengths = np.frombuffer(file.read(4), "<u2")
        offset = found.header_offset + 30 + int(lengths.sum()) + form.offset
    stored = Form(form.n_rows, form.width, form.dtype, form.fortran, offset)
    return Binary(path, stored, columns, weight, f"{path}[{chosen}]")


def _member(member: str | None, names: list[str], path: Path) -> str:
    if member is not None and member in names:
        return member
    if member is None and ("X" in names or len(names) == 1):
        return "X" if "X" in names else names[0]
    listed = f"{', '.join(names[:8]) or 'none'}{', ...' if len(names) > 8 else ''}"
    asked = "" if member is None else f"no {member!r} among "
    raise ValueError(
        f"{path} holds {asked}{len(names)} arrays, {listed}; say which in member, or save the rows "
        f"alone or as X"
    )


def _form(file: IO[bytes], name: str) -> Form:
    """What the header of an .npy file says; the file is left behind it.

    Raises
    ------
    TypeError, ValueError
        If it is damaged or of another shape.
    """
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        version = np.lib.format.read_magic(file)
        if version not in read:
            raise ValueError(f"version {version}")
        shape, fortran, dtype = read[version](file)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{name} is damaged ({error}); save it again") from None
    if len(shape) == 1:
        shape = (*shape, 1)
    if len(shape) != 2 or 0 in shape:
        raise ValueError(
            f"{name} holds an array of shape {shape}; give a 2-dimensional one, "
            f"(n_samples, n_features), that is not empty"
        )
    working_dtype(dtype, name)
    return Form(shape[0], shape[1], dtype, fortran and shape[1] > 1, file.tell())
