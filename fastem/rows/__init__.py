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

from fastem.rows.blocks import Blocks, converted
from fastem.rows.incomplete import Incomplete, LabelledRows, rows_of
from fastem.rows.memory import AscendingRows, Memory, MemoryRows
from fastem.rows.open import are_of_dask, elsewhere, open, opened, streamed
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
