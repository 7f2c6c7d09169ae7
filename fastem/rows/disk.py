"""Rows in files: which format a file has, and how it is opened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fastem.rows.binary import npy
from fastem.rows.budget import DEFAULT_MEMORY, memory_of
from fastem.rows.streamed import Streamed

Paths = str | os.PathLike | Sequence[str | os.PathLike]


def open(
    path: Paths,
    columns: Sequence[int | str] | None = None,
    *,
    memory: int | str = DEFAULT_MEMORY,
) -> Streamed:
    """Rows of files, read block by block at every pass, as many as there may be.

    `fastem.fit`, `fastem.select` and what else takes rows take what this returns, and a path as
    well. Results are those of the same rows in memory, to the bit.

    Parameters
    ----------
    path : path or sequence of paths
        .npy
    columns : sequence of int or str, optional
        Which columns, in this order: positions counted from 0, or names where the file has some.
        All of them by default.
    memory : int or str, default "256M"
        Bytes that reading and working on the rows may take, at any number of rows. Where the rows
        take no more than a quarter of it they are kept.

    Returns
    -------
    Streamed

    Raises
    ------
    OSError
        If a file cannot be read.
    TypeError, ValueError
        If it is not a table of real numbers, or there is no such column.
    """
    budget = memory_of(memory)
    paths = [Path(path)] if is_path(path) else [Path(one) for one in path]  # type: ignore
    if len(paths) != 1:
        raise NotImplementedError("several files")
    return Streamed(npy(paths[0], columns), budget)


def is_path(value: object) -> bool:
    """Whether it names a file."""
    return isinstance(value, str | os.PathLike)


def are_paths(value: object) -> bool:
    """Whether it names a file or several."""
    several = isinstance(value, list | tuple) and bool(value) and all(map(is_path, value))
    return several or is_path(value)
