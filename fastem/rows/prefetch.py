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
from typing import Generic, NamedTuple, TypeVar

#: Buffers beside those of the workers: one is read into while another waits.
SPARE = 2
#: Seconds within which a thread that was started runs, if it ever does.
BEGINS_WITHIN = 1.0

B = TypeVar("B")
F = TypeVar("F")
R = TypeVar("R")


def prefetch(
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
    """
    reading = _Reading(opened, buffers)
    n_workers = len(buffers) - SPARE
    workers = ThreadPoolExecutor(n_workers, "fastem works")
    pending: deque[tuple[Future[R], B]] = deque()
    try:
        reading.start()
        while True:
            while len(pending) <= n_workers and (read := reading.next()) is not None:
                pending.append((workers.submit(work, read.filled), read.buffer))
            if not pending:
                return
            future, buffer = pending.popleft()
            result = future.result()
            reading.give_back(buffer)
            yield result
    finally:
        reading.end()
        workers.shutdown(cancel_futures=True)


class _Read(NamedTuple, Generic[B, F]):
    buffer: B
    filled: F


class _Reading(Generic[B, F]):
    """A thread that fills whatever buffers are empty."""

    def __init__(
        self,
        opened: Callable[[], AbstractContextManager[Callable[[B], F | None]]],
        buffers: Sequence[B],
    ) -> None:
        self._opened = opened
        self._empty: SimpleQueue[B | None] = SimpleQueue()
        self._full: SimpleQueue[_Read[B, F] | BaseException | None] = SimpleQueue()
        for buffer in buffers:
            self._empty.put(buffer)
        self._over = False
        self._begun, self._running = False, threading.Event()
        self._thread = threading.Thread(target=self._run, name="fastem reads", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._begun = True
        self._thread.start()

    def next(self) -> _Read[B, F] | None:
        """The next buffer with what was read into it, None for ever after the last."""
        if self._over:
            return None
        read = self._full.get()
        if isinstance(read, BaseException):
            raise read
        self._over = read is None
        return read

    def give_back(self, buffer: B) -> None:
        """Let a buffer be filled again."""
        self._empty.put(buffer)

    def end(self) -> None:
        """Read no more."""
        self._over = True
        self._empty.put(None)  # wakes a thread that waits for a buffer
        if self._begun and self._thread.ident is None:  # `start` was interrupted on its way
            self._running.wait(BEGINS_WITHIN)
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        self._running.set()
        try:
            with self._opened() as fill:
                while (buffer := self._empty.get()) is not None and not self._over:
                    filled = fill(buffer)
                    self._full.put(None if filled is None else _Read(buffer, filled))
                    if filled is None:
                        return
        except BaseException as error:
            self._full.put(error)
