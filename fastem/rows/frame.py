"""Frame: the columns of files that are meant, one file after another, with weights or without."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem.rows.files import Temporary
from fastem.rows.formats.binary import Binary, Form
from fastem.rows.formats.table import Cursor, Table
from fastem.rows.missing import Marks
from fastem.validation.column_choice import Column, position, positions, printable


@dataclass(frozen=True, eq=False)
class Frame:
    """Columns of numbers from tables that follow one another.

    Parameters
    ----------
    parts : sequence of Part
    has_weights : bool
        Whether the last of the columns is that of weights.
    weights : Part, optional
        One column of weights from elsewhere.
    missing : {"error", "drop", "mar"}
        What becomes of rows with missing values.
    marks : Marks
        What stands for one.
    """

    parts: Sequence[Part]
    has_weights: bool = False
    weights: Part | None = None
    missing: str = "error"
    marks: Marks = field(default_factory=Marks)

    @classmethod
    def of(
        cls,
        tables: Sequence[Table],
        columns: Sequence[Column] | None = None,
        weight: Column | None = None,
        but: Sequence[Column] = (),
        **more: Any,
    ) -> Frame:
        """Find columns in each table: where they have names, those that have them in the first.

        Where none are named, all data are meant but those of weights and some others.
        """
        first = tables[0]
        at = [] if weight is None else [position(weight, *first.owner, asked="sample_weight")]
        if columns is None:
            others = [*at, *(position(column, *first.owner) for column in but)]
            columns = [j for j in first.data if j not in others]
        chosen = positions(columns, *first.owner)
        parts = [Part(table, _found_in(table, [*chosen, *at], first)) for table in tables]
        return cls(parts, weight is not None, **more)

    @property
    def name(self) -> str:
        """What messages call it."""
        more = len(self.parts) - 1
        return self.parts[0].table.name + (f" and {more} more" if more else "")

    @property
    def n_features(self) -> int:
        """Columns of numbers."""
        return len(self.parts[0].columns) - self.has_weights

    @property
    def names(self) -> tuple[str, ...] | None:
        """Of the columns, if they have any."""
        table, columns = self.parts[0].table, self.parts[0].columns
        names = [] if table.names is None else [table.names[j] for j in columns[: self.n_features]]
        return tuple(names) if names and all(names) else None

    @property
    def columns(self) -> list[str]:
        """What reports call the columns: their names, or numbers where they have none."""
        names, numbers = self.parts[0].table.names, self.parts[0].columns[: self.n_features]
        return [printable(names[j] if names else "") or f"column {j}" for j in numbers]

    @property
    def weighted(self) -> bool:
        """Whether there are weights."""
        return self.has_weights or self.weights is not None

    @property
    def dtype(self) -> np.dtype:
        """float32 if all numbers are, else float64."""
        n = self.n_features
        kinds = {part.table.dtype(part.columns[:n]) for part in self.parts}
        return kinds.pop() if len(kinds) == 1 else np.dtype(np.float64)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the reading."""
        return self.parts[0].table.notes(self.parts[0].columns)

    @property
    def changeable(self) -> bool:
        """Whether rows must be looked at in every pass."""
        return self.missing == "drop" or self.marks.values.size > 0 or self.stamp() is None

    @property
    def n_rows(self) -> int | None:
        """Number of rows, with those that do not count; None if that is not known yet."""
        counts = [part.n_rows for part in self.parts]
        return None if None in counts else sum(filter(None, counts))

    def stamp(self) -> Hashable:
        """What changes when the rows do; None if there is no such thing."""
        parts = [*self.parts, *([] if self.weights is None else [self.weights])]
        stamps = tuple(part.table.stamp() for part in parts)
        return None if None in stamps else stamps

    def take(self, rows: NDArray[np.intp]) -> NDArray | None:
        """Rows by their numbers, or None without cheap seeks or where rows are left out."""
        if self.weighted or self.changeable:
            return None
        taken, before = [], 0
        for part in self.parts:
            if part.n_rows is None:
                return None
            here = rows[(rows >= before) & (rows < before + part.n_rows)]
            if len(here):
                some = part.take(here - before)
                if some is None:
                    return None
                taken.append(some)
            before += part.n_rows
        return np.concatenate(taken)

    def carried(
        self, columns: Sequence[Column]
    ) -> tuple[list[str], list[Any], Iterator[Sequence[Any]]]:
        """Names of other columns, Arrow's types if known, and fields in each row."""
        first = self.parts[0].table
        chosen = positions(columns, *first.owner, asked="keep")
        names = [first.names[j] if first.names else f"column {j}" for j in chosen]
        types = [first.types[j] for j in chosen] if first.types else []
        rows = (part.table.carried(_found_in(part.table, chosen, first)) for part in self.parts)
        return names, types, chain.from_iterable(rows)


@dataclass(eq=False)
class Part:
    """Some columns of a table.

    They are columns of numbers, then that of weights if there is one. The first pass over a slow
    table puts them into a temporary file, in which the others find them. Where that has no room the
    table is read anew at every pass.
    """

    table: Table
    columns: Sequence[int]

    def __post_init__(self) -> None:
        """What is read, and whether it is to be copied meanwhile."""
        self._read, self._copies = (self.table, self.columns), self.table.slow

    def cursor(self, n: int) -> Cursor:
        """One pass over the first n of the columns."""
        table, columns = self._read
        return Cursor(self._copied(n)) if self._copies else table.cursor(columns[:n])

    def take(self, rows: NDArray[np.intp]) -> NDArray | None:
        """Rows by their numbers, which ascend, or None without cheap seeks."""
        table, columns = self._read
        return table.take(rows, columns)

    @property
    def n_rows(self) -> int | None:
        """Number of rows; None if that is not known before all are read."""
        return self._read[0].n_rows

    def _copied(self, n: int) -> Generator[NDArray, None, None]:
        """The blocks of the table, while all of its columns are copied."""
        dtype, n_rows, copy = self.table.dtype(self.columns), 0, None
        with suppress(OSError):
            copy = Temporary()
        with closing(self.table.blocks(self.columns)) as blocks:
            for block in blocks:
                n_rows += len(block)
                try:
                    if copy is not None:
                        copy.write(np.ascontiguousarray(block, dtype))
                except OSError:
                    copy = None
                yield block[:, :n]
        self._copies = False
        if copy is not None:
            form = Form(n_rows, len(self.columns), dtype)
            self._read = Binary(copy, form, self.table.name), range(form.width)


def _found_in(table: Table, columns: Sequence[int], first: Table) -> Sequence[int]:
    """Where a table has columns of the first one: by their names, if all have some."""
    names = [] if table is first or first.names is None else [first.names[j] for j in columns]
    if names and all(names) and table.names is not None:
        return [position(name, *table.owner) for name in names]
    if table.width != first.width:
        raise ValueError(
            f"{table.name} has {table.width} columns but {first.name} has {first.width}; give "
            f"files of the same columns"
        )
    return columns
