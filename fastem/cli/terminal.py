"""What is said to whoever is there to read it: standard output and error may be closed or full."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

from fastem.cli.errors import one_line


def note(notes: Iterable[str]) -> None:
    """What a user should know, on standard error."""
    for note in notes:
        complain(f"note: {note}")


def complain(text: str) -> None:
    """One line on standard error."""
    _print(f"fastem: {one_line(text)}", sys.stderr)


def say(text: str, *, aside: bool = False) -> None:
    """Print, with signs that the terminal lacks replaced; aside where output is for programs."""
    stream = sys.stderr if aside else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.replace("±", "+-").replace("…", "~")
        text = text.encode(encoding, "replace").decode(encoding)
    if not text or stream is None:
        return
    if aside:
        _print(text, stream)
    else:
        print(text)


@contextmanager
def flushed() -> Iterator[None]:
    """Have what was printed arrive.

    Raises
    ------
    OSError
        If it cannot.
    """
    try:
        yield
    finally:
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError:
            # Python flushes once more at its end, and would complain.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise


def is_watched() -> bool:
    """Whether progress can be shown: on a terminal, with tqdm."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    return terminal and find_spec("tqdm") is not None


def hold_descriptors() -> None:
    """Let no file that is opened later take the place of a standard stream that is closed."""
    with suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(descriptor, True)
        os.close(descriptor)


def _print(text: str, stream: Any) -> None:
    """Print where there is a stream, and somebody behind it."""
    if stream is not None:
        with suppress(OSError, ValueError):
            print(text, file=stream, flush=True)
