"""Places where rows live. Each decides which blocks meet a density, where and in what order.

source.py    the contract
memory.py    arrays
digest.py    what tells rows from others
streaming/   tables read block by block at every pass, within a budget of memory
dask/        arrays and data frames of Dask (extra: dask)

tables/      what is streamed: files of each format, and how they are put together
disk.py      files as a user names them: `open`
blocks.py    a function of the user's that gives blocks
labels.py    labels written while rows are read
"""

from typing import Any

from fastem.rows.blocks import Blocks
from fastem.rows.disk import open, streamed
from fastem.rows.memory import Memory, MemoryRows
from fastem.rows.source import Pieces, Rows, Source, Weigh
from fastem.rows.streaming.streamed import Streamed

__all__ = [
    "Blocks",
    "Memory",
    "MemoryRows",
    "Pieces",
    "Rows",
    "Source",
    "Streamed",
    "Weigh",
    "are_of_dask",
    "elsewhere",
    "open",
    "streamed",
]


def elsewhere(X: Any, sample_weight: Any = None) -> Source | None:
    """Where a user's rows live, if that is not an array: files, blocks or Dask's chunks.

    Raises
    ------
    TypeError, ValueError, OSError
        If they are not finite numbers, cannot be read, or bring weights of their own.
    """
    if are_of_dask(X):
        from fastem.rows.dask import Dask

        return Dask.of(X, sample_weight)
    return streamed(X, sample_weight)


def are_of_dask(X: object) -> bool:
    """Whether rows are Dask's, told by the name of their type: Dask itself is slow to import."""
    return type(X).__module__.partition(".")[0] in ("dask", "dask_expr")
