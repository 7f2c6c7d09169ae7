"""Rows of Dask: arrays and data frames in chunks, on this machine or on a cluster (extra: dask).

    density --to every worker--> chunk --summarise, one thread--> Moments --+--+--> one Moments
                                 chunk --summarise, one thread--> Moments --+  |
                                 chunk --summarise, one thread--> Moments -----+

The moments of a chunk are computed where the chunk is, by the serial kernel, for a worker has
threads of its own, and added in a tree whose shape the number of chunks alone decides: the same
chunks give the same bits on any number of workers, in whatever order they finish and however many
of them die meanwhile. Only densities and moments travel, of K (1 + D + D^2) numbers each, and once
the few rows that restarts race on, in the process that called. (Dask itself may give a worker that
has nothing to do a chunk of another's; it stays there.)

Tasks run where Dask would run them: on the cluster of the `Client` at hand (`Client()` starts a
LocalCluster), else by the scheduler that Dask's configuration names, else on threads of this
process, which the kernels use to the full as they leave Python's lock alone.

Every pass asks Dask for the chunks again. Those that were persisted are there; others are read or
computed anew, by each pass and by three looks at the rows before the first one.

source.py        the contract of a place where rows live
given.py         what the user gave, as chunks of whole rows
survey.py        the first look at them
chunk.py         what workers make of a chunk
predictions.py   what a mixture says of each row, when it is asked for
"""

from fastem.rows.dask.predictions import lazily
from fastem.rows.dask.source import Dask, DaskRows

__all__ = ["Dask", "DaskRows", "lazily"]
