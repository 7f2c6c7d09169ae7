"""Which columns are meant: names, positions counted from 0, and ranges of either."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

#: A position, a name, or a range of either with both ends, such as "a:c".
Column = int | str


def positions(
    columns: Iterable[Column],
    names: Sequence[str] | None,
    width: int,
    owner: str,
    asked: str = "columns",
) -> list[int]:
    """Where columns are.

    A text is a name if there is such a column, else a range, else a position.

    Parameters
    ----------
    columns : iterable of int or str
    names : sequence of str or None
        Of all columns, if they have any.
    width : int
        Number of columns.
    owner, asked : str
        What messages call what has the columns, and the argument.
    """
    if isinstance(columns, str | bytes) or not np.iterable(columns):
        raise TypeError(f"{asked} is {columns!r}; give a list, such as [{columns!r}]")
    chosen: list[int] = []
    for column in columns:
        first, colon, last = str(column).partition(":")
        if colon and not (names and column in names):
            low, high = (position(end.strip(), names, width, owner, asked) for end in (first, last))
            if low > high:
                raise ValueError(f"{asked}: {column} runs backwards; write {last}:{first}")
            chosen += range(low, high + 1)
        else:
            chosen.append(position(column, names, width, owner, asked))
    if not chosen:
        raise ValueError(f"{asked}: no column of {owner} is chosen; give at least one in {asked}")
    if len(set(chosen)) < len(chosen):
        twice = next(j for j in chosen if chosen.count(j) > 1)
        raise ValueError(f"{asked} asks for column {twice} of {owner} twice; name each once")
    return chosen


def column_numbers(
    columns: Column | Iterable[Column], names: Sequence[str] | None, width: int, owner: str
) -> NDArray[np.intp]:
    """Where a single column is, or several are, as `positions` takes them."""
    several = (
        columns if isinstance(columns, Iterable) and not isinstance(columns, str) else [columns]
    )
    return np.array(positions(several, names, width, owner), np.intp)


def position(
    column: Column, names: Sequence[str] | None, width: int, owner: str, asked: str = "columns"
) -> int:
    """Where one column is."""
    if isinstance(column, str):
        if names is not None and column and column in names:
            if list(names).count(column) > 1:
                raise ValueError(
                    f"{asked}: {owner} has {list(names).count(column)} columns {column!r}; "
                    f"give positions"
                )
            return list(names).index(column)
        if not column.isdecimal() or int(column) >= width:
            close = difflib.get_close_matches(column, names or [], 1)
            known = f"did you mean {close[0]!r}?" if close else _known(names, width)
            raise ValueError(f"{asked}: {owner} has no column {column!r}; {known}")
        return int(column)
    if not isinstance(column, int | np.integer) or isinstance(column, bool):
        raise TypeError(
            f"{asked}: column {column!r} is neither a name nor a position; give one of them"
        )
    if not 0 <= column < width:
        raise ValueError(f"{asked}: {owner} has no column {column}; {_known(names, width)}")
    return int(column)


def feature_names_for(names: Iterable[str], n_features: int) -> tuple[str, ...]:
    """Names of so many columns."""
    if isinstance(names, str) or not np.iterable(names):
        raise TypeError(f"feature_names is {names!r}; give a list of texts")
    found = tuple(names)
    if not all(isinstance(name, str) for name in found):
        raise TypeError(f"feature_names is {list(found)!r}; give texts")
    if len(found) != n_features or len(set(found)) < n_features:
        raise ValueError(
            f"feature_names is {list(found)!r}; give each of the {n_features} columns its own"
        )
    return tuple(map(str, found))


def called(names: Sequence[str] | None, n_columns: int) -> list[str]:
    """What reports call columns: by their names, or by numbers where they have none."""
    return [printable(names[j] if names else "") or f"column {j}" for j in range(n_columns)]


def printable(name: str) -> str:
    """A name without signs that steer a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name)


def ranges(chosen: Sequence[int]) -> list[Column]:
    """Positions as `positions` takes them, runs of them as ranges: ["0:3", 5]."""
    groups: list[list[int]] = []
    for j in chosen:
        if groups and j == groups[-1][-1] + 1:
            groups[-1].append(j)
        else:
            groups.append([j])
    return [f"{group[0]}:{group[-1]}" if len(group) > 1 else group[0] for group in groups]


def _known(names: Sequence[str] | None, width: int) -> str:
    if names is None:
        return f"its columns have no names; give positions from 0 to {width - 1}"
    return f"it has {', '.join(map(printable, names[:12]))}{', ...' if len(names) > 12 else ''}"
