"""What a user is told in one line."""

from __future__ import annotations

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
    "prior=True": "--prior",
}
_ARGUMENT = re.compile(rf"\b({'|'.join(OPTIONS)})\b")


class InputError(Exception):
    """Something given cannot be used; the text is one line that says what, and what to do."""


def in_options(text: str) -> str:
    """The library's text with its arguments named as the command line has them."""
    return _ARGUMENT.sub(lambda match: OPTIONS[match[0]], text)


def one_line(text: str) -> str:
    """The text without line breaks and other signs that steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))


def shown(value: str) -> str:
    """A value from a file, fit for one line."""
    return repr(value if len(value) <= 40 else value[:37] + "...")


@contextmanager
def told(source: str = "") -> Iterator[None]:
    """Turn what the library refuses into an InputError, about `source` if there is one."""
    prefix = f"{source}: " if source else ""
    try:
        yield
    except (ValueError, TypeError, ImportError, EOFError, zlib.error) as error:
        raise InputError(prefix + in_options(str(error))) from error
    except OSError as error:
        raise InputError(f"{prefix}{error.strerror or error}") from error
