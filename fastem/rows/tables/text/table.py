"""A text file as a table, parsed anew at every pass."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from pathlib import Path

import numpy as np

from fastem.rows.tables.columns import Column, positions
from fastem.rows.tables.table import Block, Table, stamp_of
from fastem.rows.tables.text.delimited import Delimited
from fastem.rows.tables.text.encoding import decoded
from fastem.rows.tables.text.errors import TextError


class Text(Table):
    """A file of delimited text.

    Parameters
    ----------
    path : Path
    columns : sequence of int or str, optional
        All but row names if None.
    weight : int or str, optional
        The column of sample weights.

    Raises
    ------
    OSError
        If the file cannot be read.
    TextError
        If it is not a table.
    ValueError
        If there is no such column.
    """

    dtype = np.dtype(np.float64)

    def __init__(
        self, path: Path, columns: Sequence[Column] | None, weight: Column | None = None
    ) -> None:
        self.path, self.name = path, str(path)
        with open(path, "rb") as file, decoded(file, self.name) as lines:
            layout = Delimited(lines, self.name).layout
        data = [j for j in range(layout.width) if j not in layout.set_aside]
        self._chosen, self._weight = positions(
            columns, weight, layout.names, layout.width, self.name, data
        )
        names = [layout.names[j] for j in self._chosen] if layout.names else []
        if all(names) and names:
            self.names = tuple(names)
        self.n_features, self.weighted = len(self._chosen), self._weight is not None

    def blocks(self) -> Generator[Block, None, None]:
        """Some thousand rows at a time."""
        wanted = self._chosen if self._weight is None else [*self._chosen, self._weight]
        with open(self.path, "rb") as file, decoded(file, self.name) as lines:
            text = Delimited(lines, self.name)
            for values, gap in text.read(wanted):
                if gap is not None:
                    where = f"{self.name}, line {gap.line}: {text.layout.called(gap.column)}"
                    raise TextError(
                        f"{where} is missing, {gap.text!r}", "fill such rows or leave them out"
                    )
                yield values[:, : self.n_features], values[:, -1] if self.weighted else None

    def stamp(self) -> Hashable:
        """Size and time of the file."""
        return stamp_of(self.path)
