"""Labels of rows, or rows, written to a file while they are computed: .npy, .csv or .parquet."""

from __future__ import annotations

import csv
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fastem.atomic import whole

#: Rows that are turned into text together.
LINES = 4096


class LabelsFile(ABC):
    """A file of labels being written.

    Parameters
    ----------
    path : Path
    names : sequence of str
        Of the columns: those carried along, "label", and probabilities.
    """

    @abstractmethod
    def __init__(self, path: Path, names: Sequence[str]) -> None: ...

    @abstractmethod
    def write(
        self, labels: NDArray[np.int32], resp: NDArray | None, carried: Sequence[Sequence[Any]] = ()
    ) -> None:
        """Add rows: labels (n,), probabilities (n, n_components) if any, and columns beside."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file."""


@contextmanager
def labels_file(
    path: str | os.PathLike, n_components: int | None, noisy: bool = False
) -> Generator[LabelsFile, None, None]:
    """A file in the format of its suffix, whole or not at all.

    Raises
    ------
    ImportError
        If it is .parquet and pyarrow is not installed.
    OSError
        If it cannot be written.
    ValueError
        If the suffix is another.
    """
    kind = _format(path, "labels")
    with whole(path) as part:
        file = kind(part, header(n_components, noisy))
        try:
            yield file
        finally:
            file.close()


@contextmanager
def rows_file(
    path: str | os.PathLike, names: Sequence[str], suffix: str | None = None
) -> Generator[Callable[[NDArray], None], None]:
    """A function that writes rows (n, n_columns) to a file, whole or not at all.

    Names are those of the columns, of which an array has none; a suffix tells the format where the
    path does not. Errors are those of `labels_file`.
    """
    kind = _format(path if suffix is None else f"rows{suffix}", "rows")
    with whole(path) as part:
        file = kind(part, ["label", *names] if kind is Npy else names)

        def write(rows: NDArray) -> None:
            if kind is Npy:
                file.write(np.empty(0, np.int32), rows)
            else:
                file.write(rows[:, -1], None, [column.tolist() for column in rows[:, :-1].T])

        try:
            yield write
        finally:
            file.close()


def _format(path: str | os.PathLike, what: str) -> type[Npy] | type[Csv] | type[Parquet]:
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(
            f"path is {os.fspath(path)!r}; {what} are written to {', '.join(FORMATS)}: end it so"
        )
    return FORMATS[suffix]


class Npy(LabelsFile):
    """An array: labels (n,) or, where probabilities are asked for, those (n, n_components)."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._width = names[::-1].index("label")
        self._n, self._dtype = 0, np.dtype(np.int32)
        self._file = open(path, "wb")  # noqa: SIM115, closed by `close`
        self._header()

    def write(
        self, labels: NDArray[np.int32], resp: NDArray | None, carried: Sequence[Sequence[Any]] = ()
    ) -> None:
        """Add the bytes of the array."""
        array = labels if resp is None else resp
        self._dtype, self._n = array.dtype, self._n + len(array)
        self._file.write(np.ascontiguousarray(array).data)  # `tofile` does not say what is wrong

    def close(self) -> None:
        """Write the header again, with the number of rows, for which NumPy leaves room in it."""
        self._file.seek(0)
        self._header()
        self._file.close()

    def _header(self) -> None:
        shape = (self._n, self._width) if self._width else (self._n,)
        descr = np.lib.format.dtype_to_descr(self._dtype)
        header = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)
        self._file.flush()


class Csv(LabelsFile):
    """Text with a header; what a row that was left out has no probabilities of is empty.

    It may be written to a stream as well, which stays open.
    """

    def __init__(self, path: Path | IO[str], names: Sequence[str]) -> None:
        self._owned = isinstance(path, Path)
        self._file: Any = path
        if isinstance(path, Path):
            self._file = open(path, "w", encoding="utf-8", newline="")  # noqa: SIM115
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(names)

    def write(
        self, labels: NDArray[np.int32], resp: NDArray | None, carried: Sequence[Sequence[Any]] = ()
    ) -> None:
        """Add a line for each row."""
        for start in range(0, len(labels), LINES):
            some = slice(start, start + LINES)
            columns = [*(column[some] for column in carried), labels[some].tolist()]
            if resp is not None:
                block = resp[some].T
                known = block.tolist() if np.isfinite(block).all() else _blank(block)
                columns += known
            self._rows.writerows(zip(*columns, strict=True))

    def close(self) -> None:
        """Close it."""
        if self._owned:
            self._file.close()


class Parquet(LabelsFile):
    """Columns of the names that `Csv` has."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        try:
            from pyarrow import parquet
        except ImportError:
            raise ImportError(
                "writing .parquet needs pyarrow; install it with: pip install 'fastem[parquet]'"
            ) from None
        self._path, self._names = path, list(names)
        self._open = parquet.ParquetWriter
        self._file: parquet.ParquetWriter | None = None

    def write(
        self, labels: NDArray[np.int32], resp: NDArray | None, carried: Sequence[Sequence[Any]] = ()
    ) -> None:
        """Add a row group."""
        import pyarrow

        columns = [*carried, labels, *([] if resp is None else map(np.ascontiguousarray, resp.T))]
        table = pyarrow.Table.from_arrays(list(map(pyarrow.array, columns)), self._names)
        if self._file is None:
            self._file = self._open(self._path, table.schema)
        self._file.write_table(table.cast(self._file.schema))

    def close(self) -> None:
        """Write the end of the file."""
        if self._file is not None:
            self._file.close()


#: What writes a file of that suffix.
FORMATS: dict[str, type[Npy] | type[Csv] | type[Parquet]]
FORMATS = {".npy": Npy, ".csv": Csv, ".parquet": Parquet}


def header(n_components: int | None, noisy: bool = False, carried: Sequence[str] = ()) -> list[str]:
    """Names of the columns; without probabilities where the number of components is None."""
    names = [*carried, "label"]
    if n_components is not None:
        names += [f"probability_{k}" for k in range(n_components)]
        names += ["probability_noise"] * noisy
    return names


def _blank(block: NDArray) -> list[list[Any]]:
    return [[value if value == value else None for value in column] for column in block.tolist()]
