"""Several files read one after another."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from fastem.rows.tables.table import Block, Reader, Table


class OneAfterAnother(Table):
    """The rows of several tables of the same columns.

    Parameters
    ----------
    tables : sequence of Table

    Raises
    ------
    ValueError
        If they differ in columns.
    """

    def __init__(self, tables: Sequence[Table]) -> None:
        first = tables[0]
        self.tables = tables
        self.name = f"{first.name} and {len(tables) - 1} more"
        self.n_features, self.names, self.weighted = first.n_features, first.names, first.weighted
        counts = [table.n_rows for table in tables]
        self.n_rows = None if None in counts else sum(filter(None, counts))
        single = all(table.dtype == np.float32 for table in tables)
        self.dtype = np.dtype(np.float32 if single else np.float64)
        for table in tables:
            if table.n_features != first.n_features:
                raise ValueError(
                    f"{table.name} has {table.n_features} columns but {first.name} has "
                    f"{first.n_features}; give files of the same columns"
                )

    def blocks(self) -> Generator[Block, None, None]:
        """Those of each table in turn."""
        for table in self.tables:
            yield from table.blocks()

    def reader(self, dtype: np.dtype, *, checked: bool) -> Reader:
        """One that goes from table to table, so that each speaks of its own rows."""
        return _Chain(self.tables, dtype, checked)

    def take(self, rows: NDArray[np.intp]) -> NDArray | None:
        """From each table its own."""
        taken, before = [], 0
        for table in self.tables:
            if table.n_rows is None:
                return None
            here = rows[(rows >= before) & (rows < before + table.n_rows)]
            if len(here):
                some = table.take(here - before)
                if some is None:
                    return None
                taken.append(some.astype(self.dtype, copy=False))
            before += table.n_rows
        return np.concatenate(taken)

    def stamp(self) -> Hashable:
        """Those of all tables."""
        return tuple(table.stamp() for table in self.tables)


class _Chain(Reader):
    def __init__(self, tables: Sequence[Table], dtype: np.dtype, checked: bool) -> None:
        self._left = iter(tables)
        self._dtype, self._checked = dtype, checked
        self._reader: Reader | None = None

    def read(self, X: NDArray, weight: NDArray[np.float64] | None) -> int:
        """Fill from the present table, then from the next."""
        filled = 0
        while filled < len(X):
            if self._reader is None:
                table = next(self._left, None)
                if table is None:
                    break
                self._reader = table.reader(self._dtype, checked=self._checked)
            n = self._reader.read(X[filled:], None if weight is None else weight[filled:])
            filled += n
            if filled < len(X):
                self.close()
        return filled

    def close(self) -> None:
        """Close the present table."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
