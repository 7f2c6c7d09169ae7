"""Places where rows live. Each decides which blocks meet a density, where and in what order.

open.py      files as a user names them: the one reader
blocks.py    a function of the user's that gives blocks; large arrays of integers and the like
stream.py    rows read block by block at every pass
passes.py    one such pass, within a budget of memory, and what the first one finds
dask/        arrays and data frames of Dask (extra: dask)
memory.py    arrays
incomplete.py  arrays of rows that lack columns, or of known components
with_seen.py   rows, and the moments of others that were seen before
source.py    the contract of these places
digest.py    what tells rows from others

frame.py     which columns of which files, one after another, with weights or without; those of
             files that are slow to read are copied once
reader.py    one pass over them, checked
missing.py   what stands for a missing value, and what becomes of its row
formats/     a file a format
files.py     which files are meant, and bytes that can be read again
prefetch.py  what is read next while threads work on the present
labels.py    labels written while rows are read
"""

from typing import Any

from fastem import validation
from fastem.rows.blocks import Blocks, converted
from fastem.rows.incomplete import Incomplete, LabelledRows, rows_of
from fastem.rows.memory import AscendingRows, Memory, MemoryRows
from fastem.rows.open import open, opened, streamed
from fastem.rows.source import Pieces, Rows, RowsLike, Source, Weigh
from fastem.rows.stream import Stream
from fastem.rows.with_seen import RowsWithSeen

__all__ = [
    "AscendingRows",
    "Blocks",
    "Incomplete",
    "LabelledRows",
    "Memory",
    "MemoryRows",
    "Pieces",
    "Rows",
    "RowsLike",
    "RowsWithSeen",
    "Source",
    "Stream",
    "Weigh",
    "are_of_dask",
    "converted",
    "elsewhere",
    "open",
    "opened",
    "rows_of",
    "streamed",
]


def elsewhere(
    X: Any, sample_weight: Any = None, names: Any = None, missing: str = "error", **how: Any
) -> Source | None:
    """Where a user's rows live, if that is not an array: files, blocks or Dask's chunks.

    Names are those of a model's columns, and the others arguments of `open`.
    """
    if are_of_dask(X):
        from fastem.rows.dask import Dask

        validation.choice(missing, "missing", validation.MISSING)
        for name, value in {**how, "missing": missing if missing == "drop" else None}.items():
            if value is not None:
                raise TypeError(f"{name} is given beside Dask's rows; choose or drop by Dask")

        return Dask.of(X, sample_weight, missing)
    return streamed(X, sample_weight, names, missing, **how)


def are_of_dask(X: object) -> bool:
    """Whether rows are Dask's, told by the name of their type: Dask itself is slow to import."""
    return type(X).__module__.partition(".")[0] in ("dask", "dask_expr")
