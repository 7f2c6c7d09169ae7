"""Weights beside rows: put to a table, or taken from one."""

from __future__ import annotations

from collections.abc import Generator, Hashable
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from fastem.rows.tables.table import Block, Reader, Table


class Weighted(Table):
    """A table whose rows take their weights from elsewhere.

    Parameters
    ----------
    table : Table
    weights : Table or (n_rows,) ndarray
        A table of one column, or an array, mapped from a file or not.

    Raises
    ------
    ValueError
        If they are known not to be as many as the rows, or the table has two columns.
    """

    weighted = True

    def __init__(self, table: Table, weights: Table | NDArray) -> None:
        self.table, self.weights = table, weights
        self.name, self.n_features, self.names = table.name, table.n_features, table.names
        self.dtype, self.n_rows = table.dtype, table.n_rows
        if isinstance(weights, Table) and weights.n_features != 1:
            raise ValueError(
                f"sample_weight {weights.name} has {weights.n_features} columns; give one"
            )
        n = weights.n_rows if isinstance(weights, Table) else len(weights)
        if n is not None and table.n_rows is not None and n != table.n_rows:
            raise self._unequal(n, table.n_rows)

    def blocks(self) -> Generator[Block, None, None]:
        """The table's blocks, each with as many weights."""
        row = 0
        source = _Slices(self.weights) if isinstance(self.weights, np.ndarray) else None
        reader = source or self.weights.reader(np.dtype(np.float64), checked=False)  # type: ignore
        try:
            for X, _ in self.table.blocks():
                weight = np.empty((len(X), 1))
                n = reader.read(weight, None)
                if n < len(X):
                    raise self._unequal(row + n, None)
                yield X, weight[:, 0]
                row += n
            if reader.read(np.empty((1, 1)), None):
                raise self._unequal(None, row)
        finally:
            reader.close()

    def stamp(self) -> Hashable:
        """Of rows and weights."""
        weights = self.weights.stamp() if isinstance(self.weights, Table) else None
        return self.table.stamp(), weights

    def where(self, row: int, column: int) -> str:
        """As the table of rows does."""
        return self.table.where(row, column)

    def _unequal(self, n: int | None, n_rows: int | None) -> ValueError:
        weights = "more weights" if n is None else f"{n} weights"
        rows = "more rows" if n_rows is None else f"{n_rows} rows"
        return ValueError(
            f"sample_weight has {weights} but {self.name} has {rows}; give one weight a row"
        )


class _Slices(Reader):
    """One pass over an array."""

    def __init__(self, array: NDArray) -> None:
        self._left = array

    def read(self, X: NDArray, weight: NDArray[np.float64] | None) -> int:
        """Copy the next numbers."""
        n = min(len(X), len(self._left))
        X[:n, 0] = self._left[:n]
        self._left = self._left[n:]
        return n

    def close(self) -> None:
        """Nothing is open."""


class Unweighted(Table):
    """A table without its weights, so that no row is left out."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name, self.n_features, self.names = table.name, table.n_features, table.names
        self.dtype, self.n_rows = table.dtype, table.n_rows

    def blocks(self) -> Generator[Block, None, None]:
        """The rows alone."""
        with closing(self.table.blocks()) as blocks:
            for X, _ in blocks:
                yield X, None

    def stamp(self) -> Hashable:
        """As the table's."""
        return self.table.stamp()

    def where(self, row: int, column: int) -> str:
        """As the table's."""
        return self.table.where(row, column)
