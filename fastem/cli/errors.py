"""What a user is told in one line."""

from __future__ import annotations

import errno
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

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
    "prior=True": "--prior",
    "skip_rows": "--skip-rows",
    "na_values": "--na-values",
    "member": "--member",
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
        if error.errno in (errno.EPIPE, errno.ENOSPC):  # that is of output
            raise
        what = error.strerror or str(error)
        if error.filename is not None and not source:
            what = f"{error.filename} cannot be read: {what}; give the path of a file that can"
        raise InputError(f"{prefix}{what}") from error
