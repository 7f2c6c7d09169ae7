"""Places where rows live. Each decides which blocks meet a density, where and in what order.

source.py      the contract
memory.py      arrays
streaming.py   tables read block by block at every pass, within a budget of memory
  table.py     what is read from the first row to the last
  ahead.py     the next block is read while the present one is worked on
  budget.py    how the budget is written
  disk.py      files: `open`
  columns.py   which columns of a file
  binary.py    .npy, .npz and raw binary
  parquet.py   Parquet (extra: parquet)
  text/        CSV and its kin
  together.py  files one after another, and weights beside rows
  blocks.py    a function that gives blocks
  labels.py    labels written while rows are read
dask.py        arrays and data frames of Dask (extra: dask)
  survey.py    the first look at their chunks
"""

from fastem.rows.blocks import Blocks
from fastem.rows.disk import open, streamed
from fastem.rows.memory import Memory, MemoryRows
from fastem.rows.source import Rows, Source
from fastem.rows.streaming import Streamed

__all__ = [
    "Blocks",
    "Memory",
    "MemoryRows",
    "Rows",
    "Source",
    "Streamed",
    "are_of_dask",
    "open",
    "streamed",
]


def are_of_dask(X: object) -> bool:
    """Whether rows are Dask's, told by the name of their type: Dask itself is slow to import."""
    return type(X).__module__.partition(".")[0] in ("dask", "dask_expr")
