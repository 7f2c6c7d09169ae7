"""Input that is read piece by piece: Parquet, folders, several files, and what is large."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence

from fastem import rows
from fastem.cli import tables
from fastem.cli.errors import InputError, told
from fastem.cli.tables import Table
from fastem.rows import Streamed
from fastem.rows.disk import PARQUET
from fastem.rows.streaming.budget import memory_of
from fastem.rows.tables.columns import Column

#: Files that take more than this share of the budget of memory are not read whole.
SHARE = 4


def read(
    paths: Sequence[str],
    columns: str | None = None,
    *,
    fitted: Sequence[str] | None = None,
    drop_missing: bool = False,
    memory: str,
) -> Table:
    """Rows of files, in memory if they are those of one that is small, else a source of them.

    Parameters
    ----------
    paths : sequence of str
        Files, folders and patterns with * or ?; `-` is standard input.
    columns, fitted, drop_missing
        As in `fastem.cli.tables.read`. One file is read whole to drop rows, whatever its size.
    memory : str
        The budget, such as 512M.

    Raises
    ------
    InputError
        If there is no such input, or it cannot be used.
    """
    try:
        budget = memory_of(memory)
    except ValueError as error:
        raise InputError(f"--{error}") from None
    if "-" in paths and len(paths) > 1:
        raise InputError("- is standard input and stands alone; give it or files")
    if len(paths) == 1 and not _is_streamed(paths[0], budget, drop_missing):
        return tables.read(paths[0], columns, fitted=fitted, drop_missing=drop_missing)
    if drop_missing:
        raise InputError(
            f"--drop-missing works on one CSV, .npy or .npz file, and {name_of(paths)} is read "
            f"piece by piece; drop such rows before"
        )
    with told():
        source = _opened(paths, columns, fitted, budget)
        source.limits()  # all rows are looked at now: what is wrong with them is told of the input
    numbered = tuple(f"column {j}" for j in range(source.n_features))
    return Table(source, source.names or numbered, source.names is not None)


def name_of(paths: Sequence[str]) -> str:
    """What messages call the input."""
    if list(paths) == ["-"]:
        return "standard input"
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def _opened(
    paths: Sequence[str], columns: str | None, fitted: Sequence[str] | None, budget: int
) -> Streamed:
    """The columns asked for, else those of the model, by their names, else all."""
    if columns is not None:
        return rows.open(paths, _chosen(columns, paths, budget), memory=budget)
    source = rows.open(paths, memory=budget)
    if fitted is not None and source.names is not None and tuple(fitted) != source.names:
        return rows.open(paths, list(fitted), memory=budget)
    return source


def _is_streamed(path: str, budget: int, drop_missing: bool) -> bool:
    if os.path.isdir(path) or (not os.path.exists(path) and glob.has_magic(path)):
        return True
    if path == "-" or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            if file.read(len(PARQUET)) == PARQUET:
                return True
    except OSError:
        return False  # told of where it is read
    return os.path.getsize(path) > budget // SHARE and not drop_missing


def _chosen(spec: str, paths: Sequence[str], budget: int) -> list[Column]:
    """Columns by name or position; only ranges of names need the names of all."""
    chosen: list[Column] = []
    for part in (part.strip() for part in spec.split(",")):
        first, _, last = part.partition(":")
        if part.isdecimal():
            chosen.append(int(part))
        elif first.isdecimal() and last.isdecimal() and int(first) <= int(last):
            chosen += range(int(first), int(last) + 1)
        elif ":" not in part:
            chosen.append(part)
        else:
            source = rows.open(paths, memory=budget)
            found = tables.choose(part, source.names, source.n_features, name_of(paths))
            chosen += found if source.names is None else [source.names[j] for j in found]
    return chosen
