"""Which columns of a file: names and positions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import numpy as np

#: A name, or a position counted from 0.
Column = int | str


def positions(
    columns: Sequence[Column] | None,
    weight: Column | None,
    names: Sequence[str] | None,
    width: int,
    source: str,
    data: Sequence[int] | None = None,
) -> tuple[list[int], int | None]:
    """Where the columns of numbers and that of sample weights are.

    Parameters
    ----------
    columns : sequence of int or str, or None
        None stands for all but that of weights.
    weight : int or str, or None
    names : sequence of str or None
        Of the file's columns, if they have any.
    width : int
        Number of columns in the file.
    source : str
        What messages call the file.
    data : sequence of int, optional
        What all columns are; every one by default.

    Raises
    ------
    TypeError, ValueError
        If there is no such column, one is asked for twice, or none is left.
    """
    at = None if weight is None else position(weight, names, width, source, "sample_weight: ")
    if columns is None:
        chosen = [j for j in (range(width) if data is None else data) if j != at]
    elif isinstance(columns, str | bytes) or not isinstance(columns, Iterable):
        raise TypeError(f"columns is {columns!r}; give a list, such as [{columns!r}]")
    else:
        chosen = [position(column, names, width, source, "columns: ") for column in columns]
    if not chosen:
        raise ValueError(f"no column of {source} is chosen; give at least one in columns")
    twice = [j for j in set(chosen) if chosen.count(j) > 1]
    if twice:
        raise ValueError(f"columns asks for column {twice[0]} of {source} twice; name each once")
    return chosen, at


def position(
    column: Column, names: Sequence[str] | None, width: int, source: str, asked: str = ""
) -> int:
    """Where a column is; messages begin with what asked for it.

    Raises
    ------
    TypeError, ValueError
        If there is no such column, or several have that name.
    """
    if isinstance(column, int | np.integer) and not isinstance(column, bool):
        if not 0 <= column < width:
            raise ValueError(f"{asked}{source} has no column {column}; {_known(names, width)}")
        return int(column)
    if not isinstance(column, str):
        raise TypeError(
            f"{asked}column {column!r} is neither a name nor a position; give one of them"
        )
    if names is None or column not in names:
        close = difflib.get_close_matches(column, names or [], 1)
        known = f"did you mean {close[0]!r}?" if close else _known(names, width)
        raise ValueError(f"{asked}{source} has no column {column!r}; {known}")
    if list(names).count(column) > 1:
        raise ValueError(
            f"{asked}{source} has {list(names).count(column)} columns {column!r}; give positions"
        )
    return list(names).index(column)


def _known(names: Sequence[str] | None, width: int) -> str:
    if names is None:
        return f"its columns have no names; give positions from 0 to {width - 1}"
    return f"it has {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"
