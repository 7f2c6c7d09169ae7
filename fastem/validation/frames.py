"""Tables in memory: data frames of any library and structured arrays, as numbers with names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem.validation.column_choice import Column, positions


def feature_names(X: Any) -> tuple[str, ...] | None:
    """The names of a table's columns, if all of them are texts."""
    names = _names(X)
    return tuple(names) if names and all(isinstance(name, str) for name in names) else None


def chosen_columns(X: Any, columns: Iterable[Column] | None, name: str = "X") -> Any:
    """Some columns of a table or an array; all of them where columns is None."""
    if columns is None:
        return X
    if _names(X) is None:
        array = np.asarray(X)
        if array.ndim != 2:
            raise ValueError(f"columns is given, but {name} has shape {array.shape}; give a table")
        return array[:, positions(columns, None, array.shape[1], name)]
    names = list(map(str, _names(X) or ()))
    return Columns(X, positions(columns, names, len(names), name))


class Columns:
    """Some columns of a table.

    Parameters
    ----------
    table : data frame or structured array
    numbers : sequence of int
        Which, from 0.
    """

    def __init__(self, table: Any, numbers: Sequence[int]) -> None:
        self.table, self.numbers = table, numbers
        self.columns = [(_names(table) or [])[j] for j in numbers]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.table)


def is_table(X: Any) -> bool:
    """Whether X has columns with names, and is not Dask's."""
    return _names(X) is not None and not hasattr(X, "dask")


def numbers_of(X: Any, name: str) -> NDArray:
    """A table as an array (n_rows, n_columns) of real numbers; NaN where a value is missing."""
    if isinstance(X, np.ndarray):
        fields = list(X.dtype.names or ())
        raise TypeError(
            f"{name} is a structured array with the fields {', '.join(fields)}; say which hold the "
            f"data, such as columns={fields[:2]}"
        )
    table, numbers = (X.table, X.numbers) if isinstance(X, Columns) else (X, None)
    names = _names(table) or []
    taken = [_column(table, j, names[j], name) for j in (numbers or range(len(names)))]
    if not taken:
        return np.empty((len(table), 0))
    return np.stack(taken, axis=1)


def _names(X: Any) -> list | None:
    """Names as a table has them: of pandas, polars, Arrow or NumPy."""
    if isinstance(X, np.ndarray):
        return None if X.dtype.names is None else list(X.dtype.names)
    found: Any = getattr(X, "column_names", getattr(X, "columns", None))
    is_named = isinstance(found, Iterable) and not isinstance(found, str)
    return list(found) if is_named and not callable(found) else None


def _column(table: Any, j: int, column: Any, name: str) -> NDArray:
    """One column as numbers."""
    held = _values(table, j)
    if held.dtype.kind == "O":
        missing = np.array([value is None or _is_na(value) for value in held], dtype=bool)
        held = np.where(missing, np.nan, held)
        try:
            held = held.astype(np.float64)
        except (TypeError, ValueError):
            first = next(v for v in held if not isinstance(v, int | float | np.number))
            raise TypeError(
                f"{name} column {column!r} holds {first!r}; give numbers, not text or dates"
            ) from None
    if held.dtype.kind == "c":
        raise TypeError(f"{name} column {column!r} is complex ({held.dtype}); give real numbers")
    if held.dtype.kind not in "fiub":
        raise TypeError(
            f"{name} column {column!r} has dtype {held.dtype}; give numbers, not text or dates"
        )
    return held


def _values(table: Any, j: int) -> NDArray:
    """What a library has in one column."""
    if isinstance(table, np.ndarray):
        return np.asarray(table[table.dtype.names[j]])  # type: ignore[index]
    if hasattr(table, "iloc"):
        column = table.iloc[:, j]
        if not isinstance(column.dtype, np.dtype) and getattr(column.dtype, "kind", "") in "fiub":
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        return column.to_numpy()
    return np.asarray(table.to_series(j) if hasattr(table, "to_series") else table.column(j))


def _is_na(value: Any) -> bool:
    """Whether a value is one of pandas' that stand for nothing; they equal nothing."""
    return type(value).__name__ in ("NAType", "NaTType") or (
        isinstance(value, float | np.floating) and value != value
    )
