"""Labels of rows written to a file while they are computed: .npy, .csv or .parquet."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastem.atomic import whole

#: Rows that are turned into text together.
LINES = 4096


class Labels(ABC):
    """A file of labels being written.

    Parameters
    ----------
    path : Path
    n_components : int or None
        How many probabilities go with each label; None writes labels alone.
    noisy : bool
        Whether that of noise follows them.
    """

    @abstractmethod
    def __init__(self, path: Path, n_components: int | None, noisy: bool = False) -> None: ...

    @abstractmethod
    def write(self, labels: NDArray[np.int32], resp: NDArray | None) -> None:
        """Add rows: labels (n,) and, if asked for, probabilities (n, n_components)."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file."""


@contextmanager
def labels_file(
    path: str | os.PathLike, n_components: int | None, noisy: bool = False
) -> Generator[Labels, None, None]:
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
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(
            f"path is {os.fspath(path)!r}; labels are written to {', '.join(FORMATS)}: end it so"
        )
    with whole(path) as part:
        file = FORMATS[suffix](part, n_components, noisy)
        try:
            yield file
        finally:
            file.close()


class Npy(Labels):
    """An array: labels (n,) or, where probabilities are asked for, those (n, n_components)."""

    def __init__(self, path: Path, n_components: int | None, noisy: bool = False) -> None:
        self._width = None if n_components is None else n_components + noisy
        self._n, self._dtype = 0, np.dtype(np.int32)
        self._file = open(path, "wb")  # noqa: SIM115, closed by `close`
        self._header()

    def write(self, labels: NDArray[np.int32], resp: NDArray | None) -> None:
        """Add the bytes of the array."""
        array = labels if resp is None else resp
        self._dtype, self._n = array.dtype, self._n + len(array)
        np.ascontiguousarray(array).tofile(self._file)

    def close(self) -> None:
        """Write the header again, with the number of rows, for which NumPy leaves room in it."""
        self._file.seek(0)
        self._header()
        self._file.close()

    def _header(self) -> None:
        shape = (self._n,) if self._width is None else (self._n, self._width)
        descr = np.lib.format.dtype_to_descr(self._dtype)
        header = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)
        self._file.flush()


class Csv(Labels):
    """Text with a header: label, and probability_0, probability_1, ... where asked for."""

    def __init__(self, path: Path, n_components: int | None, noisy: bool = False) -> None:
        self._file = open(path, "w", encoding="utf-8", newline="")  # noqa: SIM115
        self._file.write(",".join(header(n_components, noisy)) + "\n")

    def write(self, labels: NDArray[np.int32], resp: NDArray | None) -> None:
        """Add a line for each row."""
        self._file.writelines(lines(labels, resp))

    def close(self) -> None:
        """Close it."""
        self._file.close()


class Parquet(Labels):
    """Columns of the names that `Csv` has."""

    def __init__(self, path: Path, n_components: int | None, noisy: bool = False) -> None:
        try:
            from pyarrow import parquet
        except ImportError:
            raise ImportError(
                "writing .parquet needs pyarrow; install it with: pip install 'fastem[parquet]'"
            ) from None
        self._path, self._names = path, header(n_components, noisy)
        self._open = parquet.ParquetWriter
        self._file: parquet.ParquetWriter | None = None

    def write(self, labels: NDArray[np.int32], resp: NDArray | None) -> None:
        """Add a row group."""
        import pyarrow

        columns = [labels, *([] if resp is None else resp.T)]
        arrays = [pyarrow.array(np.ascontiguousarray(column)) for column in columns]
        table = pyarrow.Table.from_arrays(arrays, self._names)
        if self._file is None:
            self._file = self._open(self._path, table.schema)
        self._file.write_table(table)

    def close(self) -> None:
        """Write the end of the file."""
        if self._file is not None:
            self._file.close()


#: What writes a file of that suffix.
FORMATS: dict[str, type[Npy] | type[Csv] | type[Parquet]]
FORMATS = {".npy": Npy, ".csv": Csv, ".parquet": Parquet}


def lines(labels: NDArray[np.int32], resp: NDArray | None) -> Iterator[str]:
    """Each row as text."""
    for start in range(0, len(labels), LINES):
        block = slice(start, start + LINES)
        if resp is None:
            yield from (f"{label}\n" for label in labels[block].tolist())
            continue
        for label, row in zip(labels[block].tolist(), resp[block].tolist(), strict=True):
            yield f"{label},{','.join(map(repr, row))}\n"


def header(n_components: int | None, noisy: bool = False) -> list[str]:
    """Names of the columns."""
    if n_components is None:
        return ["label"]
    found = ["label", *(f"probability_{k}" for k in range(n_components))]
    return [*found, "probability_noise"] if noisy else found
