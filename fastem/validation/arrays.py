"""Arrays of real numbers, of whatever type, layout or library, and parameters of a mixture."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem.validation.frames import is_table, numbers_of


def check_mask(value: ArrayLike, name: str) -> None:
    """Refuse a masked array that hides entries."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        raise ValueError(
            f"{name} has {np.ma.count_masked(value)} masked entries; "
            f"fill or drop them, missing values are not supported"
        )


def numeric(value: ArrayLike, name: str) -> NDArray:
    """An array of real numbers."""
    if hasattr(value, "toarray") or hasattr(value, "tocsr"):
        raise TypeError(f"{name} is a sparse matrix; give a dense array, such as {name}.toarray()")
    if isinstance(value, np.ma.MaskedArray):
        check_mask(value, name)
        value = value.data
    if is_table(value):
        return numbers_of(value, name)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name} is not an array: its rows differ in length ({error}); give rows of one length"
        ) from None
    if array.dtype.kind == "c":
        raise TypeError(f"{name} is complex ({array.dtype}); give real numbers")
    if array.dtype.kind == "O":
        if array.ndim == 0:
            raise TypeError(f"{name} is {value!r}, not an array; give an array of numbers")
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{name} holds objects that are not real numbers: {error}; give numbers"
            ) from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {array.dtype}; give numbers, not text or dates")
    return array


def parameter(value: ArrayLike, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A finite float64 array of that shape."""
    array = numeric(value, name).astype(np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; it must be {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; give finite numbers")
    return array


def weights(
    value: ArrayLike, n_components: int, *, name: str = "weights", total: float = 1.0
) -> NDArray[np.float64]:
    """Mixing weights (n_components,), rescaled to a sum of `total` to rounding."""
    array = parameter(value, name, (n_components,))
    if (array < 0).any():
        k = int(np.argmin(array))
        raise ValueError(f"{name}[{k}] is {array[k]}; weights must be at least 0")
    found = array.sum()
    if abs(found - total) > 1e-6:
        remedy = "divide them by their sum"
        if total != 1:
            remedy += f", times {total:g}, which the noise leaves to them"
        raise ValueError(f"{name} sum to {found}; {remedy}")
    # Left to the bit where it is so to rounding: a mixture made of another's arrays equals it.
    exact = abs(found - total) <= len(array) * np.finfo(float).eps
    return array if exact else array / (found / total)
