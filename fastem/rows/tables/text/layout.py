"""How a text file is laid out, judged by its first lines."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fastem.rows.tables.text.errors import TextError, shown
from fastem.rows.tables.text.fields import is_decimal_comma, is_missing, number

BLANKS = " "
#: Tried in this order; of equals the first wins.
DELIMITERS = "\t", ";", ",", BLANKS
#: What R, its public collections of data and pandas call a leading column of row names.
ROW_NAMES = frozenset({"", "rownames", "unnamed: 0"})


@dataclass(frozen=True)
class Layout:
    """How a text file is laid out.

    Parameters
    ----------
    delimiter : str
        A blank stands for any run of blanks and tabs.
    decimal_comma : bool
        Whether 3,6 is 3.6.
    names : tuple of str or None
        Of the columns, from the header if there is one.
    width : int
        Fields of a row.
    numeric : tuple of int
        Columns that hold numbers.
    set_aside : tuple of int
        Columns that are no data: row names, and what follows a trailing delimiter.
    notes : tuple of str
        What a user should know of this reading.
    """

    delimiter: str
    decimal_comma: bool
    names: tuple[str, ...] | None
    width: int
    numeric: tuple[int, ...]
    set_aside: tuple[int, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, lines: list[str], source: str) -> Layout:
        """Judge by these lines, the first of which is a header or a row.

        Raises
        ------
        TextError
            If there is nothing but a header, or it does not fit the rows.
        """
        delimiter = _delimiter(lines)
        rows = [row for row in split(lines, delimiter) if row]
        body = rows[1:] or rows
        comma = delimiter != "," and any(is_decimal_comma(f) for row in body for f in row)
        return _Judge(rows, source, delimiter, comma).layout()

    def called(self, column: int) -> str:
        """What messages call a column."""
        if self.names is None or not self.names[column]:
            return f"column {column} (counted from 0)"
        return f"column {shown(self.names[column])}"


class _Judge:
    """Finds the header, the columns of numbers and those that are no data."""

    def __init__(
        self, rows: list[list[str]], source: str, delimiter: str, decimal_comma: bool
    ) -> None:
        self.source, self.delimiter, self.decimal_comma = source, delimiter, decimal_comma
        self.first, self.body = rows[0], rows[1:]
        self.width = Counter(map(len, self.body or rows)).most_common(1)[0][0]
        self.notes = ["decimal commas: 3,6 is read as 3.6"] if decimal_comma else []

    def layout(self) -> Layout:
        even = [row for row in self.body if len(row) == self.width]
        trailing = self.width > 1 and bool(even) and not any(row[-1].strip() for row in even)
        if len(self.first) == self.width - 1 and even:
            # Either the rows end with a delimiter or, in R's way, row names have no name.
            self.first = [*self.first, ""] if trailing else ["", *self.first]
        names = self._header(even)
        if names is None and len(self.first) == self.width:
            even.insert(0, self.first)
        columns = [[row[j] for row in even] for j in range(self.width)]
        set_aside = []
        if trailing and (names is None or not names[-1]):
            set_aside.append(self.width - 1)
        if names is not None and self.width > 1 and self._are_row_names(names[0], columns[0]):
            set_aside.append(0)
            self.notes.append(
                f"the first column, {shown(names[0])}, holds row names and is left out; "
                f"to keep it, choose it by its position, 0"
            )
        return Layout(
            self.delimiter,
            self.decimal_comma,
            names,
            self.width,
            tuple(j for j, fields in enumerate(columns) if any(map(self._is_number, fields))),
            tuple(set_aside),
            tuple(self.notes),
        )

    def _header(self, body: list[list[str]]) -> tuple[str, ...] | None:
        """The first row as names, unless it looks like the rows below it."""
        texts = [j for j, field in enumerate(self.first) if not self._is_datum(field)]
        if not texts:
            return None
        names = tuple(field.strip() for field in self.first)
        if any(map(self._is_number, self.first)):
            below = [[row[j] for row in body if j < len(row)] for j in texts]
            if not any(fields and all(map(self._is_datum, fields)) for fields in below):
                return None
            self.notes.append(f"the first line is read as names of columns: {', '.join(names)}")
        if not self.body:
            raise TextError(f"{self.source} has names of columns but no rows", "add the data")
        if len(names) != self.width:
            raise TextError(
                f"{self.source} has {len(names)} names of columns but {self.width} fields in a row",
                "give each column one name",
            )
        return names

    def _are_row_names(self, name: str, fields: list[str]) -> bool:
        """Whether the leading column has such a name, and is text or never repeats a number."""
        if name.lower() not in ROW_NAMES:
            return False
        if not all(map(self._is_number, fields)):
            return True
        return all(f.strip().isdecimal() for f in fields) and len(set(fields)) == len(fields)

    def _is_number(self, field: str) -> bool:
        return number(field, decimal_comma=self.decimal_comma) is not None and not is_missing(field)

    def _is_datum(self, field: str) -> bool:
        return is_missing(field) or self._is_number(field)


def split(lines: Iterable[str], delimiter: str) -> Any:
    """A csv reader of the lines, which counts them in `line_num`."""
    if delimiter == BLANKS:
        lines = _without_runs(lines)
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)


def _without_runs(lines: Iterable[str]) -> Iterator[str]:
    return (line.replace("\t", " ").strip() for line in lines)


def _delimiter(lines: list[str]) -> str:
    """The delimiter that leaves the largest share of fields numbers."""
    best, most = ",", -1.0
    for delimiter in DELIMITERS:
        rows = [row for row in split(lines, delimiter) if row]
        rows = rows[1:] or rows
        if 2 * sum(len(row) > 1 for row in rows) <= len(rows):
            continue
        fields = [field for row in rows for field in row]
        numbers = sum(
            number(field, decimal_comma=delimiter != "," and is_decimal_comma(field)) is not None
            for field in fields
        )
        if numbers / len(fields) > most:
            best, most = delimiter, numbers / len(fields)
    return best
