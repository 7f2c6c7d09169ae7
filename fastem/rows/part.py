"""Part: some columns of one table, which is read once if it is slow to read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastem.lazy import lazy
from fastem.rows.files import Temporary
from fastem.rows.formats.binary import Binary, Form
from fastem.rows.formats.table import Cursor, Table


@dataclass(frozen=True, eq=False)
class Part:
    """Some columns of a table.

    They are columns of numbers, then that of weights if there is one. Those of a slow table are put
    into a temporary file, in which every pass finds them. Where that has no room the table is read
    anew at every pass.
    """

    table: Table
    columns: Sequence[int]

    def cursor(self, n: int) -> Cursor:
        """One pass over the first n of the columns."""
        if self._copy is not None:
            return self._copy.cursor(range(n))
        return self.table.cursor(self.columns[:n])

    def take(self, rows: NDArray[np.intp]) -> NDArray | None:
        """Rows by their numbers, which ascend, or None without cheap seeks."""
        if self._copy is not None:
            return self._copy.take(rows, range(len(self.columns)))
        return self.table.take(rows, self.columns)

    @property
    def n_rows(self) -> int | None:
        """Number of rows; None if that is not known before all are read."""
        return self.table.n_rows if self._copy is None else self._copy.n_rows

    @lazy
    def _copy(self) -> Binary | None:
        """The columns of a slow table in a temporary file, if there is room."""
        if not self.table.slow:
            return None
        dtype, n_rows = self.table.dtype(self.columns), 0
        try:
            copy = Temporary()
        except OSError:
            return None
        with closing(self.table.blocks(self.columns)) as blocks:
            for block in blocks:
                try:
                    copy.write(np.ascontiguousarray(block, dtype))
                except OSError:
                    return None
                n_rows += len(block)
        return Binary(copy, Form(n_rows, len(self.columns), dtype), self.table.name)
