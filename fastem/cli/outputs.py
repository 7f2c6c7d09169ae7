"""Files to write: all of them whole, or none of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from fastem.atomic import beside, is_special, told, whole
from fastem.cli.messages import InputError

#: The path of standard output.
STANDARD_OUTPUT = "-"

#: Has an option's file written by a function beside its place, if it was asked for.
Write = Callable[[str, Callable[[Any], Any]], Any]


@contextmanager
def outputs(paths: Mapping[str, str | None], *sources: str) -> Iterator[Write]:
    """What writes the files that a command is to write, found writable before its work begins.

    Each is written beside its place. Leaving the `with` block renames them all; if an exception
    leaves it, they are taken away. `paths` has the path given to each option, if any; `sources` are
    read and must not be overwritten.
    """
    asked = {option: path for option, path in paths.items() if path is not None}
    taken = [(path, path) for path in sources]
    for option, path in asked.items():
        if path == STANDARD_OUTPUT:
            continue
        with _written(option, path):
            for other, called in taken:
                if _are_same(path, other):
                    raise InputError(f"{option} {path} is {called} as well; give another name")
            _check(path)
        taken.append((path, option))
    parts = ExitStack()

    def write(option: str, write: Callable[[Any], Any]) -> Any:
        if option not in asked:
            return None
        with _written(option, asked[option]):
            if asked[option] != STANDARD_OUTPUT:
                return write(parts.enter_context(whole(asked[option])))
            if sys.stdout is None:
                raise InputError(f"standard output is closed; give {option} a file")
            return write(sys.stdout)

    try:
        yield write
    except BaseException:
        with _written("output", "files"):
            parts.__exit__(*sys.exc_info())
        raise
    try:
        parts.close()
    except OSError as error:
        path = str(error.filename)
        options = {path: option for option, path in asked.items()}
        with _written(options.get(path, "output"), path):
            raise


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
