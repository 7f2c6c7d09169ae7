"""Rows of numbers of one size, as they lie in a file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastem.rows.tables.columns import Column, positions
from fastem.rows.tables.table import Block, Table, stamp_of, working_dtype

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
    """An array in a file.

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
        If it does not hold real numbers, cannot be read to its end, or there is no such column.
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
        self.columns, self.weight = positions(columns, weight, None, form.width, self.name)
        self.n_rows, self.n_features = form.n_rows, len(self.columns)
        self.weighted = self.weight is not None
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Refuse a file that cannot be read to its end.

        Raises
        ------
        ValueError
        """

    def stamp(self) -> Hashable:
        """Size and time of the file."""
        return stamp_of(self.path)

    def pieces(self) -> Generator[tuple[int, int], None, None]:
        """First row and number of rows of pieces of about a megabyte."""
        size = max(1, CHUNK // self.form.row_bytes)
        for start in range(0, self.form.n_rows, size):
            yield start, min(size, self.form.n_rows - start)

    def chosen(self, X: NDArray) -> Block:
        """Of rows in all columns of the file, those that count and the weights."""
        return X[:, self.columns], None if self.weight is None else X[:, self.weight]
