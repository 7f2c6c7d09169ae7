"""Blocks of rows worked on by threads, while the next ones are read.

    reader --filled--> main --> workers, a block each --> main, in the order of the blocks
      ^                                                    |
      +---------------------empty--------------------------+

Each worker takes the serial kernel over a block of its own. Threads that shared a block would wait
for each other, and for the reader whose core they need, at the end of every one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

#: Buffers beside those of the workers: one is read into while another waits.
SPARE = 2

B = TypeVar("B")
F = TypeVar("F")
R = TypeVar("R")


def prefetch(
    opened: Callable[[], AbstractContextManager[Callable[[B], F | None]]],
    buffers: Sequence[B],
    work: Callable[[F], R],
) -> Generator[R, None, None]:
    """What a function makes of everything that is read, in order.

    Close the generator (`contextlib.closing`): that ends the threads. What reading or working has
    raised is raised when its turn comes.

    Parameters
    ----------
    opened : callable
        Makes a context manager, entered and left in the reader's thread, of a function that fills a
        buffer and returns what is in it, or None at the end.
    buffers : sequence
        `SPARE` more than there are to be workers.
    work : callable
        What it returns is no longer bound to the buffer.
    """
    n_workers = len(buffers) - SPARE
    reader, entered = ThreadPoolExecutor(1, "fastem reads"), ExitStack()
    workers = ThreadPoolExecutor(n_workers, "fastem works")
    reads: deque[tuple[Future[F | None], B]] = deque()
    works: deque[tuple[Future[R], B]] = deque()
    ended, failed = False, None
    try:
        fill = reader.submit(entered.enter_context, opened()).result()
        reads.extend((reader.submit(fill, buffer), buffer) for buffer in buffers)
        while True:
            while not ended and len(works) <= n_workers:
                read, buffer = reads.popleft()
                failed = read.exception()
                filled = None if failed else read.result()
                if filled is None:
                    ended = True
                else:
                    works.append((workers.submit(work, filled), buffer))
            if not works:
                if failed:
                    raise failed
                return
            worked, buffer = works.popleft()
            result = worked.result()
            if not ended:
                reads.append((reader.submit(fill, buffer), buffer))
            yield result
    finally:
        for read, _ in reads:
            read.cancel()
        reader.submit(entered.close)
        reader.shutdown()
        workers.shutdown(cancel_futures=True)
