"""The rows of a text file as numbers; what is no number is reported with its line."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from fastem.rows.tables.text.errors import TextError, shown
from fastem.rows.tables.text.fields import is_missing, number
from fastem.rows.tables.text.layout import BLANKS, Layout, split

#: Lines that the layout is judged by.
SAMPLE = 100
#: Fields turned into numbers together, and rows of those.
FIELDS = 2**20
CHUNK = 8192


@dataclass(frozen=True)
class Gap:
    """The first missing value of a file: where it is and how it is written."""

    line: int
    column: int
    text: str


class Delimited:
    """Delimited text whose layout is known and whose rows are still to be read.

    Parameters
    ----------
    lines : iterator of str
    source : str
        What messages call the file.

    Raises
    ------
    TextError
        If there are no rows.
    """

    def __init__(self, lines: Iterator[str], source: str) -> None:
        self.source = source
        self._line = 0
        sample = self._after_comments(lines)
        try:
            self.layout = Layout.of(sample, source)
        except csv.Error as error:
            raise TextError(f"{source} is not a table of text: {error}", "check it") from None
        lines = chain(sample, lines)
        if self.layout.names is not None:
            header = split(lines, self.layout.delimiter)
            next(row for row in header if row)
            self._line += header.line_num
        self._lines = lines

    def _after_comments(self, lines: Iterator[str]) -> list[str]:
        """The lines to judge by, from the first that is neither blank nor a comment."""
        for line in lines:
            if line.strip() and not line.startswith("#"):
                return [line, *islice(lines, SAMPLE)]
            self._line += 1
        raise TextError(f"{self.source} is empty", "give a file with rows of numbers")

    def read(self, columns: Sequence[int]) -> Iterator[tuple[NDArray[np.float64], Gap | None]]:
        """The rows' values in those columns, some rows at a time, NaN where one is missing.

        Yields
        ------
        values : (n, n_columns)
        gap : Gap or None
            The first one among these.

        Raises
        ------
        TextError
            If a field is text or infinite, a row has too few or too many fields, or there are no
            rows.
        """
        n_rows = 0
        size = max(1, min(CHUNK, FIELDS // self.layout.width))
        while lines := list(islice(self._lines, size)):
            gap = None
            block = self._by_lines(lines, columns)
            if block is None:
                before = self._line
                rows = self._rows(lines)
                block = self._by_fields(rows, columns)
                if block is None:
                    block, gap = self._carefully(rows, columns, before)
            n_rows += len(block)
            yield block, gap
        if not n_rows:
            raise TextError(f"{self.source} has no rows", "give a file with rows of numbers")

    def _by_lines(self, lines: list[str], columns: Sequence[int]) -> NDArray | None:
        """The values of lines that hold nothing but finite numbers, else None."""
        if self.layout.decimal_comma or len(self.layout.numeric) != self.layout.width:
            return None
        delimiter = None if self.layout.delimiter == BLANKS else self.layout.delimiter
        try:
            with warnings.catch_warnings(action="error"):
                values = np.loadtxt(lines, delimiter=delimiter, comments=None, ndmin=2)
        except (ValueError, UserWarning):
            return None
        if values.shape[1] != self.layout.width or not np.isfinite(values).all():
            return None
        self._line += len(lines)
        return values[:, columns]

    def _rows(self, lines: list[str]) -> list[list[str]]:
        """The rows that begin in these lines; one that goes on takes further lines."""
        reader = split(chain(lines, self._lines), self.layout.delimiter)
        rows = []
        try:
            while reader.line_num < len(lines):
                rows.append(next(reader))
        except csv.Error as error:
            where = f"{self.source}, line {self._line + reader.line_num}"
            raise TextError(f"{where}: {error}", "check its quotes") from None
        self._line += reader.line_num
        return rows

    def _by_fields(self, rows: list[list[str]], columns: Sequence[int]) -> NDArray | None:
        """The values of rows whose chosen fields are all finite numbers, else None."""
        width = self.layout.width
        if any(len(row) != width for row in rows):
            return None
        if len(columns) == 1:
            fields = list(map(itemgetter(columns[0]), rows))
        else:
            fields = list(chain.from_iterable(map(itemgetter(*columns), rows)))
        if self.layout.decimal_comma:
            fields = [field.replace(",", ".") for field in fields]
        if "_" in "".join(fields):
            return None
        try:
            values = np.fromiter(map(float, fields), np.float64, len(fields))
        except ValueError:
            return None
        return values.reshape(-1, len(columns)) if np.isfinite(values).all() else None

    def _carefully(
        self, rows: list[list[str]], columns: Sequence[int], line: int
    ) -> tuple[NDArray[np.float64], Gap | None]:
        """The values field by field, after so many lines, and the first gap."""
        values: list[list[float]] = []
        gap = None
        width = self.layout.width
        for row in rows:
            line += 1
            if not row or (len(row) == 1 and width > 1 and not row[0].strip()):
                continue
            if len(row) != width:
                raise TextError(
                    f"{self.source}, line {line} has {len(row)} field{'s'[: len(row) != 1]} where "
                    f"{width} were expected",
                    "correct it, or quote text that holds the delimiter",
                )
            for j in columns:
                if gap is None and is_missing(row[j]):
                    gap = Gap(line, j, row[j].strip())
            values.append([self._value(row[j], j, line) for j in columns])
            line += sum(field.count("\n") for field in row)
        return np.array(values, dtype=np.float64).reshape(-1, len(columns)), gap

    def _value(self, field: str, column: int, line: int) -> float:
        if is_missing(field):
            return np.nan
        value = number(field, decimal_comma=self.layout.decimal_comma)
        if value is not None and np.isfinite(value):
            return value
        where = f"{self.source}, line {line}: {self.layout.called(column)}"
        if value is not None:
            raise TextError(f"{where} is {field.strip()}", "correct it, or leave the row out")
        if column in self.layout.numeric:
            remedy = "correct it, or leave the column out"
            raise TextError(f"{where} is {shown(field)}, not a number", remedy)
        usable = [j for j in self.layout.numeric if j not in self.layout.set_aside]
        if not usable:
            remedy = "no column holds numbers, give a file that has some"
            raise TextError(f"{where} holds text, {shown(field)}", remedy)
        remedy = "take the columns of numbers"
        raise TextError(f"{where} holds text, {shown(field)}", remedy, tuple(usable))
