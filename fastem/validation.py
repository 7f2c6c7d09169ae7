"""Checks of what users pass in. Every message names the argument, its value and the remedy."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

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
    array = matrix(X, name=name)
    if 0 in array.shape:
        raise ValueError(f"{name} is empty, shape {array.shape}; give at least one row and column")
    if n_features is not None:
        columns(array.shape[1], n_features, name=name)
    bad = first_bad(array)
    if bad is not None:
        raise bad.in_rows(name)
    return array


def matrix(X: ArrayLike, *, name: str = "X") -> NDArray:
    """X as an (n_samples, n_features) array, float32 or float64, C order; maybe empty, not finite.

    Raises
    ------
    TypeError, ValueError
        As `rows` does.
    """
    array = _numeric(X, name)
    if array.ndim != 2:
        raise not_a_matrix(array.shape, name)
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, dtype=precision_for(array.dtype))
    return np.asarray(array).view(np.ndarray)


def precision_for(dtype: np.dtype) -> type:
    """What numbers of a dtype are worked on in: float32 if they are of it, else float64."""
    return np.float32 if dtype.kind == "f" and dtype.itemsize == 4 else np.float64


def not_a_matrix(shape: tuple, name: str) -> ValueError:
    """What to say of an array that does not have two dimensions."""
    hint = f"; a single column is {name}.reshape(-1, 1)" if len(shape) == 1 else ""
    return ValueError(
        f"{name} has {len(shape)} dimensions, shape {shape}; "
        f"it must be 2-dimensional, (n_samples, n_features){hint}"
    )


def columns(given: int, n_features: int, *, name: str = "X") -> None:
    """Refuse rows of another number of columns than a mixture has.

    Raises
    ------
    ValueError
        If it is another.
    """
    if given != n_features:
        raise ValueError(
            f"{name} has {given} columns but the mixture has {n_features}; "
            f"give the columns it was fitted to, in their order"
        )


class Bad(NamedTuple):
    """Entries that no fit can take: how many there are, and where the first one is."""

    how_many: int
    row: int
    column: int
    value: float

    def in_rows(self, name: str) -> ValueError:
        """What to say of NaN and infinity among the rows."""
        entries = "entry that is" if self.how_many == 1 else "entries that are"
        return ValueError(
            f"{name} has {self.how_many} {entries} NaN or infinite, the first at row {self.row}, "
            f"column {self.column} (counted from 0): {self.value}; fill or drop such rows"
        )

    def in_weights(self) -> ValueError:
        """What to say of weights that are negative or not finite."""
        return ValueError(
            f"sample_weight holds {self.how_many} weights that are negative, NaN or infinite, the "
            f"first at row {self.row}: {self.value}; weights must be finite and at least 0"
        )


def first_bad(array: NDArray) -> Bad | None:
    """The entries of rows (n_samples, n_features) that are NaN or infinite, or None."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(array.sum()):
            return None
    count, first = 0, None
    for start in range(0, len(array), BLOCK):
        bad = ~np.isfinite(array[start : start + BLOCK])
        if bad.any() and first is None:
            i, j = (int(index[0]) for index in np.nonzero(bad))
            first = start + i, j
        count += int(bad.sum())
    return None if first is None else Bad(count, *first, array[first])


def first_bad_weight(weight: NDArray[np.float64]) -> Bad | None:
    """The weights (n_samples,) that are negative, NaN or infinite, or None."""
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if not bad.any():
        return None
    first = int(np.argmax(bad))
    return Bad(int(bad.sum()), first, 0, weight[first])


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
    array = vector(weight, n_samples, "sample_weight")
    bad = first_bad_weight(array)
    if bad is not None:
        raise bad.in_weights()
    if not array.any():
        raise ValueError("sample_weight is zero for every row; at least one row must count")
    return array


def vector(weight: ArrayLike, n_samples: int, name: str) -> NDArray[np.float64]:
    """Row weights (n_samples,) as float64, maybe negative or not finite.

    Raises
    ------
    TypeError
        If they are not real numbers.
    ValueError
        If their shape is wrong.
    """
    array = _numeric(weight, name).astype(np.float64)
    if array.shape != (n_samples,):
        raise ValueError(
            f"{name} has shape {array.shape}; give one weight a row, shape ({n_samples},)"
        )
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


def same_arrays(given: Mapping[str, NDArray], mine: Mapping[str, NDArray]) -> None:
    """Refuse arrays from a file that are not of the shapes and dtypes of those they replace.

    Raises
    ------
    LookupError, ValueError
        If one is missing or another.
    """
    for name, array in mine.items():
        if (given[name].shape, given[name].dtype) != (array.shape, array.dtype):
            raise ValueError(f"{name} is {given[name].dtype} {given[name].shape}")


def weights(
    value: ArrayLike, n_components: int, *, name: str = "weights", total: float = 1.0
) -> NDArray[np.float64]:
    """Mixing weights (n_components,), rescaled to a sum of `total` to rounding.

    Raises
    ------
    ValueError
        If one is negative or their sum is not `total`, 1 less the weight of noise, to 1e-6.
    """
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
