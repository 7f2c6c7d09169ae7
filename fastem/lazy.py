"""lazy: an attribute that is computed when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class lazy(Generic[T]):
    """A method of no arguments as an attribute, computed once for each object.

    `functools.cached_property` of Python before 3.12 holds a lock while it computes. A process
    forked meanwhile by another thread would wait for that lock for ever. Here two threads may both
    compute the value, and either is kept: so the method must always give the same.

    Parameters
    ----------
    method : function
        Of the object alone.
    """

    def __init__(self, method: Callable[[Any], T]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> T:
        if instance is None:
            return self  # type: ignore[return-value]  # the class's attribute, for documentation
        # The object's own dictionary is looked up before this comes into play again.
        value = instance.__dict__[self._name] = self._method(instance)
        return value
