"""Checks of what users pass in. Every message names the argument, its value and the remedy."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Rows looked at together when a sum has found something that is not finite.
BLOCK = 65536


def rows(X: ArrayLike, *, name: str = "X", n_features: int | None = None) -> NDArray:
    """X as a finite (n_samples, n_features) array, float32 or float64, C order.

    It is copied only if it must be.

    Raises
    ------
    TypeError
        If X is sparse, complex or not numeric.
    ValueError
        If it is empty, not 2-dimensional, has another number of columns or holds NaN or infinity.
    """
    array = _numeric(X, name)
    if array.ndim != 2:
        hint = f"; a single column is {name}.reshape(-1, 1)" if array.ndim == 1 else ""
        raise ValueError(
            f"{name} has {array.ndim} dimensions, shape {array.shape}; "
            f"it must be 2-dimensional, (n_samples, n_features){hint}"
        )
    if 0 in array.shape:
        raise ValueError(f"{name} is empty, shape {array.shape}; give at least one row and column")
    if n_features is not None and array.shape[1] != n_features:
        raise ValueError(
            f"{name} has {array.shape[1]} columns but the mixture has {n_features}; "
            f"give the columns it was fitted to, in their order"
        )
    dtype = np.float32 if array.dtype.kind == "f" and array.dtype.itemsize == 4 else np.float64
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, dtype=dtype)
    _check_finite(array, name)
    return np.asarray(array).view(np.ndarray)


def sample_weight(weight: ArrayLike | None, n_samples: int) -> NDArray[np.float64] | None:
    """Row weights (n_samples,) as float64, or None.

    Raises
    ------
    TypeError
        If they are not real numbers.
    ValueError
        If their shape is wrong, one is negative or not finite, or all are 0.
    """
    if weight is None:
        return None
    array = _numeric(weight, "sample_weight").astype(np.float64)
    if array.shape != (n_samples,):
        raise ValueError(
            f"sample_weight has shape {array.shape}; give one weight a row, shape ({n_samples},)"
        )
    bad = ~(np.isfinite(array) & (array >= 0))
    if bad.any():
        first = int(np.argmax(bad))
        raise ValueError(
            f"sample_weight holds {bad.sum()} weights that are negative, NaN or infinite, the "
            f"first at row {first}: {array[first]}; weights must be finite and at least 0"
        )
    if not array.any():
        raise ValueError("sample_weight is zero for every row; at least one row must count")
    return array


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


def parameter(value: ArrayLike, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A finite float64 array of that shape.

    Raises
    ------
    TypeError
        If it is not numeric.
    ValueError
        If its shape is another, or it holds NaN or infinity.
    """
    array = _numeric(value, name).astype(np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; it must be {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; give finite numbers")
    return array


def weights(value: ArrayLike, n_components: int, *, name: str = "weights") -> NDArray[np.float64]:
    """Mixing weights (n_components,), rescaled to a sum of exactly 1 to rounding.

    Raises
    ------
    ValueError
        If one is negative or their sum is not 1 to 1e-6.
    """
    array = parameter(value, name, (n_components,))
    if (array < 0).any():
        k = int(np.argmin(array))
        raise ValueError(f"{name}[{k}] is {array[k]}; weights must be at least 0")
    total = array.sum()
    if abs(total - 1) > 1e-6:
        raise ValueError(f"{name} sum to {total}; divide them by their sum")
    # Left to the bit where it is 1 to rounding: a mixture made of another's arrays equals it.
    return array if abs(total - 1) <= len(array) * np.finfo(float).eps else array / total


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


def _numeric(value: ArrayLike, name: str) -> NDArray:
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


def _check_finite(array: NDArray, name: str) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum()):
            return
    n_bad, first = 0, None
    for start in range(0, len(array), BLOCK):
        bad = ~np.isfinite(array[start : start + BLOCK])
        if bad.any() and first is None:
            i, j = (int(index[0]) for index in np.nonzero(bad))
            first = start + i, j
        n_bad += int(bad.sum())
    if first is not None:
        entries = "entry that is" if n_bad == 1 else "entries that are"
        raise ValueError(
            f"{name} has {n_bad} {entries} NaN or infinite, the first at row {first[0]}, column "
            f"{first[1]} (counted from 0): {array[first]}; fill or drop such rows"
        )
