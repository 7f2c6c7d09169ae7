"""Files to write: all of them whole, or none of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from fastem.atomic import beside, whole
from fastem.cli.errors import InputError

T = TypeVar("T")


class Outputs:
    """The files that a command is to write, found writable before its work begins.

    Each is written beside its place. Leaving the `with` block renames them all; if an exception
    leaves it, they are taken away.

    Parameters
    ----------
    paths : mapping of str to str or None
        Each option and the path given to it.
    sources : str
        Files read, which must not be overwritten.

    Raises
    ------
    InputError
        If a path cannot be written, or is given twice.
    """

    def __init__(self, paths: Mapping[str, str | None], *sources: str) -> None:
        self._targets = {o: _target(p) for o, p in paths.items() if p is not None}
        self._parts = ExitStack()
        taken = {Path(os.path.realpath(path)): path for path in sources}
        for option, target in self._targets.items():
            given = str(paths[option])
            if target in taken:
                raise InputError(f"{option} {given} is {taken[target]} as well; give another name")
            taken[target] = option
            with _written(option, given):
                _check(target)

    def write(self, option: str, write: Callable[[Path], T]) -> T | None:
        """Have the option's file written beside its place, if it was asked for."""
        if option not in self._targets:
            return None
        target = self._targets[option]
        with _written(option, str(target)):
            special = _is_special(target)
            return write(target if special else self._parts.enter_context(whole(target)))

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


def _target(path: str) -> Path:
    """Where the output goes. A link stays a link: what it points to is replaced."""
    return Path(path) if _is_special(Path(path)) else Path(os.path.realpath(path))


def _check(target: Path) -> None:
    """Write nothing, but find out whether one could."""
    if target.is_dir():
        raise IsADirectoryError(None, "it is a directory")
    if _is_special(target):
        return
    if not target.parent.is_dir():
        raise FileNotFoundError(None, "its directory does not exist")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(None, "it is write-protected")
    part = beside(target)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    part.unlink()


def _is_special(target: Path) -> bool:
    """Whether it is a device or a pipe, which must not be replaced."""
    return target.exists() and not target.is_file()


@contextmanager
def _written(option: str, path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        path = error.filename2 or path  # the one that a file could not be renamed to
        raise InputError(
            f"{option} {path} cannot be written: {why}; give a path where you can write"
        ) from error
