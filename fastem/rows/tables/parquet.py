"""Parquet files as tables (extra: parquet)."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem.rows.tables.columns import Column, positions
from fastem.rows.tables.table import Block, Table, stamp_of

#: Numbers decoded together, and rows of those.
NUMBERS = 2**20
ROWS = 65536
#: Bytes of a column that are read together.
BUFFER = 2**20


class Parquet(Table):
    """A Parquet file.

    Parameters
    ----------
    path : Path
    columns : sequence of int or str, optional
    weight : int or str, optional
        The column of sample weights.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    OSError
        If the file cannot be read.
    TypeError, ValueError
        If a column does not hold real numbers, or there is no such column.
    """

    def __init__(
        self, path: Path, columns: Sequence[Column] | None = None, weight: Column | None = None
    ) -> None:
        self.path, self.name = path, str(path)
        with self._opened() as file:
            schema, self.n_rows = file.schema_arrow, file.metadata.num_rows
        chosen, at = positions(columns, weight, schema.names, len(schema.names), self.name)
        wanted = chosen if at is None else [*chosen, at]
        kinds = [self._dtype(schema.field(j)) for j in wanted]
        self.names = tuple(schema.names[j] for j in chosen)
        self._wanted = [schema.names[j] for j in wanted]
        self.n_features, self.weighted = len(chosen), at is not None
        single = all(kind == np.float32 for kind in kinds[: len(chosen)])
        self.dtype = np.dtype(np.float32 if single else np.float64)

    def blocks(self) -> Generator[Block, None, None]:
        """Batches of the row groups, in their order."""
        row = 0
        size = max(1, min(ROWS, NUMBERS // len(self._wanted)))
        with self._opened() as file:
            for batch in file.iter_batches(size, columns=self._wanted):
                columns = [self._numbers(batch, name, row) for name in self._wanted]
                X = np.empty((batch.num_rows, self.n_features), self.dtype)
                for j in range(self.n_features):
                    X[:, j] = columns[j]
                yield X, columns[-1] if self.weighted else None
                row += batch.num_rows

    def stamp(self) -> Hashable:
        """Size and time of the file."""
        return stamp_of(self.path)

    def _opened(self) -> Any:
        try:
            from pyarrow import ArrowException
            from pyarrow.parquet import ParquetFile
        except ImportError:
            raise ImportError(
                f"{self.path} is a Parquet file, which needs pyarrow; install it with: "
                f"pip install 'fastem[parquet]'"
            ) from None
        try:
            return ParquetFile(self.path, buffer_size=BUFFER, pre_buffer=False)
        except ArrowException as error:
            raise ValueError(f"{self.path} is no Parquet file or damaged ({error})") from None

    def _dtype(self, field: Any) -> np.dtype:
        from pyarrow import types

        kind = field.type
        if types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind):
            return np.dtype(kind.to_pandas_dtype())
        raise TypeError(
            f"{self.name} has a column {field.name!r} of type {kind}; give real numbers, or choose "
            f"other columns"
        )

    def _numbers(self, batch: Any, name: str, row: int) -> NDArray:
        """A column of a batch whose first row is that one."""
        column = batch.column(name)
        if column.null_count:
            null = row + int(np.argmax(np.asarray(column.is_null(), dtype=bool)))
            raise ValueError(
                f"{self.name}, row {null}, column {name!r} is null; fill or drop such rows"
            )
        return column.to_numpy(zero_copy_only=False)
