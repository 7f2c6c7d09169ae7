"""Classes of rows as users give them, some unknown."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Target(NamedTuple):
    """What class each row is of.

    Parameters
    ----------
    classes : (n_classes,) ndarray
        Sorted.
    codes : (n,) intp
        The number of each row's class; -1 where that is unknown.
    """

    classes: NDArray
    codes: NDArray[np.intp]

    @classmethod
    def of(cls, y: Any, n: int) -> Target:
        """From texts, numbers or truth values; None, NaN and, of whole numbers, -1 are unknown.

        Raises
        ------
        TypeError, ValueError
            If they are not one for each row, are of several kinds, or none is known.
        """
        given = np.asarray(y)
        if given.shape != (n,):
            raise ValueError(f"y has shape {given.shape}; give one class a row, shape ({n},)")
        known = np.array([not _is_unknown(value) for value in given.tolist()], dtype=bool)
        if given.dtype.kind in "iu" or _are_whole(given[known]):
            known[known] = given[known] != -1
        if not known.any():
            raise ValueError("y knows no row's class; give some")
        values = given[known].tolist()
        if len({isinstance(value, str) for value in values}) > 1:
            raise TypeError("y holds texts and numbers; give classes of one kind")
        classes, own = np.unique(np.array(values), return_inverse=True)
        codes = np.full(n, -1, np.intp)
        codes[known] = own.ravel()
        return cls(classes, codes)


def codes_of(y: Any, n: int, classes: NDArray) -> NDArray[np.intp]:
    """Numbers of n rows' classes among those; -1 where a class is unknown.

    Raises
    ------
    TypeError, ValueError
        As `Target.of`; and if there is another class.
    """
    target = Target.of(y, n)
    absent = ~np.isin(target.classes, classes)
    if absent.any():
        raise ValueError(
            f"y holds {target.classes[absent][0]!r}, which is none of the classes "
            f"{classes.tolist()}; give known ones, or None"
        )
    place = np.searchsorted(classes, target.classes)
    return np.where(target.codes < 0, -1, place[target.codes])


def _is_unknown(value: Any) -> bool:
    """Whether it stands for nothing: None, NaN, or pandas' NA."""
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float) and value != value)
    )


def _are_whole(values: NDArray) -> bool:
    return all(isinstance(value, int) and not isinstance(value, bool) for value in values.tolist())
