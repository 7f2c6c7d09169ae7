"""Signals that wait while LLVM puts machine code in its place.

Python runs the handler of a signal between any two of its instructions, those of LLVM's callbacks
too. An exception that is raised there comes out nowhere: LLVM goes on without what the callback was
to give it, and the process crashes, or the signal is lost.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

NAMES = "SIGINT", "SIGTERM", "SIGHUP"


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold signals that have handlers in Python until the end of the block; in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, came, holds = dict[int, Callable[..., Any]](), list[int](), True

    def hold(number: int, frame: Any) -> None:
        if holds:
            came.append(number)
        else:  # an exception has kept the usual handler from being put back
            before[number](number, frame)

    try:
        for name in NAMES:
            number = getattr(signal, name, None)
            handler = None if number is None else signal.getsignal(number)
            if number is not None and callable(handler):
                before[number] = handler
                signal.signal(number, hold)
        yield
    finally:
        holds = False
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)
