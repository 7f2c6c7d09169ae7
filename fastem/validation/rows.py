"""Rows and their weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem.validation.arrays import numeric
from fastem.validation.column_choice import called, printable
from fastem.validation.frames import feature_names
from fastem.validation.options import choice

#: What may become of rows with missing values.
MISSING = "error", "drop", "mar"
#: What to do about rows that are not finite; and where a user can say what becomes of NaN.
REMEDY = "fill or drop such rows"
REMEDIES = f'{REMEDY} (missing="drop"), or let what is observed of them count alone (missing="mar")'
#: Rows looked at together when a sum has found something that is not finite.
BLOCK = 65536


def rows(
    X: ArrayLike, *, name: str = "X", n_features: int | None = None, remedy: str = REMEDY
) -> NDArray:
    """X as a finite (n_samples, n_features) array, float32 or float64, C order.

    It is copied only if it must be.
    """
    array = matrix(X, name=name)
    _check(array, name, feature_names(X), n_features, remedy)
    return array


def complete(
    X: Any, missing: str, name: str = "X", n_features: int | None = None, na_values: Any = ()
) -> tuple[NDArray, NDArray[np.bool_] | None]:
    """X as `rows` has it; without rows that lack values if these are to be dropped.

    Parameters
    ----------
    X, name, n_features
        As of `rows`.
    missing : {"error", "drop", "mar"}
        With "mar" what is missing stays, as NaN.
    na_values : sequence of float
        Numbers that stand for a missing value.

    Returns
    -------
    rows : (n_kept, n_features) ndarray
    gaps : (n_samples, n_features) ndarray of bool, or None
        What is missing, if rows were left out.
    """
    choice(missing, "missing", MISSING)
    names = feature_names(X)
    if missing != "error" and isinstance(X, np.ma.MaskedArray):
        X = np.ma.filled(X.astype(precision_for(X.dtype)), np.nan)
    X = matrix(X, name=name)
    for value in np.asarray(na_values, X.dtype):
        X = np.where(value == X, np.array(np.nan, X.dtype), X)
    gaps = None if missing == "error" else np.isnan(X)
    if gaps is None or not gaps.any():
        _check(X, name, names, n_features, REMEDIES)
        return X, None
    if missing == "mar":
        _check(np.where(gaps, np.array(0, X.dtype), X), name, names, n_features)
        return X, None
    kept = ~gaps.any(axis=1)
    if not kept.any():
        raise none_left(name, called(names, X.shape[1]), gaps.all(axis=0))
    X = X[kept]
    _check(X, name, names, n_features)
    return X, gaps


def none_left(owner: str, names: Sequence[str], empty: NDArray[np.bool_]) -> ValueError:
    """What is said where every row lacks a column, some of which may hold no number at all."""
    if empty.any() and not empty.all():
        return nothing_in(owner, names[int(empty.argmax())])
    return ValueError(f"{owner}: every row has missing values; choose other columns=")


def nothing_in(owner: str, column: str) -> ValueError:
    """What is said of a column without any number."""
    return ValueError(f"{owner}: {column} has no number in any row; leave it out with columns=")


def are_rows(X: Any) -> bool:
    """Whether X is an array that `rows` would return as it is; False where that is in doubt."""
    if type(X) is not np.ndarray or X.ndim != 2 or not (X.size and X.flags.c_contiguous):
        return False
    if not (X.dtype.char in "df" and X.dtype.isnative):
        return False
    return _has_finite_sum(X)


def _check(
    array: NDArray,
    name: str,
    names: Sequence[str] | None,
    n_features: int | None,
    remedy: str = REMEDY,
) -> None:
    if 0 in array.shape:
        raise ValueError(f"{name} is empty, shape {array.shape}; give at least one row and column")
    if n_features is not None:
        columns(array.shape[1], n_features, name=name)
    bad = first_bad(array)
    if bad is not None:
        raise bad.in_rows(name, names, remedy)


def other_names(owner: str, theirs: Sequence[str], mine: Sequence[str]) -> ValueError:
    """What to say of rows whose columns are called otherwise than the mixture's."""
    new, absent = ([n for n in a if n not in b] for a, b in ((theirs, mine), (mine, theirs)))
    if not new and not absent:
        return ValueError(
            f"{owner} has the columns in another order than the mixture; open it with "
            f"columns={list(mine)}"
        )
    parts = [
        f"{what} {', '.join(map(printable, names[:5]))}{', ...' if len(names) > 5 else ''}"
        for what, names in (("columns that the mixture does not know,", new), ("none of", absent))
        if names
    ]
    return ValueError(f"{owner} has {' and '.join(parts)}; give the columns {list(mine[:12])}")


def matrix(X: ArrayLike, *, name: str = "X") -> NDArray:
    """X as an (n_samples, n_features) array, float32 or float64, C order; may hold NaN."""
    array = numeric(X, name)
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
        f"{name} has {len(shape)} dimension{'s' * (len(shape) != 1)}, shape {shape}; "
        f"it must be 2-dimensional, (n_samples, n_features){hint}"
    )


def columns(
    given: int,
    n_features: int,
    theirs: Sequence[str] | None = None,
    mine: Sequence[str] | None = None,
    *,
    name: str = "X",
) -> None:
    """Refuse rows of other columns than a mixture has, or in another order where both have names.

    Parameters
    ----------
    given, n_features : int
        Columns of the rows and of the mixture.
    theirs, mine : sequence of str, optional
        Names of the same.
    name : str
        Of the rows.
    """
    if given != n_features:
        raise ValueError(
            f"{name} has {given} columns but the mixture has {n_features}; "
            f"give the columns it was fitted to, in their order"
        )
    if theirs is not None and mine is not None and theirs != mine:
        raise other_names(name, theirs, mine)


class Bad(NamedTuple):
    """Entries that no fit can take: how many there are, and where the first one is."""

    how_many: int
    row: int
    column: int
    value: float

    def in_rows(
        self, name: str, names: Sequence[str] | None = None, remedy: str = REMEDY
    ) -> ValueError:
        """What to say of NaN and infinity among the rows, whose columns may have names."""
        remedy = remedy if np.isnan(self.value) else REMEDY
        column = f"{self.column} (counted from 0)" if names is None else repr(names[self.column])
        entries = "entry that is" if self.how_many == 1 else "entries that are"
        return ValueError(
            f"{name} has {self.how_many} {entries} NaN or infinite, the first at row {self.row}, "
            f"column {column}: {self.value}; {remedy}"
        )

    def in_weights(self) -> ValueError:
        """What to say of weights that are negative or not finite."""
        weights = "weight that is" if self.how_many == 1 else "weights that are"
        return ValueError(
            f"sample_weight holds {self.how_many} {weights} negative, NaN or infinite, the first "
            f"at row {self.row}: {self.value}; weights must be finite and at least 0"
        )


def first_bad(array: NDArray) -> Bad | None:
    """The entries of rows (n_samples, n_features) that are NaN or infinite, or None."""
    if _has_finite_sum(array):
        return None
    count, first = 0, None
    for start in range(0, len(array), BLOCK):
        bad = ~np.isfinite(array[start : start + BLOCK])
        if bad.any() and first is None:
            i, j = (int(index[0]) for index in np.nonzero(bad))
            first = start + i, j
        count += int(bad.sum())
    return None if first is None else Bad(count, *first, array[first])


def _has_finite_sum(array: NDArray) -> bool:
    # By NumPy: threads of BLAS would spin beside those of the pass that follows.
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(np.add.reduce(array, axis=None))


def first_bad_weight(weight: NDArray[np.float64]) -> Bad | None:
    """The weights (n_samples,) that are negative, NaN or infinite, or None."""
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if not bad.any():
        return None
    first = int(np.argmax(bad))
    return Bad(int(bad.sum()), first, 0, weight[first])


def sample_weight(weight: ArrayLike | None, n_samples: int) -> NDArray[np.float64] | None:
    """Row weights (n_samples,) as float64, or None."""
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
    """Row weights (n_samples,) as float64, maybe negative or not finite."""
    array = numeric(weight, name).astype(np.float64)
    if array.shape != (n_samples,):
        raise ValueError(
            f"{name} has shape {array.shape}; give one weight a row, shape ({n_samples},)"
        )
    return array
