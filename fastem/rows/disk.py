"""Rows in files: which files, of which format, and how they are opened."""

from __future__ import annotations

import builtins
import glob
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastem import validation
from fastem.rows.streaming.budget import DEFAULT_MEMORY, memory_of
from fastem.rows.streaming.streamed import Streamed
from fastem.rows.tables.columns import Column
from fastem.rows.tables.npy import npy
from fastem.rows.tables.npz import npz
from fastem.rows.tables.one_after_another import OneAfterAnother
from fastem.rows.tables.parquet import Parquet
from fastem.rows.tables.raw import raw
from fastem.rows.tables.table import Table
from fastem.rows.tables.text import Text
from fastem.rows.tables.weights import Weighted

#: One path or several.
Paths = str | os.PathLike | Iterable[str | os.PathLike]

#: What files of a folder are read, the first kind that there is.
FOLDER = "*.parquet", "*.npy", "*.csv"
#: How files of these formats begin.
NPY, ZIP, PARQUET = b"\x93NUMPY", b"PK\x03\x04", b"PAR1"


def open(
    path: Paths,
    columns: Sequence[Column] | None = None,
    *,
    sample_weight: Column | os.PathLike | ArrayLike | None = None,
    member: str | None = None,
    dtype: DTypeLike | None = None,
    n_columns: int | None = None,
    memory: int | str = DEFAULT_MEMORY,
) -> Streamed:
    """Rows of files, read block by block at every pass, as many as there may be.

    `fastem.fit`, `fastem.select`, `Mixture.predict_to` and whatever else takes rows take what this
    returns, and a path as well. Results are those of the same rows in memory, to the bit, as long
    as the sample of rows that starts race on takes less than an eighth of the budget.

    Parameters
    ----------
    path : path or iterable of paths
        .npy, .npz, .parquet (extra: parquet), text (CSV and its kin, gzip too) or raw binary; a
        folder stands for the Parquet files in it and below, or else its .npy or .csv files; a name
        with * or ? for the files it matches. Files follow one another, parts in the order of their
        numbers.
    columns : sequence of int or str, optional
        Which columns, in this order: positions counted from 0, or names where the file has some.
        All of them by default.
    sample_weight : str, int, path or array, optional
        A column of the file by its name or position, which is then no data; a file of one column as
        a `pathlib.Path`; or an array (n_rows,), which may be mapped from a file. Rows of weight 0
        are left out.
    member : str, optional
        The array of an .npz file; by default X, or the only one.
    dtype, n_columns : dtype and int, optional
        Of a raw binary file, which tells nothing of itself.
    memory : int or str, default "256M"
        Bytes that reading and working on the rows may take, at any number of rows; as text in
        units of K, M, G or T, powers of 1024. Where the rows take no more than a quarter of it they
        are kept.

    Returns
    -------
    Streamed

    Raises
    ------
    ImportError
        If a file is Parquet and pyarrow is not installed.
    OSError
        If a file cannot be read.
    TypeError, ValueError
        If it is not a table of real numbers, or there is no such column.

    Examples
    --------
    >>> import numpy as np, fastem, tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> np.save(folder / "rows.npy", np.random.default_rng(0).normal(size=(1000, 3)))
    >>> rows = fastem.rows.open(folder / "rows.npy", columns=[0, 2])
    >>> fastem.fit(rows, 1).mixture.means.shape
    (1, 2)
    """
    budget = memory_of(memory)
    if (dtype is None) != (n_columns is None):
        raise ValueError("a raw binary file needs both dtype and n_columns; give the other too")
    named = isinstance(sample_weight, str | int | np.integer)
    weight: Any = sample_weight if named else None

    tables: list[Table] = []
    for file in _files(path):
        if dtype is not None and n_columns is not None:
            width = validation.integer(n_columns, "n_columns")
            tables.append(raw(file, dtype, width, columns, weight))
        else:
            tables.append(_table(file, columns, weight, member))
        if columns is None:
            columns = tables[0].names  # in other files they may have another order
    table = tables[0] if len(tables) == 1 else OneAfterAnother(tables)
    if sample_weight is not None and not named:
        table = Weighted(table, _weights(sample_weight))
    return Streamed(table, budget)


def streamed(X: Any, sample_weight: Any = None) -> Streamed | None:
    """What a user gave as rows, if those are to be read piece by piece: a path, or what is open.

    Raises
    ------
    TypeError
        If weights are given beside rows that have their own.
    """
    several = isinstance(X, list | tuple) and bool(X) and all(map(_is_path, X))
    if several or _is_path(X):
        return open(X, sample_weight=sample_weight)
    if not isinstance(X, Streamed):
        return None
    if sample_weight is not None:
        raise TypeError(
            "sample_weight is given beside a source of rows, which has its own; give it to "
            "fastem.rows.open, or let Blocks give pairs of rows and weights"
        )
    return X


def _is_path(value: object) -> bool:
    return isinstance(value, str | os.PathLike)


def _files(paths: Paths) -> list[Path]:
    """The files that are meant, in order.

    Raises
    ------
    OSError, TypeError, ValueError
        If there are none.
    """
    if not isinstance(paths, str | bytes | os.PathLike) and isinstance(paths, Iterable):
        several = list(paths)
    else:
        several = [paths]
    files = [file for path in several for file in _expanded(validation.path(path, "path"))]
    if not files:
        raise ValueError("path is empty; give at least one file")
    return files


def _expanded(path: str) -> list[Path]:
    """The files that one path means."""
    if os.path.isdir(path):
        for pattern in FOLDER:
            found = [f for f in Path(path).rglob(pattern) if not f.name.startswith((".", "_"))]
            if found:
                return sorted(found, key=_by_numbers)
        raise ValueError(f"{path} is a folder without .parquet, .npy or .csv files; give files")
    if not os.path.exists(path) and glob.has_magic(path):
        matched = [Path(name) for name in glob.glob(path, recursive=True)]
        if not matched:
            raise ValueError(f"{path} matches no file; give a pattern that does")
        return sorted(matched, key=_by_numbers)
    return [Path(path)]


def _by_numbers(path: Path) -> list[tuple[int, str]]:
    """A key for sorting by which part-2 comes before part-10."""
    return [(int(part or 0), text) for text, part in re.findall(r"(\D*)(\d*)", str(path))]


def _table(
    path: Path, columns: Sequence[Column] | None, weight: Column | None, member: str | None
) -> Table:
    """A file by its first bytes."""
    with builtins.open(path, "rb") as file:
        head = file.read(8)
    if head.startswith(ZIP):
        return npz(path, member, columns, weight)
    if member is not None:
        raise ValueError(f"member is {member!r} but {path} is no .npz file; leave it out")
    if head.startswith(NPY):
        return npy(path, columns, weight)
    if head.startswith(PARQUET):
        return Parquet(path, columns, weight)
    return Text(path, columns, weight)


def _weights(given: Any) -> Any:
    """Weights from elsewhere: a table of one column, or an array."""
    if isinstance(given, os.PathLike):
        return _table(Path(given), None, None, None)
    array = np.asarray(given)
    if array.ndim != 1 or array.dtype.kind not in "fiub":
        raise ValueError(
            f"sample_weight has shape {array.shape} and dtype {array.dtype}; give one real number "
            f"a row, or the name of a column"
        )
    return array
