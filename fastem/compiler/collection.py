"""Garbage is not looked for while kernels are compiled: 7 to 11% of the time are saved.

Numba makes millions of objects for a kernel and keeps most of them until it is done, and Python
goes through all of them again and again, for cycles that nothing else refers to.
"""

import gc
from typing import Any

from fastem.compiler.internals import EVENTS

if EVENTS is not None:

    class _Pause(EVENTS.Listener):  # type: ignore[name-defined, misc]
        """From the start of a kernel's compilation to its end; what it calls is compiled within.

        Numba tells of both under its lock, so that no two threads are here at once.
        """

        def __init__(self) -> None:
            self._depth, self._was_on = 0, False

        def on_start(self, event: Any) -> None:
            function = event.data["dispatcher"].py_func
            if self._depth == 0:
                if not function.__module__.startswith("fastem."):
                    return
                self._was_on = gc.isenabled()
                gc.disable()
            self._depth += 1

        def on_end(self, event: Any) -> None:
            if self._depth > 0:
                self._depth -= 1
                if self._depth == 0 and self._was_on:
                    gc.enable()


def pause_collection() -> None:
    """From now on let Python look for no garbage while a kernel is compiled."""
    if EVENTS is not None:
        EVENTS.register("numba:compile", _Pause())
