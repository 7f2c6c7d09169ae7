"""Numbers of one size as they lie in a file: raw, .npy, or a member of an .npz archive."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastem.archive import damage, header
from fastem.rows.files import File
from fastem.rows.formats.table import CHUNK, Cursor, Table, working_dtype

#: What to do about a damaged file.
AGAIN = "save it again"


class Form(NamedTuple):
    """How an array lies in a file: row after row, or column after column, from some byte on."""

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
    """An array that lies in a file as it is; anything that opens like a `File` will do."""

    def __init__(self, file: Any, form: Form, name: str) -> None:
        self.file, self.form, self.name = file, form, name
        self.n_rows, self.width = form.n_rows, form.width
        working_dtype(form.dtype, name)
        if not self.slow and file.size() < form.offset + form.n_rows * form.row_bytes:
            raise self._short(file.size())

    def dtype(self, columns: Sequence[int]) -> np.dtype:
        """float32 for itself, float64 for all others."""
        return working_dtype(self.form.dtype, self.name)

    def blocks(self, columns: Sequence[int]) -> Generator[NDArray, None, None]:
        """About a megabyte at a time."""
        size = max(1, CHUNK // self.form.row_bytes)
        with self._opened() as file:
            for start in range(0, self.form.n_rows, size):
                n = min(size, self.form.n_rows - start)
                yield self._rows(file, start, n, columns)[:, columns]

    def cursor(self, columns: Sequence[int]) -> Cursor:
        """Straight into the arrays asked for, where the file holds just what they take."""
        whole = list(columns) == list(range(self.width))
        direct = whole and not self.form.fortran and not self.slow
        return _InPlace(self) if direct else super().cursor(columns)

    def take(self, rows: NDArray[np.intp], columns: Sequence[int]) -> NDArray | None:
        """Rows by seeks, unless there are so many that to read all is faster."""
        if self.slow or len(rows) > self.form.n_rows // 16:
            return None
        with self.file.open() as file:
            return np.concatenate([self._rows(file, row, 1, columns) for row in rows])[:, columns]

    def fill(self, file: IO[bytes], offset: int, out: NDArray) -> None:
        """Read an array, C order, from so many bytes after the first number."""
        file.seek(self.form.offset + offset)
        view = out.reshape(-1).view(np.uint8).data
        while len(view):
            n = file.readinto(view)  # type: ignore[attr-defined]
            if not n:
                raise self._short(file.seek(0, os.SEEK_END))
            view = view[n:]

    def _opened(self) -> AbstractContextManager[IO[bytes]]:
        return self.file.open()

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


class Packed(Binary):
    """An array in a compressed member of an archive, which has to be read from its start."""

    slow = True

    def __init__(self, file: File, form: Form, name: str, member: str) -> None:
        super().__init__(file, form, name)
        self.member = member
        if form.fortran:
            raise ValueError(
                f"{name} is compressed and holds column after column; save it in C order, or with "
                f"numpy.savez, which does not compress"
            )

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        with (
            damage(self.name, AGAIN),
            self.file.open() as file,
            zipfile.ZipFile(file) as archive,
            archive.open(f"{self.member}.npy") as packed,
        ):
            yield packed


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


def raw(file: File, dtype: DTypeLike, n_columns: int) -> Binary:
    """Rows of numbers and nothing else, row after row."""
    try:
        form = Form(0, n_columns, np.dtype(dtype))
    except TypeError:
        raise TypeError(f"dtype is {dtype!r}; give a type of NumPy's, such as 'float64'") from None
    n_rows, rest = divmod(file.size(), form.row_bytes)
    if rest or not n_rows:
        raise ValueError(
            f"{file.name} has {file.size()} bytes, which are no whole number of rows of "
            f"{n_columns} numbers of dtype {form.dtype}; give the right dtype and n_columns"
        )
    return Binary(file, form._replace(n_rows=n_rows), file.name)


def npy(file: File) -> Binary:
    """The array in an .npy file; one of a single dimension is a column.

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If the file is damaged or cut short, or holds another shape.
    """
    with file.open() as opened:
        return Binary(file, form_of(opened, file.name), file.name)


def form_of(file: IO[bytes], name: str) -> Form:
    """What the header of an .npy file says; the file is left behind it.

    Raises
    ------
    TypeError, ValueError
        If it is damaged or of another shape.
    """
    with damage(name, AGAIN):
        shape, fortran, dtype = header(file)
    if len(shape) == 1:
        shape = (*shape, 1)
    if len(shape) != 2 or 0 in shape:
        raise ValueError(
            f"{name} holds an array of shape {shape}; give a 2-dimensional one, "
            f"(n_samples, n_features), that is not empty"
        )
    working_dtype(dtype, name)
    return Form(shape[0], shape[1], dtype, fortran and shape[1] > 1, file.tell())


def names_within(file: File) -> list[str]:
    """Names of what is in an archive."""
    with file.open() as opened, damage(file.name, AGAIN):
        return zipfile.ZipFile(opened).namelist()


def npz(file: File, member: str | None) -> Binary:
    """An array in an .npz file: the member of that name, else that called X, else the only one."""
    held = names_within(file)
    names = [name[:-4] for name in held if name.endswith(".npy")]
    if not names:
        listed = ", ".join(held[:8]) or "nothing"
        raise ValueError(f"{file.name} is an archive of {listed}, no arrays; unpack it")
    chosen = _member(member, names, file.name)
    name = f"{file.name}[{chosen}]"
    with file.open() as opened:
        with damage(name, AGAIN):
            archive = zipfile.ZipFile(opened)
            found = archive.getinfo(f"{chosen}.npy")
            packed = archive.open(found)
        with packed:
            form = form_of(packed, name)
        if found.compress_type != zipfile.ZIP_STORED:
            return Packed(file, form, name, chosen)
        # The array follows a local header, whose length only that header tells.
        opened.seek(found.header_offset + 26)
        lengths = np.frombuffer(opened.read(4), "<u2")
    offset = found.header_offset + 30 + int(lengths.sum()) + form.offset
    return Binary(file, form._replace(offset=offset), name)


def _member(member: str | None, names: list[str], path: str) -> str:
    if member is not None and member in names:
        return member
    if member is None and ("X" in names or len(names) == 1):
        return "X" if "X" in names else names[0]
    listed = f"{', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"
    asked = "" if member is None else f"no {member!r} among "
    raise ValueError(
        f"{path} holds {asked}{len(names)} arrays, {listed}; say which in member, or save the rows "
        f"alone or as X"
    )
