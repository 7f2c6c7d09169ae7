"""Files that Arrow reads: Parquet, Feather and other Arrow IPC files, ORC (extra: parquet)."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem.rows.files import File
from fastem.rows.formats.table import Table
from fastem.validation.column_choice import ranges

#: How these files begin, and what Arrow calls them.
MAGIC = {b"PAR1": "parquet", b"ARROW1": "ipc", b"ORC": "orc"}
KINDS = {"parquet": "Parquet", "ipc": "Arrow", "orc": "ORC"}
#: Numbers decoded together, and rows of those.
NUMBERS = 2**20
ROWS = 65536
#: Bytes of a column that are read together.
BUFFER = 2**20
#: How the names of pandas' index begin.
INDEX = "__index_level_"


class Arrow(Table):
    """A file that Arrow reads, of the form "parquet", "ipc" or "orc"."""

    def __init__(self, file: File, form: str) -> None:
        self.file, self.name, self.form = file, file.name, form
        with self._understood() as dataset:
            where: dict = {"filesystem": file.filesystem} if file.filesystem else {}
            whole = dataset.dataset(file.source, format=form, partitioning="hive", **where)
            (self.fragment,) = whole.get_fragments()
            own = self.fragment.physical_schema.names
            self.n_rows = self.fragment.count_rows()
        self.constants = dataset.get_partition_keys(self.fragment.partition_expression)
        self.names: tuple[str, ...] = (*own, *(name for name in self.constants if name not in own))
        self.types: list[Any] = [whole.schema.field(j).type for j in range(len(whole.schema))]
        self.width, self.n_own = len(self.names), len(own)

    @property
    def data(self) -> Sequence[int]:
        """The columns in the file: not what the names of its folders tell, nor pandas' index."""
        return [j for j in range(self.n_own) if not self.names[j].startswith(INDEX)]

    def dtype(self, columns: Sequence[int]) -> np.dtype:
        """float32 if all columns are, else float64."""
        for j in columns:
            if not self._is_number(j):
                numbers = [i for i in range(self.width) if self._is_number(i)]
                remedy = f"take those of numbers with columns={ranges(numbers)}"
                raise TypeError(
                    f"{self.name} has a column {self.names[j]!r} of type {self.types[j]}; "
                    f"{remedy if numbers else 'no column holds numbers, give a file that has some'}"
                )
        single = all(str(self.types[j]) == "float" for j in columns)
        return np.dtype(np.float32 if single else np.float64)

    def blocks(self, columns: Sequence[int]) -> Generator[NDArray, None, None]:
        """Batches of the row groups, in their order."""
        dtype = self.dtype(columns)
        for batch in self._batches(columns):
            block = np.empty((batch.num_rows, len(columns)), dtype)
            for k, j in enumerate(columns):
                block[:, k] = (
                    _numbers(batch.column(self.names[j]))
                    if j < self.n_own
                    else self.constants[self.names[j]]
                )
            yield block

    def carried(self, columns: Sequence[int]) -> Iterator[Sequence[Any]]:
        """The fields of each row, as Python has them."""
        for batch in self._batches(columns):
            held = [
                batch.column(self.names[j]).to_pylist()
                if j < self.n_own
                else [self.constants[self.names[j]]] * batch.num_rows
                for j in columns
            ]
            yield from zip(*held, strict=True)

    def _is_number(self, column: int) -> bool:
        from pyarrow import types

        kind = self.types[column]
        tests = types.is_floating, types.is_integer, types.is_boolean, types.is_decimal
        return any(test(kind) for test in tests)

    def _batches(self, columns: Sequence[int]) -> Iterator[Any]:
        size = max(1, min(ROWS, NUMBERS // len(columns)))
        # A batch must have a column to have a length.
        names = [self.names[j] for j in columns if j < self.n_own] or [self.names[0]]
        with self._understood():
            if self.form == "parquet":
                from pyarrow import parquet

                # It decodes a page at a time, where a scan of the data set takes a row group.
                with parquet.ParquetFile(
                    self.fragment.open(),
                    buffer_size=BUFFER,
                    pre_buffer=False,
                    page_checksum_verification=True,
                ) as file:
                    yield from file.iter_batches(size, columns=names)
            else:
                few = {"batch_readahead": 0, "fragment_readahead": 0, "use_threads": False}
                yield from self.fragment.to_batches(columns=names, batch_size=size, **few)

    @contextmanager
    def _understood(self) -> Iterator[Any]:
        """Arrow's module of data sets; what it raises is told in words."""
        try:
            import pyarrow
            from pyarrow import dataset
        except ImportError:
            raise ImportError(
                f"{self.name} is of the format {KINDS[self.form]}, which needs pyarrow; install it "
                f"with: pip install 'fastem[parquet]'"
            ) from None
        try:
            yield dataset
        except (pyarrow.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            what = " ".join(str(error).split()).rpartition(": ")[2].rstrip(".")
            raise ValueError(
                f"{self.name} is no {KINDS[self.form]} file or damaged ({what}); write it again"
            ) from None


def _numbers(column: Any) -> NDArray:
    """A column of a batch; what is null is NaN."""
    import pyarrow

    if column.null_count or pyarrow.types.is_decimal(column.type):
        column = column.cast(pyarrow.float64(), safe=False)
    return column.to_numpy(zero_copy_only=False)
