"""Files to write: all of them whole, or none of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from fastem.atomic import beside, is_special, told, whole
from fastem.cli.messages import InputError

#: The path of standard output.
STANDARD_OUTPUT = "-"

T = TypeVar("T")


class Outputs:
    """The files that a command is to write, found writable before its work begins.

    Each is written beside its place. Leaving the `with` block renames them all; if an exception
    leaves it, they are taken away. `paths` has the path given to each option, if any; `sources` are
    read and must not be overwritten.
    """

    def __init__(self, paths: Mapping[str, str | None], *sources: str) -> None:
        self._paths = {option: path for option, path in paths.items() if path is not None}
        self._parts = ExitStack()
        taken = [(path, path) for path in sources]
        for option, path in self._paths.items():
            if path == STANDARD_OUTPUT:
                continue
            with _written(option, path):
                for other, called in taken:
                    if _are_same(path, other):
                        raise InputError(f"{option} {path} is {called} as well; give another name")
                _check(path)
            taken.append((path, option))

    def write(self, option: str, write: Callable[[Any], T]) -> T | None:
        """Have the option's file written beside its place, if it was asked for."""
        if option not in self._paths:
            return None
        path = self._paths[option]
        with _written(option, path):
            if path == STANDARD_OUTPUT:
                if sys.stdout is None:
                    raise InputError(f"standard output is closed; give {option} a file")
                return write(sys.stdout)
            return write(self._parts.enter_context(whole(path)))

    def __enter__(self) -> Outputs:
        """Self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Put what was written in its place, or take it away."""
        with _written("output", "files"):
            self._parts.__exit__(kind, error, traceback)


def _are_same(path: str, other: str) -> bool:
    """Whether two paths lead to one file, by links of any kind."""
    if os.path.realpath(path) == os.path.realpath(other):
        return not os.path.exists(path) or not is_special(path)
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def _check(path: str) -> None:
    """Write nothing, but find out whether one could."""
    if is_special(path):
        return
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(None, "its directory does not exist")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(None, "it is write-protected")
    part = beside(target)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    part.unlink()


@contextmanager
def _written(option: str, path: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        path = error.filename2 or path  # the one that a file could not be renamed to
        what = told(error, path).strerror
        raise InputError(f"{option} {path} cannot be written: {what}") from error
