"""The budget of memory: how it is written."""

from __future__ import annotations

import re

#: What reading takes, at most, unless told otherwise.
DEFAULT_MEMORY = "256M"
#: Less than this is no use to anybody.
LEAST = 2**20
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def memory_of(value: int | str) -> int:
    """Bytes: a number of them, or a text such as 512M or 2G, in powers of 1024.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or less than 1M.

    Examples
    --------
    >>> memory_of("256M")
    268435456
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"memory is {value!r}; give a number of bytes or a text such as '512M'")
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9.]+)\s*([KMGT]?)(I?B)?\s*", value.upper())
        try:
            assert match
            value = int(float(match[1]) * _UNITS[match[2]])
        except (AssertionError, ValueError):
            raise ValueError(
                f"memory is {value!r}; give a number of bytes or a text such as '512M'"
            ) from None
    if value < LEAST:
        raise ValueError(f"memory is {value} bytes; give at least {LEAST}, such as '256M'")
    return value
