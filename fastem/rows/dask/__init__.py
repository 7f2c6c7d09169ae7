"""Rows of Dask: arrays and data frames in chunks, on this machine or on a cluster (extra: dask).

    density --to every worker--> its chunks --summarise, one thread--> their moments --+
                                 its chunks --summarise, one thread--> their moments --+--> Moments
                                 its chunks --summarise, one thread--> their moments --+

The moments of chunks are computed where the chunks are, by the serial kernel, for a worker has
threads of its own, and all chunks that a thread has to do are one task: a task costs a millisecond,
whatever it does. Moments are added without rounding, in any order: the same chunks give the same
bits on any number of workers, in whatever order they finish and however many of them die meanwhile.
Only densities and sums of moments travel, of K (1 + D + D^2) numbers each, and once the few rows
that restarts race on, in the process that called.

Tasks run where Dask would run them: on the cluster of the `Client` at hand, else by the scheduler
that Dask's configuration names, else on threads of this process, which the kernels use to the full
as they leave Python's lock alone. `Client()` starts a LocalCluster; none is started unasked. Its
processes would run a script anew that does not guard its main part; and to a cluster within this
process Dask sends, pickled, every pass, what rows its graph holds, those of `from_array` and of
`persist` without a client: that took 2.5 times as long as the threads.

Every pass asks Dask for the chunks again. Those that were persisted are there; others are read or
computed anew, by each pass and by three looks at the rows before the first one.

source.py        the contract of a place where rows live
collections.py   what the user gave, as chunks of whole rows, and what a mixture says of each
survey.py        the first look at them
cluster.py       what workers must have, and a scheduler that goes away
placement.py     which chunks are worked on together
chunk.py         what workers make of chunks
sums.py          sums of moments, the same bits in any order
"""

from fastem.rows.dask.collections import lazily
from fastem.rows.dask.source import Dask, DaskRows

__all__ = ["Dask", "DaskRows", "lazily"]
