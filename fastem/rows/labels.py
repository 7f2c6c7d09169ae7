"""Labels of rows, or rows, written to a file while they are computed: .npy, .csv or .parquet."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fastem.atomic import whole

#: Adds rows: labels (n,), probabilities (n, n_components) if any, and columns beside them.
Write = Callable[[NDArray[np.int32], NDArray | None, Sequence[Sequence[Any]]], None]
#: Rows that are turned into text together.
LINES = 4096


@contextmanager
def labels_file(
    path: str | os.PathLike, n_components: int | None, noisy: bool = False
) -> Iterator[Write]:
    """A file in the format of its suffix, whole or not at all: what adds rows to it."""
    kind = FORMATS[_format(path, "labels")]
    with whole(path) as part, kind(part, header(n_components, noisy), ()) as write:
        yield write


@contextmanager
def rows_file(path: str | os.PathLike, names: Sequence[str]) -> Iterator[Callable[[NDArray], None]]:
    """A function that writes rows (n, n_columns) to a file, whole or not at all.

    Names are those of the columns, of which an array has none.
    """
    suffix = _format(path, "rows")
    as_array = suffix == ".npy"
    columns = ["label", *names] if as_array else names
    with whole(path) as part, FORMATS[suffix](part, columns, ()) as write:

        def add(rows: NDArray) -> None:
            if as_array:
                write(np.empty(0, np.int32), rows, ())
            else:
                write(rows[:, -1], None, [column.tolist() for column in rows[:, :-1].T])

        yield add


def _format(path: str | os.PathLike, what: str) -> str:
    """The suffix of a path, if it is that of a format."""
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(
            f"path is {os.fspath(path)!r}; {what} are written to {', '.join(FORMATS)}: end it so"
        )
    return suffix


def header(n_components: int | None, noisy: bool = False, carried: Sequence[str] = ()) -> list[str]:
    """Names of the columns; without probabilities where the number of components is None."""
    names = [*carried, "label"]
    if n_components is not None:
        names += [f"probability_{k}" for k in range(n_components)]
        names += ["probability_noise"] * noisy
    return names


@contextmanager
def to_npy(path: Path, names: Sequence[str], types: Sequence[Any]) -> Iterator[Write]:
    """An array: labels (n,) or, where probabilities are asked for, those (n, n_components)."""
    width = len(names) - 1
    n, dtype = 0, np.dtype(np.int32)

    def begin() -> None:
        descr = np.lib.format.dtype_to_descr(dtype)
        shape = (n, width) if width else (n,)
        file.seek(0)
        about = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, about)

    def write(labels: NDArray, resp: NDArray | None, carried: Sequence[Any]) -> None:
        nonlocal n, dtype
        array = labels if resp is None else resp
        dtype, n = array.dtype, n + len(array)
        file.write(np.ascontiguousarray(array).data)  # `tofile` does not say what is wrong

    with open(path, "wb") as file:
        begin()
        yield write
        begin()  # with the number of rows, for which NumPy leaves room


@contextmanager
def to_csv(path: Path | IO[str], names: Sequence[str], types: Sequence[Any]) -> Iterator[Write]:
    """Text with a header; what a row that was left out has no probabilities of is empty.

    It may be written to a stream as well, which stays open.
    """

    def write(labels: NDArray, resp: NDArray | None, carried: Sequence[Any]) -> None:
        for start in range(0, len(labels), LINES):
            some = slice(start, start + LINES)
            columns = [*(column[some] for column in carried), labels[some].tolist()]
            if resp is not None:
                block = resp[some].T
                known = block.tolist() if np.isfinite(block).all() else _blank(block)
                columns += known
            lines.writerows(zip(*columns, strict=True))

    opened: Any = nullcontext(path)
    if isinstance(path, Path):
        opened = open(path, "w", encoding="utf-8", newline="")  # noqa: SIM115
    with opened as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(names)
        yield write


@contextmanager
def to_parquet(path: Path, names: Sequence[str], types: Sequence[Any]) -> Iterator[Write]:
    """Columns of the names that the text has, a row group at a time; the first of Arrow's types."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ImportError(
            "writing .parquet needs pyarrow; install it with: pip install 'fastem[parquet]'"
        ) from None
    file: parquet.ParquetWriter | None = None

    def write(labels: NDArray, resp: NDArray | None, carried: Sequence[Any]) -> None:
        nonlocal file
        columns = [*carried, labels, *([] if resp is None else map(np.ascontiguousarray, resp.T))]
        arrays = [pyarrow.array(*column) for column in zip_longest(columns, types)]
        table = pyarrow.Table.from_arrays(arrays, list(names))
        if file is None:
            file = opened.enter_context(parquet.ParquetWriter(path, table.schema))
        file.write_table(table.cast(file.schema))

    with ExitStack() as opened:
        yield write


#: What writes a file of that suffix.
FORMATS: dict[str, Callable[[Any, Sequence[str], Sequence[Any]], AbstractContextManager[Write]]]
FORMATS = {".npy": to_npy, ".csv": to_csv, ".parquet": to_parquet}


def _blank(block: NDArray) -> list[list[Any]]:
    return [[value if value == value else None for value in column] for column in block.tolist()]
