"""Reading a table of numbers: delimited text, .npy or .npz."""

from __future__ import annotations

import csv
import io
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastem.cli.errors import InputError, told
from fastem.rows import Streamed
from fastem.rows.disk import NPY, ZIP
from fastem.rows.tables.columns import position
from fastem.rows.tables.text import Delimited, decoded
from fastem.units import LOOKED_AT


@dataclass(frozen=True, eq=False)
class Table:
    """The numbers of a file; like a data frame, an array with names of columns.

    Parameters
    ----------
    X : (n_samples, n_features) ndarray or Streamed
    columns : tuple of str
        Their names; `column 3`, counted from 0, where the file has none.
    named : bool
        Whether the file names its columns.
    kept : (n_rows,) ndarray of bool, or None
        Which rows of the file X holds, if not all.
    notes : tuple of str
        What a user should know of the reading.
    """

    X: NDArray | Streamed
    columns: tuple[str, ...]
    named: bool
    kept: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return len(self.X) if isinstance(self.X, np.ndarray) else self.X.n_samples

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return len(self.columns)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray:
        """The numbers alone; some of them where they are read piece by piece."""
        X = self.X if isinstance(self.X, np.ndarray) else self.X.look(LOOKED_AT)
        return np.array(X, dtype) if copy else np.asarray(X, dtype)


def read(
    path: str,
    columns: str | None = None,
    *,
    fitted: Sequence[str] | None = None,
    drop_missing: bool = False,
) -> Table:
    """Read the numbers of a file.

    Parameters
    ----------
    path : str
        `-` is standard input.
    columns : str, optional
        Names, positions counted from 0 and ranges of either with both ends, with commas between.
    fitted : sequence of str, optional
        Names to look for where `columns` is not given and the file names its columns.
    drop_missing : bool, default False
        Leave out rows with missing values instead of refusing them.

    Raises
    ------
    InputError
        If the file cannot be read or holds something else.
    """
    source = "standard input" if path == "-" else path
    with told(source), _opened(path, source) as file:
        head = file.read(len(NPY))
        file.seek(0)
        if head.startswith((NPY, ZIP)):
            return _from_array(_array(file, path, head, source), source, columns, drop_missing)
        with decoded(file, source) as lines:
            return _from_text(Delimited(lines, source), columns, fitted, drop_missing)


def _opened(path: str, source: str) -> IO[bytes]:
    """The file, such that one can go back to its start."""
    if path == "-":
        return io.BytesIO(sys.stdin.buffer.read())
    try:
        file = open(path, "rb")  # noqa: SIM115, closed by the caller
    except OSError as error:
        raise InputError(
            f"{source} cannot be read: {error.strerror}; give the path of a CSV, .npy or .npz file"
        ) from error
    if file.seekable():
        return file
    with file:
        return io.BytesIO(file.read())


def _array(file: IO[bytes], path: str, head: bytes, source: str) -> NDArray:
    """The one array of the file, mapped where it lies on disk as it is."""
    try:
        if head.startswith(NPY):
            if isinstance(file, io.BytesIO):
                return np.load(file, allow_pickle=False)
            return np.load(path, mmap_mode="r", allow_pickle=False)
        with np.load(file, allow_pickle=False) as arrays:
            names = arrays.files
            name = "X" if "X" in names else names[0] if len(names) == 1 else None
            if name is None:
                raise InputError(
                    f"{source} holds {len(names)} arrays, {', '.join(names[:8])}; "
                    f"save the rows alone, or as X"
                )
            array = arrays[name]
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{source} is damaged or holds objects ({error}); give a file of real numbers"
        ) from None
    if not isinstance(array, np.ndarray):
        raise InputError(f"{source} is a zip file without arrays; save the table as CSV")
    return array


def _from_array(array: NDArray, source: str, columns: str | None, drop_missing: bool) -> Table:
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    if array.ndim != 2 or not array.shape[1]:
        raise InputError(
            f"{source} holds an array of shape {array.shape}; "
            f"give a 2-dimensional one, (rows, columns)"
        )
    if array.dtype.kind not in "fiub":
        raise InputError(f"{source} holds {array.dtype}; give real numbers")
    chosen = list(range(array.shape[1]))
    if columns is not None:
        chosen = choose(columns, None, len(chosen), source)
        array = array[:, chosen]
    kept = None
    if not np.isfinite(array.sum(dtype=np.float64)):
        missing = np.isnan(array)
        if missing.any():
            row = int(np.argmax(missing.any(axis=1)))
            where = f"row {row}, column {chosen[int(np.argmax(missing[row]))]} (counted from 0)"
            kept = _without_missing(missing, source, where, "nan", drop_missing)
            array = array[kept]
    return Table(array, tuple(f"column {j}" for j in chosen), False, kept)


def _from_text(
    text: Delimited, columns: str | None, fitted: Sequence[str] | None, drop_missing: bool
) -> Table:
    layout = text.layout
    notes = layout.notes
    if columns is not None:
        chosen = choose(columns, layout.names, layout.width, text.source)
    elif fitted is not None and layout.names is not None:
        for name in fitted:
            if name not in layout.names:
                raise InputError(
                    f"{text.source} has no column {name!r}, which the model was fitted to; "
                    f"say which columns to use with --columns"
                )
        chosen = [_position(name, layout.names, layout.width, text.source) for name in fitted]
    else:
        chosen = [j for j in range(layout.width) if j not in layout.set_aside]
    if 0 in chosen:
        notes = tuple(note for note in notes if "row names" not in note)
    blocks, gaps = zip(*text.read(chosen), strict=True)
    X, gap = np.concatenate(blocks), next(filter(None, gaps), None)
    kept = None
    if gap is not None:
        where = f"line {gap.line}, {layout.called(gap.column)}"
        kept = _without_missing(np.isnan(X), text.source, where, gap.text, drop_missing)
        X = X[kept]
    named = layout.names is not None
    names = tuple((layout.names[j] if layout.names else "") or f"column {j}" for j in chosen)
    return Table(X, names, named, kept, notes)


def _without_missing(
    missing: NDArray[np.bool_], source: str, where: str, text: str, drop: bool
) -> NDArray[np.bool_]:
    """Which rows to keep, or a refusal."""
    kept = np.logical_not(missing.any(axis=1))
    n_rows = int((~kept).sum())
    if not drop:
        rows = "1 row has" if n_rows == 1 else f"{n_rows} rows have"
        raise InputError(
            f"{source}: {rows} missing values, the first at {where}: {text!r}; "
            f"fill them, or leave such rows out with --drop-missing"
        )
    if not kept.any():
        raise InputError(f"{source}: every row has missing values; choose other --columns")
    return kept


def choose(spec: str, names: Sequence[str] | None, width: int, source: str) -> list[int]:
    """Positions of the columns that `spec` asks for.

    Raises
    ------
    InputError
        If there is no such column, or one is asked for twice.
    """
    chosen: list[int] = []
    for part in (part.strip() for part in next(csv.reader([spec], skipinitialspace=True), [])):
        first, colon, last = part.partition(":")
        if colon and not (names and part in names):
            low = _position(first.strip(), names, width, source)
            high = _position(last.strip(), names, width, source)
            if low > high:
                raise InputError(f"--columns {part} runs backwards; write {last}:{first}")
            chosen += range(low, high + 1)
        else:
            chosen.append(_position(part, names, width, source))
    if not chosen:
        raise InputError("--columns is empty; give names or positions, such as 0:3")
    twice = [j for j in set(chosen) if chosen.count(j) > 1]
    if twice:
        raise InputError(f"--columns {spec} asks for column {twice[0]} twice; name each once")
    return chosen


def _position(name: str, names: Sequence[str] | None, width: int, source: str) -> int:
    named = names is not None and bool(name) and name in names
    if name.isdecimal() and int(name) < width and not named:
        return int(name)
    try:
        return position(name, names, width, source)
    except ValueError as error:
        raise InputError(str(error)) from None
