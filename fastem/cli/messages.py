"""What a user is told: in one line, on standard streams that may be closed or full."""

from __future__ import annotations

import errno
import os
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

from fastem.atomic import FULL, told

#: The options that stand for arguments of the library.
OPTIONS = {
    "n_components": "--components",
    "covariance_type": "--covariance",
    "criterion": "--criterion",
    "n_init": "--n-init",
    "init": "--init",
    "random_state": "--seed",
    "reg_covar": "--reg-covar",
    "tol": "--tol",
    "max_iter": "--max-iter",
    "noise=True": "--noise",
    "checkpoint_wait=True": "--checkpoint-wait",
    "prior=True": "--prior",
    "skip_rows": "--skip-rows",
    "na_values": "--na-values",
    "member": "--member",
    "raise memory": "raise --memory",
    'missing="drop"': "--missing drop",
    'missing="mar"': "--missing mar",
}
_ARGUMENT = re.compile(rf"\b({'|'.join(OPTIONS)})(?=\W|$)")
#: An argument whose name is a common word is one with a value, or where a message begins with it.
_WORD = re.compile(
    r"\b(columns|na_values|memory)=(\[[^]]*\])?|^(columns|memory|keep)(?=:| is| asks)"
)


class InputError(Exception):
    """Something given cannot be used; the text is one line that says what, and what to do."""


def in_options(text: str) -> str:
    """The library's text with its arguments named as the command line has them."""

    def option(match: re.Match) -> str:
        if match[3]:
            return f"--{match[3]}"
        value = re.sub(r"[\[\]' ]", "", match[2] or "")
        return f"--{match[1].replace('_', '-')}" + (f" {value}" if value else "")

    return _ARGUMENT.sub(lambda match: OPTIONS[match[0]], _WORD.sub(option, text))


def one_line(text: str) -> str:
    """The text without line breaks and other signs that steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))


@contextmanager
def as_input_error(source: str = "") -> Iterator[None]:
    """Turn what the library refuses into an InputError, about `source` if there is one."""
    prefix = f"{source}: " if source else ""
    try:
        yield
    except (ValueError, TypeError, ImportError, EOFError, zlib.error) as error:
        raise InputError(prefix + in_options(str(error))) from error
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise MemoryError(str(error)) from error
        written = error.errno in FULL
        if error.errno == errno.EPIPE or (written and error.filename is None):  # of an output
            raise
        if error.errno and error.filename is None and not source:  # of an input, amid its bytes
            raise
        what = (told(error, source) if source else error).strerror or str(error)
        if error.filename is not None and not source:
            remedy = "" if ";" in what else "; give the path of a file that can"
            verb = "written" if written else "read"
            what = f"{error.filename} cannot be {verb}: {what}{remedy}"
        raise InputError(prefix + in_options(what)) from error


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
    """Have what was printed arrive."""
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
