"""How a text file is laid out, judged by its first lines, and what its fields say."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

BLANKS = " "
#: Tried in this order; of equals the first wins.
DELIMITERS = "\t", ";", ",", "|", BLANKS
COMMENT = "#"
#: A first line by which spreadsheets name the delimiter.
_NAMED = re.compile(r"sep=([\t;,|])\s*", re.IGNORECASE)
#: What R, its public collections of data and pandas call a leading column of row names.
ROW_NAMES = frozenset({"", "rownames", "unnamed: 0"})
#: Fields that stand for a value that is not there, in any case.
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "?", ".", "-"})
#: Fields that are numbers by another name.
TRUTHS = {"true": 1.0, "false": 0.0}
_GROUPED = re.compile(r"[+-]?\d{1,3}(([,' \u00a0]\d{3})+(\.\d*)?|(\.\d{3})+(,\d*)?)")
_UNIT = re.compile(r"[$€£¥]?\s*[+-]?[\d.,]*\d\s*[%$€£¥]?")


class Row(NamedTuple):
    """The fields of a row, and how many lines had been read when it ended."""

    fields: list[str]
    end: int


class Layout:
    """How a text file is laid out.

    Attributes
    ----------
    delimiter : str
        A blank stands for any run of blanks and tabs.
    decimal_comma : bool
        Whether 3,6 is 3.6.
    names : tuple of str or None
        Of the columns, from the header if there is one.
    comments : bool
        Whether lines that begin with # are passed over between rows too: the first ones are.
    width : int
        Fields of a row.
    n_lines : int
        Lines before the first row.
    numeric, usable : list of int
        Columns that hold numbers, some fields of which may be wrong; and those without such.
    set_aside : list of int
        Columns that are no data: row names, and what follows a trailing delimiter.
    notes : list of str
        What a user should know of this reading.
    """

    def __init__(self, lines: Sequence[str], source: str, na_values: frozenset[str]) -> None:
        self._source, self._na_values = source, na_values
        comment, named = "", _NAMED.fullmatch(lines[0]) if lines else None
        before = 1 if named else 0
        for line in lines[before:]:
            if line.strip() and not line.startswith(COMMENT):
                break
            comment = line.strip().lstrip(COMMENT) or comment
            before += 1
        if before == len(lines):
            raise ValueError(f"{source} is empty; give a file with rows of numbers")
        self.comments = bool(comment)
        self.delimiter = named[1] if named else _delimiter(lines[before:])
        try:
            rows = split(lines[before:], self.delimiter)
            if self.comments:
                rows = [row for row in rows if not row.fields[0].startswith(COMMENT)]
        except csv.Error as error:
            raise ValueError(f"{source} is not a table of text: {error}; check it") from None
        if not rows:
            raise ValueError(f"{source} is empty; give a file with rows of numbers")
        body = rows[1:] or rows
        self.decimal_comma = self.delimiter != "," and any(
            is_decimal_comma(field) for row in body for field in row.fields
        )
        self.notes = ["decimal commas: 3,6 is read as 3.6"] if self.decimal_comma else []
        self.width = Counter(len(row.fields) for row in body).most_common(1)[0][0]
        n_preamble = self._preamble(rows)
        if n_preamble == 1:
            self.notes.append("the first line, before the table, is passed over")
        elif n_preamble:
            self.notes.append(f"the first {n_preamble} lines before the table are passed over")
        self.n_lines = before + (rows[n_preamble - 1].end if n_preamble else 0)
        self._find_columns(rows[n_preamble:], before, comment)

    def _find_columns(self, rows: list[Row], before: int, comment: str) -> None:
        """Tell the header from the rows, columns of numbers from others, and data from none."""
        first, body = rows[0].fields, [row.fields for row in rows[1:]]
        even = [row for row in body if len(row) == self.width]
        trailing = self.width > 1 and bool(even) and not any(row[-1] for row in even)
        if len(first) == self.width - 1 and even:
            # Either the rows end with a delimiter or, in R's way, row names have no name.
            first = [*first, ""] if trailing else ["", *first]
        self.names = self._header(first, even, bool(body))
        if self.names is not None:
            self.n_lines = before + rows[0].end
        else:
            self.names = self._commented(comment)
            if len(first) == self.width:
                even.insert(0, first)
        columns = [[row[j] for row in even] for j in range(self.width)]
        texts = [sum(not self._is_datum(field) for field in held) for held in columns]
        counts = [sum(map(self._is_number, held)) for held in columns]
        self.numeric = [j for j in range(self.width) if 0 < counts[j] >= texts[j]]
        self.usable = [j for j in self.numeric if not texts[j]]
        self.set_aside = []
        if trailing and (self.names is None or not self.names[-1]):
            self.set_aside.append(self.width - 1)
        if self.names and self.width > 1 and self._are_row_names(self.names[0], columns[0]):
            self.set_aside.append(0)

    def _preamble(self, rows: list[Row]) -> int:
        """How many first rows stand before the table, where that is beyond doubt."""
        lengths = [len(row.fields) for row in rows]
        n = next((i for i, length in enumerate(lengths) if length == self.width), 0)
        after = [row.fields for row in rows[n:]]
        if not n or len(after) < 2 or {*lengths[n:]} != {self.width}:
            return 0
        if any(all(map(self._is_datum, row.fields)) for row in rows[:n]):
            return 0
        named = any(not self._is_datum(field) for field in after[0]) and self._differs(*after)
        # A line of one field less may be R's header, and of more a header of another table.
        alone = lengths[0] == 1 and self.width > 2
        return n if named or alone or (n > 1 and {*lengths[:n]} == {1}) else 0

    def _differs(self, first: list[str], *body: list[str]) -> bool:
        """Whether a text of the first row has nothing but data below it."""
        texts = [j for j, field in enumerate(first) if not self._is_datum(field)]
        return any(all(self._is_datum(row[j]) for row in body if j < len(row)) for j in texts)

    def _header(
        self, first: list[str], body: list[list[str]], followed: bool
    ) -> tuple[str, ...] | None:
        """The first row as names, unless it looks like the rows below it."""
        if all(map(self._is_datum, first)):
            are_names = self._is_numbered(first, body)
        else:
            are_texts = not any(map(self._is_number, first))
            are_names = are_texts or (bool(body) and self._differs(first, *body))
        if not are_names:
            return None
        if any(map(self._is_number, first)):
            self.notes.append(f"the first line is read as names of columns: {_listed(first)}")
        if not followed:
            raise ValueError(f"{self._source} has names of columns but no rows; add the data")
        if len(first) != self.width:
            raise ValueError(
                f"{self._source} has {len(first)} names of columns but {self.width} fields in a "
                f"row; give each column one name"
            )
        return _apart(first)

    def _is_numbered(self, first: list[str], body: list[list[str]]) -> bool:
        """Whether the first row is 0, 1, 2, ..., as pandas names columns that have no names."""
        index = first[:1] == [""]
        if not body or first[index:] != [str(j) for j in range(len(first) - index)]:
            return False
        fields = (field for row in body for field in row if self._is_number(field))
        return index or len(first) > 2 or any(not f.lstrip("+-").isdecimal() for f in fields)

    def _commented(self, comment: str) -> tuple[str, ...] | None:
        """The names in the last comment before the rows, if there are as many as columns."""
        for delimiter in self.delimiter, BLANKS, ",":
            names = [row.fields for row in split([comment], delimiter)]
            if not names or len(names[0]) != self.width or any(map(self._is_datum, names[0])):
                continue
            if self.width > 1 or " " not in names[0][0]:
                self.notes.append(
                    f"names of columns are read behind {COMMENT}: {_listed(names[0])}"
                )
                return _apart(names[0])
        return None

    def _are_row_names(self, name: str, fields: list[str]) -> bool:
        """Whether the leading column has such a name, and is text or never repeats a number."""
        if name.lower() not in ROW_NAMES:
            return False
        if not all(map(self._is_number, fields)):
            return True
        return all(field.isdecimal() for field in fields) and len(set(fields)) == len(fields)

    def _is_number(self, field: str) -> bool:
        return number(field, decimal_comma=self.decimal_comma) is not None and not is_missing(field)

    def _is_datum(self, field: str) -> bool:
        return is_missing(field) or field in self._na_values or self._is_number(field)


def split(lines: Sequence[str], delimiter: str) -> list[Row]:
    """The rows of some lines, blank ones passed over."""
    if any('"' in line for line in lines):
        if delimiter == BLANKS:
            lines = [line.replace("\t", " ").strip(" ") for line in lines]
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        rows = [Row([field.strip() for field in row], reader.line_num) for row in reader]
        if delimiter == BLANKS:
            rows = [Row([field for field in row.fields if field], row.end) for row in rows]
        return [row for row in rows if row.fields and row.fields != [""]]
    split_at = None if delimiter == BLANKS else delimiter
    return [
        Row([field.strip() for field in line.split(split_at)], i + 1)
        for i, line in enumerate(lines)
        if line.strip(" \r\n") and (line.strip() or delimiter == "\t")
    ]


def _apart(names: Sequence[str]) -> tuple[str, ...]:
    """The names, told apart as pandas does where there are equal ones: a, a.1, a.2."""
    found: list[str] = []
    for name in names:
        copies = (f"{name}.{n}" for n in range(1, len(names) + 1))
        taken = {*names, *found} if name and name in found else ()
        found.append(next(copy for copy in copies if copy not in taken) if taken else name)
    return tuple(found)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def _delimiter(lines: Sequence[str]) -> str:
    """The delimiter that leaves the largest share of fields numbers."""
    best, most = ",", -1.0
    for delimiter in DELIMITERS:
        try:
            rows = [row.fields for row in split(lines, delimiter)]
        except csv.Error:  # it leaves a field longer than that reader takes
            continue
        rows = rows[1:] or rows
        if 2 * sum(len(row) > 1 for row in rows) <= len(rows):
            continue
        fields = [field for row in rows for field in row]
        numbers = sum(
            number(field, decimal_comma=delimiter != "," and is_decimal_comma(field)) is not None
            or dressed(field) is not None
            for field in fields
        )
        if numbers / len(fields) > most:
            best, most = delimiter, numbers / len(fields)
    return best


def is_missing(field: str) -> bool:
    """Whether the field stands for a value that is not there."""
    return field.strip().lower() in MISSING


def is_decimal_comma(field: str) -> bool:
    """Whether the field looks like 3,6."""
    whole, comma, rest = field.strip().partition(",")
    return bool(comma) and whole.lstrip("+-").isdecimal() and rest[:1].isdecimal()


def number(field: str, *, decimal_comma: bool = False) -> float | None:
    """The number that the field holds, or None."""
    text = field.strip()
    if text.lower() in TRUTHS:
        return TRUTHS[text.lower()]
    if decimal_comma:
        text = text.replace(",", ".")
    try:
        # float() takes 1_000 for a number; in a file it is a label.
        return None if "_" in text else float(text)
    except ValueError:
        return None


def dressed(field: str) -> str | None:
    """What stands in the way of the number in a field, if it holds one beside other signs."""
    text = field.strip()
    if _GROUPED.fullmatch(text):
        return "a number with separators of thousands"
    has_unit = not text[-1:].isdecimal() or text[:1] in "$€£¥"
    return "a number with a unit" if _UNIT.fullmatch(text) and has_unit else None
