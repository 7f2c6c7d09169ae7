"""Reading ahead: a thread that fills the next buffers while the present one is worked on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from queue import SimpleQueue
from typing import TypeVar

B = TypeVar("B")
R = TypeVar("R")


def ahead(
    opened: Callable[[], AbstractContextManager[Callable[[B], R | None]]], buffers: Sequence[B]
) -> Generator[R, None, None]:
    """What is read into each buffer in turn; it is filled anew once the next one is asked for.

    Close the generator (`contextlib.closing`): that ends the thread.

    Parameters
    ----------
    opened : callable
        Makes, in the thread, a context manager of a function that fills a buffer and returns what
        is in it, or None at the end.
    buffers : sequence
        Two or more.

    Raises
    ------
    BaseException
        Whatever reading raised, when its turn comes.
    """
    empty: SimpleQueue[B] = SimpleQueue()
    full: SimpleQueue[tuple[B | None, R | None, BaseException | None]] = SimpleQueue()
    for buffer in buffers:
        empty.put(buffer)
    over = threading.Event()

    def work() -> None:
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

    thread = threading.Thread(target=work, name="fastem reads ahead", daemon=True)
    try:
        thread.start()
        while True:
            used, filled, error = full.get()
            if error is not None:
                raise error
            if used is None or filled is None:
                return
            yield filled
            empty.put(used)
    finally:
        over.set()
        empty.put(buffers[0])  # wakes a thread that waits for one
        if thread.ident is not None:
            thread.join()
