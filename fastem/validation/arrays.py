"""Arrays of real numbers, of whatever type, layout or library."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_mask(value: ArrayLike, name: str) -> None:
    """Refuse a masked array that hides entries.

    Raises
    ------
    ValueError
        If any entry is masked.
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        raise ValueError(
            f"{name} has {np.ma.count_masked(value)} masked entries; "
            f"fill or drop them, missing values are not supported"
        )


def numeric(value: ArrayLike, name: str) -> NDArray:
    """An array of real numbers.

    Raises
    ------
    TypeError, ValueError
        If it is none.
    """
    if hasattr(value, "toarray") or hasattr(value, "tocsr"):
        raise TypeError(f"{name} is a sparse matrix; give a dense array, such as {name}.toarray()")
    if isinstance(value, np.ma.MaskedArray):
        check_mask(value, name)
        value = value.data
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not an array: its rows differ in length ({error})") from None
    if array.dtype.kind == "c":
        raise TypeError(f"{name} is complex ({array.dtype}); give real numbers")
    if array.dtype.kind == "O":
        if array.ndim == 0:
            raise TypeError(f"{name} is {value!r}, not an array; give an array of numbers")
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name} holds objects that are not real numbers: {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {array.dtype}; give numbers, not text or dates")
    return array
