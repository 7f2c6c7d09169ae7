"""What a user is told in one line."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fastem.rows.tables.text import TextError

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


@contextmanager
def told(source: str = "") -> Iterator[None]:
    """Turn what the library refuses into an InputError, about `source` if there is one."""
    prefix = f"{source}: " if source else ""
    try:
        yield
    except TextError as error:
        raise InputError(_in_words(error)) from error
    except (ValueError, TypeError, ImportError, EOFError, zlib.error) as error:
        raise InputError(prefix + in_options(str(error))) from error
    except OSError as error:
        raise InputError(f"{prefix}{error.strerror or error}") from error


def _in_words(error: TextError) -> str:
    """What is wrong with a text file, its remedy an option."""
    if error.columns is None:
        return f"{error.what}; {error.remedy}"
    return f"{error.what}; {error.remedy} with --columns {_ranges(error.columns)}"


def _ranges(columns: Sequence[int]) -> str:
    """Positions as --columns takes them, such as 0:3,5."""
    groups: list[list[int]] = []
    for j in columns:
        if groups and j == groups[-1][-1] + 1:
            groups[-1].append(j)
        else:
            groups.append([j])
    return ",".join(f"{g[0]}:{g[-1]}" if len(g) > 1 else str(g[0]) for g in groups)
