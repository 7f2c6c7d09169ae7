"""Options: numbers, words, yes or no, columns, paths, and things of the package's own."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def integer(value: Any, name: str, *, least: int | None = 1) -> int:
    """A whole number of at least `least`, if there is such a bound."""
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(
            f"{name} is {value!r} of type {type(value).__name__}; give a whole number"
        ) from None
    if least is not None and number < least:
        raise ValueError(f"{name} is {number}; it must be at least {least}")
    return number


def real(value: Any, name: str, *, least: float = 0.0) -> float:
    """A finite number of at least `least`."""
    number = _number(value, name, f"a number of at least {least:g}")
    if not (np.isfinite(number) and number >= least):
        raise ValueError(f"{name} is {number}; it must be finite and at least {least:g}")
    return number


def boolean(value: Any, name: str) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} is {value!r}; give True or False")
    return bool(value)


def proportion(value: Any, name: str) -> float:
    """A number between 0 and 1, neither of them."""
    number = _number(value, name, "a number between 0 and 1, such as 0.95")
    if not 0 < number < 1:
        raise ValueError(f"{name} is {number:g}; give a number between 0 and 1, such as 0.95")
    return number


def share(value: Any, name: str, *, slack: float = 0.0) -> float:
    """A number from 0 to 1; what is beyond them by no more than `slack` is cut off."""
    number = _number(value, name, "a number from 0 to 1")
    if not -slack <= number <= 1 + slack:
        raise ValueError(f"{name} is {number:g}; give a number from 0 to 1")
    return min(max(number, 0.0), 1.0)


def choice(value: Any, name: str, known: Iterable[str]) -> str:
    """One of the known words."""
    known = tuple(known)
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} is {value!r}; use one of {', '.join(map(repr, known))}")
    return value


def components(value: Any, n_samples: int, *, name: str = "n_components") -> int:
    """A number of components that so many rows can have."""
    number = integer(value, name)
    if number > n_samples:
        raise ValueError(
            f"{name} is {number} but there are only {n_samples} rows of weight above 0; "
            f"ask for at most as many components as rows"
        )
    return number


def random_state(
    value: int | np.random.Generator | np.random.RandomState | None, name: str = "random_state"
) -> int | np.random.Generator | None:
    """Where chance comes from."""
    if value is None or isinstance(value, np.random.Generator):
        return value
    if isinstance(value, np.random.RandomState):
        # A number drawn from it seeds a Generator: so it moves on, and a copy gives the same.
        return np.random.default_rng(value.randint(0, 2**32, 4, np.uint32))
    try:
        return integer(value, name, least=0)
    except TypeError:
        raise TypeError(
            f"{name} is {value!r} of type {type(value).__name__}; "
            f"give a whole number, a RandomState, a numpy.random.Generator or None"
        ) from None


def listed(value: Any, name: str) -> list[Any]:
    """What is in a list, tuple or the like, of which there is something."""
    if isinstance(value, str | bytes) or not np.iterable(value):
        raise TypeError(f"{name} is {value!r}; give a list")
    found = list(value)
    if not found:
        raise ValueError(f"{name} is empty; give at least one")
    return found


def instance(value: Any, name: str, kind: type[T], wanted: str) -> T:
    """An object of a class."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} is of type {type(value).__name__}; give {wanted}")
    return value


def path(value: Any, name: str) -> str:
    """The path of a file."""
    found = os.fspath(value) if isinstance(value, str | os.PathLike) else value
    if not isinstance(found, str):
        raise TypeError(f"{name} is {value!r}; give the path of a file")
    if not found or "\0" in found:
        raise ValueError(f"{name} is {found!r}, which no file can be called; give another path")
    return found


def _number(value: Any, name: str, wanted: str) -> float:
    """A number, maybe NaN or infinite."""
    try:
        if isinstance(value, str | bytes | bool | np.bool_):
            raise TypeError
        return float(value)
    except OverflowError:
        return np.inf
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}; give {wanted}") from None
