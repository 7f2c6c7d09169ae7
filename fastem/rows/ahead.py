"""Blocks of rows worked on by threads, while the next ones are read.

    reader --full--> main --> workers, a block each --> main, in the order of the blocks
      ^                                                  |
      +--------------------empty-------------------------+

Each worker takes the serial kernel over a block of its own. Threads that shared a block would wait
for each other, and for the reader whose core they need, at the end of every one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from queue import SimpleQueue
from typing import TypeVar

#: Buffers beside those of the workers: one is read into while another waits.
SPARE = 2

B = TypeVar("B")
F = TypeVar("F")
R = TypeVar("R")


def ahead(
    opened: Callable[[], AbstractContextManager[Callable[[B], F | None]]],
    buffers: Sequence[B],
    work: Callable[[F], R],
) -> Generator[R, None, None]:
    """What a function makes of everything that is read, in order.

    Close the generator (`contextlib.closing`): that ends the threads.

    Parameters
    ----------
    opened : callable
        Makes, in the reader's thread, a context manager of a function that fills a buffer and
        returns what is in it, or None at the end.
    buffers : sequence
        `SPARE` more than there are to be workers.
    work : callable
        What it returns is no longer bound to the buffer.

    Raises
    ------
    BaseException
        Whatever reading or working raised, when its turn comes.
    """
    empty: SimpleQueue[B] = SimpleQueue()
    full: SimpleQueue[tuple[B | None, F | None, BaseException | None]] = SimpleQueue()
    for buffer in buffers:
        empty.put(buffer)
    over = threading.Event()

    def read() -> None:
        try:
            with opened() as fill:
                while True:
                    buffer = empty.get()
                    if over.is_set():
                        return
                    filled = fill(buffer)
                    full.put((buffer, filled, None))
                    if filled is None:
                        return
        except BaseException as error:
            full.put((None, None, error))

    reader = threading.Thread(target=read, name="fastem reads", daemon=True)
    n_workers = len(buffers) - SPARE
    workers = ThreadPoolExecutor(n_workers, "fastem works")
    pending: deque[tuple[Future[R], B]] = deque()
    ended = False
    try:
        reader.start()
        while pending or not ended:
            if not ended and len(pending) <= n_workers:
                used, filled, error = full.get()
                if error is not None:
                    raise error
                if used is None or filled is None:
                    ended = True
                else:
                    pending.append((workers.submit(work, filled), used))
                continue
            future, used = pending.popleft()
            result = future.result()
            empty.put(used)
            yield result
    finally:
        over.set()
        empty.put(buffers[0])  # wakes a reader that waits for one
        if reader.ident is not None:
            reader.join()
        workers.shutdown(cancel_futures=True)
