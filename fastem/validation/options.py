"""Options: numbers, words, yes or no."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np


def integer(value: Any, name: str, *, least: int = 1) -> int:
    """A whole number of at least `least`.

    Raises
    ------
    TypeError
        If it is not a whole number.
    ValueError
        If it is too small.
    """
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(
            f"{name} is {value!r} of type {type(value).__name__}; give a whole number"
        ) from None
    if number < least:
        raise ValueError(f"{name} is {number}; it must be at least {least}")
    return number


def real(value: Any, name: str, *, least: float = 0.0) -> float:
    """A finite number of at least `least`.

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it is NaN, infinite or too small.
    """
    try:
        if isinstance(value, str | bytes | bool | np.bool_):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}; give a number of at least {least:g}") from None
    if not (np.isfinite(number) and number >= least):
        raise ValueError(f"{name} is {number}; it must be finite and at least {least:g}")
    return number


def boolean(value: Any, name: str) -> bool:
    """True or False.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} is {value!r}; give True or False")
    return bool(value)


def proportion(value: Any, name: str) -> float:
    """A number between 0 and 1, neither of them.

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it is NaN, at most 0 or at least 1.
    """
    number = real(value, name)
    if not 0 < number < 1:
        raise ValueError(f"{name} is {number:g}; give a number between 0 and 1, such as 0.95")
    return number


def choice(value: Any, name: str, known: Iterable[str]) -> str:
    """One of the known words.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    known = tuple(known)
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} is {value!r}; use one of {', '.join(map(repr, known))}")
    return value


def components(value: Any, n_samples: int, *, name: str = "n_components") -> int:
    """A number of components that so many rows can have.

    Raises
    ------
    TypeError, ValueError
        If it is not a whole number from 1 to n_samples.
    """
    number = integer(value, name)
    if number > n_samples:
        raise ValueError(
            f"{name} is {number} but there are only {n_samples} rows of weight above 0; "
            f"ask for at most as many components as rows"
        )
    return number


def random_state(
    value: int | np.random.Generator | None, name: str = "random_state"
) -> int | np.random.Generator | None:
    """Where chance comes from.

    Raises
    ------
    TypeError, ValueError
        If it is neither a whole number from 0 nor a Generator nor None.
    """
    if value is None or isinstance(value, np.random.Generator):
        return value
    try:
        return integer(value, name, least=0)
    except TypeError:
        raise TypeError(
            f"{name} is {value!r} of type {type(value).__name__}; "
            f"give a whole number, a numpy.random.Generator or None"
        ) from None
