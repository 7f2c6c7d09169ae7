"""Frame: the columns of files that are meant, one file after another, with weights or without."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem import validation
from fastem.lazy import lazy
from fastem.rows.files import Temporary
from fastem.rows.formats.binary import Binary, Form
from fastem.rows.formats.table import Cursor, Table
from fastem.rows.missing import Gaps, Marks
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
        table, columns = self._read
        return table.cursor(columns[:n])

    def take(self, rows: NDArray[np.intp]) -> NDArray | None:
        """Rows by their numbers, which ascend, or None without cheap seeks."""
        table, columns = self._read
        return table.take(rows, columns)

    @property
    def n_rows(self) -> int | None:
        """Number of rows; None if that is not known before all are read."""
        return self._read[0].n_rows

    @lazy
    def _read(self) -> tuple[Table, Sequence[int]]:
        """What is read, and its columns: a copy of a slow table, if there is room."""
        copy = self._copied() if self.table.slow else None
        return (self.table, self.columns) if copy is None else (copy, range(copy.width))

    def _copied(self) -> Binary | None:
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


class Reader:
    """One pass over the rows of a frame; `gaps` is what has been missing so far.

    What is missing or not finite may be looked for. Rows that are left out of fits may be given out
    too, as they are, and no weights.
    """

    def __init__(self, frame: Frame, *, checked: bool, every: bool = False) -> None:
        self.gaps = Gaps(frame.n_features)
        self._frame, self._checked, self._every = frame, checked or frame.changeable, every
        self._left = iter(frame.parts)
        self._part: Part | None = None
        self._cursor: Cursor | None = None
        weights = None if every else frame.weights
        self._weights = None if weights is None else weights.cursor(1)
        self._row = 0

    def read(self, X: NDArray, weight: NDArray[np.float64] | None) -> int:
        """Fill X (n, n_features) and weight (n,) with the next rows that count.

        How many they are is returned: fewer than there is room for only at the end.
        """
        filled = 0
        while filled < len(X):
            room = X[filled:], None if weight is None else weight[filled:]
            n = self._rows(*room)
            if not n:
                if self.gaps.n_dropped and self._frame.missing == "error":
                    raise self.gaps.error
                break
            filled += self._kept(room[0][:n], None if room[1] is None else room[1][:n])
            self._row += n
        return filled

    def close(self) -> None:
        """Let go of files."""
        for cursor in self._cursor, self._weights:
            if cursor is not None:
                cursor.close()

    def _rows(self, X: NDArray, weight: NDArray | None) -> int:
        """Read the next rows of one table, with their weights."""
        n_features = X.shape[1]
        while True:
            if self._cursor is None:
                self._part = next(self._left, None)
                if self._part is None:
                    if self._weights is not None and self._weights.read(np.empty((1, 1))):
                        raise unequal(self._frame.name, "more weights", f"{self.gaps.n_rows} rows")
                    return 0
                n_read = n_features if self._every else len(self._part.columns)
                self._cursor, self._row = self._part.cursor(n_read), 0
            if self._frame.has_weights and not self._every:
                both = np.empty((len(X), n_features + 1))
                n = self._cursor.read(both)
                X[:n], weight[:n] = both[:n, :-1], both[:n, -1]  # type: ignore[index]
            else:
                n = self._cursor.read(X)
            if n:
                break
            self._cursor.close()
            self._cursor = None
        self.gaps.n_rows += n
        if self._weights is not None and weight is not None:
            beside = np.empty((n, 1))
            if (n_weights := self._weights.read(beside)) < n:
                n_weights += self.gaps.n_rows - n
                raise unequal(self._frame.name, f"{n_weights} weights", "more rows")
            weight[:n] = beside[:, 0]
        return n

    def _kept(self, X: NDArray, weight: NDArray | None) -> int:
        """Look at rows that were read, and close the ranks where some do not count."""
        kept = None
        if self._checked:
            self._frame.marks.apply(X)
            kept = self._complete(X)
        if weight is not None:
            self._check_weights(weight)
            if not weight.all():
                kept = weight > 0 if kept is None else kept & (weight > 0)
        if kept is None or self._every:
            return len(X)
        n = int(kept.sum())
        X[:n] = X[kept]
        if weight is not None:
            weight[:n] = weight[kept]
        return n

    def _complete(self, X: NDArray) -> NDArray[np.bool_] | None:
        """Which rows lack nothing, if some do; what is infinite is refused."""
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(X.sum()) or np.isfinite(X).all():
                return None
        missing, infinite = np.isnan(X), np.isinf(X)
        if infinite.any():
            raise ValueError(f"{self._where(infinite)} is {X[infinite][0]}; fill or drop such rows")
        self.gaps.first = self.gaps.first or f"{self._where(missing)} is missing"
        dropped = self._frame.missing != "mar"
        self.gaps.add(missing, dropped)
        return ~missing.any(axis=1) if dropped else None

    def _where(self, wrong: NDArray[np.bool_]) -> str:
        """What messages call the first such place."""
        assert self._part is not None
        i, j = map(int, np.argwhere(wrong)[0])
        return self._part.table.where(self._row + i, self._part.columns[j])

    def _check_weights(self, weight: NDArray) -> None:
        if bad := validation.first_bad_weight(weight):
            assert self._part is not None
            raise ValueError(
                f"{self._part.table.name} has a sample_weight of {bad.value} at row "
                f"{self._row + bad.row} (counted from 0); weights must be finite and at least 0"
            )


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


def unequal(name: str, weights: str, rows: str) -> ValueError:
    """What to say of weights that are not as many as the rows."""
    return ValueError(f"sample_weight has {weights} but {name} has {rows}; give one weight a row")
