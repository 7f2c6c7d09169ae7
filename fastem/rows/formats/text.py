"""A text file as a table: fields are found and numbers read by compiled code, the rest by Python's.

What is no number there is looked at here, and told with its line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import pairwise
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.compiler.threads import n_threads
from fastem.kernels.text import NEWLINE, PADDING, POWERS, POWERS_LOW, RETURN, parse
from fastem.rows.files import File
from fastem.rows.formats.encoding import plain
from fastem.rows.formats.layout import BLANKS, COMMENT, Layout, dressed, is_missing, number
from fastem.rows.formats.table import CHUNK, Table, shown
from fastem.rows.prefetch import SPARE, prefetch
from fastem.validation.column_choice import ranges

#: Lines that the layout is judged by: at most so many, and so many bytes if those hold `FEW`.
SAMPLE, FEW = 100, 3
#: The share of a line's most bytes that is parsed together, and bytes that are enough.
SHARE, ENOUGH = 16, 2**20
#: What compiled code wants behind the text.
ZEROS = bytes(PADDING)
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Chunk(NamedTuple):
    """Text of whole rows with zeros behind it, how many lines precede it and how many it has."""

    text: bytes
    n_lines: int
    n_within: int


class Piece(NamedTuple):
    """Some rows of a file: numbers in the fields wanted, and how many lines precede.

    `n_left` numbers are NaN: their fields hold something else.
    """

    text: bytes
    values: NDArray[np.float64]
    n_left: int
    n_lines: int


class Fields(NamedTuple):
    """The fields of a piece: where each begins and ends."""

    piece: Piece
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def field(self, row: int, column: int) -> bytes:
        """One field."""
        return self.piece.text[self.starts[row, column] : self.ends[row, column]]

    def line(self, row: int, column: int) -> int:
        """Its line, counted from 1."""
        return self.piece.n_lines + 1 + _count(self.piece.text, self.starts[row, column])


class Text(Table):
    """A file of delimited text.

    A row may have so many bytes as `longest` says; so many first lines as `skip_rows` says are
    passed over; the fields `na_values` stand for a missing value, beside the usual ones.
    """

    slow = True

    def __init__(
        self, file: File, longest: int, skip_rows: int = 0, na_values: frozenset[str] = frozenset()
    ) -> None:
        self.file, self.name, self.longest = file, file.name, longest
        self.skip_rows, self.na_values = skip_rows, na_values
        with plain(file) as (stream, self.encoding):
            lines, bounds = self._sample(stream)
        self.layout = Layout(lines, self.name, na_values)
        self._begin = bounds[self.layout.n_lines]
        self.names, self.width = self.layout.names, self.layout.width

    @property
    def data(self) -> Sequence[int]:
        """All columns but row names and what follows a trailing delimiter."""
        return [j for j in range(self.width) if j not in self.layout.set_aside]

    def notes(self, columns: Sequence[int]) -> tuple[str, ...]:
        """What a user should know of the reading."""
        notes = tuple(self.layout.notes)
        if 0 in columns or 0 not in self.layout.set_aside or self.names is None:
            return notes
        return (
            *notes,
            f"the first column, {shown(self.names[0])}, holds row names and is left out; "
            f"to keep it, choose it by its position, 0",
        )

    def blocks(self, columns: Sequence[int]) -> Generator[NDArray, None, None]:
        """Some thousand rows at a time."""
        for piece in self._pieces(columns):
            if piece.n_left:
                self._complete(piece, columns)
            yield piece.values

    def carried(self, columns: Sequence[int]) -> Iterator[Sequence[str]]:
        """The fields of each row as texts."""
        for piece in self._pieces(columns):
            fields = self._fields(piece, columns)
            for i in range(len(piece.values)):
                yield [self._decoded(fields.field(i, k)) for k in range(len(columns))]

    def where(self, row: int, column: int) -> str:
        """What messages call a place: its line is looked for in the file."""
        for piece in self._pieces([column]):
            if row < len(piece.values):
                line = self._fields(piece, [column]).line(row, 0)
                return f"{self.name}, line {line}: {self.called(column)}"
            row -= len(piece.values)
        return super().where(row, column)

    def _complete(self, piece: Piece, columns: Sequence[int]) -> None:
        """Put in what compiled code has left: missing values, and numbers written otherwise."""
        fields = self._fields(piece, columns)
        known: dict[bytes, float | None] = {}
        for i, k in zip(*np.nonzero(np.isnan(piece.values)), strict=True):
            field = fields.field(i, k)
            if field not in known:
                known[field] = self._value(self._decoded(field))
            value = known[field]
            if value is None or np.isinf(value):
                where = f"{self.name}, line {fields.line(i, k)}: {self.called(columns[k])}"
                raise self._refused(where, self._decoded(field), value, columns[k])
            piece.values[i, k] = value

    def _value(self, field: str) -> float | None:
        if is_missing(field) or field in self.na_values:
            return np.nan
        return number(field, decimal_comma=self.layout.decimal_comma)

    def _refused(self, where: str, field: str, value: float | None, column: int) -> ValueError:
        """What to say of a field that is no finite number."""
        if value is not None:
            return ValueError(f"{where} is {field}; correct it, or leave the row out")
        what = f"{where} is {shown(field)}"
        if dress := dressed(field):
            return ValueError(
                f"{what}, {dress}; write plain numbers, or pass the frame of pandas.read_csv, "
                f"whose thousands= and converters= read such"
            )
        if column in self.layout.numeric:
            return ValueError(
                f"{what}, not a number; correct it, leave the column out with columns=, or name it "
                f"in na_values= if it stands for a missing value"
            )
        usable = [j for j in self.layout.usable if j in self.data]
        if not usable:
            return ValueError(
                f"{where} holds text, {shown(field)}; no column holds numbers, give a file that "
                f"has some"
            )
        return ValueError(
            f"{where} holds text, {shown(field)}; take the columns of numbers with "
            f"columns={ranges(usable)}"
        )

    def _decoded(self, field: bytes) -> str:
        return field.decode(self.encoding, "replace").replace('""', '"')

    def _sample(self, stream: IO[bytes]) -> tuple[list[str], list[int]]:
        """The first lines, whole ones only, after those to be skipped; and the bytes between."""
        held, ended = b"", False
        while True:
            ends = [match.end() for match in _LINE_END.finditer(held)]
            if ended or len(ends) > self.skip_rows + FEW:
                break
            if len(held) > FEW * self.longest:
                raise self._too_long(1)
            block = stream.read(max(CHUNK, len(held)))
            held, ended = held + block, not block
        if ended and (not ends or ends[-1] < len(held)):
            ends.append(len(held))
        bounds = [0, *ends][self.skip_rows : self.skip_rows + SAMPLE + 2]
        lines = [
            held[begin:end].decode(self.encoding, "replace") for begin, end in pairwise(bounds)
        ]
        return lines, bounds

    def _pieces(self, columns: Sequence[int]) -> Generator[Piece, None, None]:
        """One pass: the wanted fields of all rows, chunks of them parsed by several threads."""

        @contextmanager
        def opened() -> Iterator[Callable[[int], Chunk | None]]:
            with plain(self.file) as (stream, _):
                chunks = self._chunks(stream)
                yield lambda _: next(chunks, None)

        n_rows = 0
        buffers = range(min(n_threads(np.inf), 8) + SPARE)
        parsed = prefetch(opened, buffers, lambda chunk: self._parsed(chunk, columns))
        with closing(parsed) as pieces:
            for piece in pieces:
                n_rows += len(piece.values)
                yield piece
        if not n_rows:
            raise ValueError(f"{self.name} has no rows; give a file with rows of numbers")

    def _chunks(self, stream: IO[bytes]) -> Iterator[Chunk]:
        """The text behind the header in chunks of whole rows."""
        n_lines, size = self.skip_rows + self.layout.n_lines, min(ENOUGH, self.longest // SHARE)
        held, first = b"", b""

        def blocks() -> Iterator[bytes]:
            yield first[self._begin :]
            while block := stream.read(max(size, len(held))):
                yield block

        while len(first) < self._begin and (block := stream.read(size)):
            first += block
        for block in blocks():
            rows, held = self._split(held, block)
            if rows:
                yield (chunk := Chunk(rows, n_lines, _count(rows, len(rows))))
                n_lines += chunk.n_within
            elif len(held) > self.longest:
                raise self._too_long(n_lines + 1)
        if held:
            yield Chunk(held + ZEROS, n_lines, _count(held, len(held)))

    def _split(self, held: bytes, block: bytes) -> tuple[bytes, bytes]:
        """Whole rows, with zeros behind them, and what is left of the last one."""
        if quoted := b'"' in block or b'"' in held:
            held, block = b"", held + block
        end = block.rfind(b"\n") + 1 or block.rfind(b"\r") + 1
        if quoted:
            # A quoted field may hold line ends.
            _, at, found, _ = self._parse(block + ZEROS, (), np.empty((end, 0)), ended=False)
            end = end if found and not at else at
        if not end:
            return b"", held + block
        return b"".join((held, memoryview(block)[:end], ZEROS)), block[end:]

    def _parsed(self, chunk: Chunk, columns: Sequence[int]) -> Piece:
        """The wanted fields of whole rows."""
        text, n_before, n_lines = chunk
        values = np.empty((n_lines + 1, len(columns)))
        n, at, found, n_left = self._parse(text, columns, values)
        if found:
            n_blank = _count(text[at:], len(text[at:]) - len(text[at:].lstrip()))
            raise self._uneven(n_before + 1 + _count(text, at) + n_blank, found)
        return Piece(text, values[:n], n_left, n_before)

    def _fields(self, piece: Piece, columns: Sequence[int]) -> Fields:
        """The fields of a piece, which few pieces need: it is parsed once more."""
        starts, ends = np.empty((2, *piece.values.shape), np.int64)
        self._parse(piece.text, columns, np.empty_like(piece.values), starts, ends)
        return Fields(piece, starts, ends)

    def _parse(
        self,
        text: bytes,
        columns: Sequence[int],
        values: NDArray[np.float64],
        *bounds: NDArray[np.int64],
        ended: bool = True,
    ) -> tuple[int, int, int, int]:
        """What compiled code finds in at most so many rows as there is room for."""
        place = np.full(self.width, -1)
        place[list(columns)] = range(len(columns))
        delimiter, decimal = self.layout.delimiter, "," if self.layout.decimal_comma else "."
        comment = ord(COMMENT) if self.layout.comments else -1
        how = ord(delimiter), delimiter == BLANKS, ended, comment, ord(decimal), read_only(place)
        array = np.frombuffer(text, np.uint8)
        starts, ends = bounds or np.empty((2, 0, len(columns)), np.int64)
        return parse(array, *how, POWERS, POWERS_LOW, values, starts, ends)

    def _uneven(self, line: int, found: int) -> ValueError:
        if found < 0:
            return ValueError(
                f"{self.name}, line {line}: a quote is never closed; check its quotes"
            )
        return ValueError(
            f"{self.name}, line {line} has {found} field{'s'[: found != 1]} where {self.width} "
            f"were expected; correct it, or quote text that holds the delimiter"
        )

    def _too_long(self, line: int) -> ValueError:
        return ValueError(
            f"{self.name}, line {line} is longer than {self.longest} bytes, an eighth of memory, "
            f"or a quote in it is never closed; raise memory, or check its quotes"
        )


def _count(text: bytes, end: int) -> int:
    """Lines that end before a place."""
    # Several times as fast as `bytes.count`, which stops at each.
    array = np.frombuffer(text, np.uint8, end)
    return int(np.count_nonzero(array == NEWLINE) or np.count_nonzero(array == RETURN))
