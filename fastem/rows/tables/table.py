"""Tables: rows of numbers that are read from the first to the last, as often as a fit passes."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Generator, Hashable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastem import validation

__all__ = ["Block", "Poured", "Reader", "Table", "check_finite", "stamp_of", "working_dtype"]

#: Rows (n, n_features) of any real dtype and layout, and their weights (n,) if there are any.
Block = tuple[NDArray, NDArray | None]


class Table(ABC):
    """A file of one format, or whatever else gives rows in order.

    Attributes
    ----------
    name : str
        What messages call it.
    n_features : int
    dtype : dtype
        float64 or float32: what its numbers are worked on in.
    n_rows : int or None
        None if that is not known before all are read.
    names : tuple of str or None
        Of the columns, if they have any.
    weighted : bool
        Whether it gives weights as well.
    """

    name: str
    n_features: int
    dtype: np.dtype
    n_rows: int | None = None
    names: tuple[str, ...] | None = None
    weighted: bool = False

    @abstractmethod
    def blocks(self) -> Generator[Block, None, None]:
        """One pass, in blocks of any sizes; a block may be overwritten by the next."""

    def reader(self, dtype: np.dtype, *, checked: bool) -> Reader:
        """One pass, in arrays of the sizes asked for.

        Parameters
        ----------
        dtype : dtype
            Of those arrays.
        checked : bool
            Whether to look for NaN and infinity.
        """
        return Poured(self, checked)

    def take(self, rows: NDArray[np.intp]) -> NDArray | None:
        """Those rows (n, n_features), counted from 0 and in order, or None without cheap seeks."""
        return None

    def stamp(self) -> Hashable:
        """Something that changes when the rows do; None if there is no such thing."""
        return None

    def where(self, row: int, column: int) -> str:
        """What messages call a place, both counted from 0."""
        called = f"{column} (counted from 0)" if self.names is None else repr(self.names[column])
        return f"{self.name}, row {row}, column {called}"


class Reader(ABC):
    """One pass over a table."""

    @abstractmethod
    def read(self, X: NDArray, weight: NDArray[np.float64] | None) -> int:
        """Fill X (n, n_features) and weight (n,) with the next rows of weight above 0.

        Returns
        -------
        n : int
            How many; fewer than there is room for only at the end.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of files."""


class Poured(Reader):
    """A table's blocks poured into arrays of other sizes."""

    def __init__(self, table: Table, checked: bool) -> None:
        self._table, self._checked = table, checked
        self._blocks = table.blocks()
        self._X, self._weight = np.empty((0, table.n_features)), np.empty(0)
        self._n_rows = 0

    def read(self, X: NDArray, weight: NDArray[np.float64] | None) -> int:
        """Fill from the blocks, dropping rows of weight 0."""
        filled = 0
        while filled < len(X) and (len(self._X) or self._next()):
            n = min(len(X) - filled, len(self._X))
            X[filled : filled + n] = self._X[:n]
            if weight is not None:
                weight[filled : filled + n] = self._weight[:n]
                self._weight = self._weight[n:]
            self._X = self._X[n:]
            filled += n
        return filled

    def close(self) -> None:
        """Close the generator of blocks, which closes its files."""
        self._blocks.close()

    def _next(self) -> bool:
        """Take the next block that has rows, if there is one."""
        for X, weight in self._blocks:
            row, self._n_rows = self._n_rows, self._n_rows + len(X)
            if self._checked:
                check_finite(self._table, X, row)
            if weight is not None:
                _check_weight(self._table, weight, row)
                weight = weight.astype(np.float64)
                if not weight.all():
                    X, weight = X[weight > 0], weight[weight > 0]
                self._weight = weight
            if len(X):
                self._X = X
                return True
        return False


def check_finite(table: Table, X: NDArray, row: int) -> None:
    """Refuse NaN and infinity in a table's rows from that one on.

    Raises
    ------
    ValueError
        That names the first such place.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(X.sum()):
            return
        bad = ~np.isfinite(X)
    if bad.any():
        i, j = (int(index[0]) for index in np.nonzero(bad))
        raise ValueError(f"{table.where(row + i, j)} is {X[i, j]}; fill or drop such rows")


def working_dtype(dtype: np.dtype, name: str) -> np.dtype:
    """What numbers of a dtype are worked on in: float32 for itself, float64 for all others.

    Raises
    ------
    TypeError
        If they are not real numbers.
    """
    if dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {dtype}; give real numbers")
    return np.dtype(validation.precision_for(dtype))


def stamp_of(path: Path) -> Hashable:
    """What changes when a file does: its size, its time and which file it is."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ino


def _check_weight(table: Table, weight: NDArray, row: int) -> None:
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(
            f"{table.name} has a sample_weight of {weight[i]} at row {row + i} (counted from 0); "
            f"weights must be finite and at least 0"
        )
