"""Values that are missing: how they are marked, what becomes of their rows, and what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem import validation

#: The label of a row that was left out; its probabilities are NaN.
LEFT_OUT = -2
#: Dropping more than this share of the rows is warned of, with the columns that cost most.
MANY, WORST = 0.5, 3
#: Equal values, at least, that may stand for missing ones, and other values beside them.
REPEATS, OTHERS = 3, 5
#: How far zero is from the next value where it stands for nothing: in the usual distance of
#: neighbours, and in the range of the others.
ZERO_STEPS, ZERO_RANGE = 10, 0.05


class Marks(NamedTuple):
    """What stands for a missing value, beside NaN, nulls and the usual texts.

    Parameters
    ----------
    texts : frozenset of str
        In text files.
    values : (n,) ndarray
        Numbers, in all files.
    """

    texts: frozenset[str] = frozenset()
    values: NDArray[np.float64] = np.empty(0)

    @classmethod
    def of(cls, na_values: Any) -> Marks:
        """From what a user gave: a text or a number, or several; texts of numbers are both.

        Raises
        ------
        TypeError
            If one is neither.
        """
        if na_values is None:
            return cls()
        several = np.iterable(na_values) and not isinstance(na_values, str | bytes)
        texts, values = set(), []
        for value in na_values if several else [na_values]:
            if isinstance(value, bool) or not isinstance(value, str | int | float | np.number):
                raise TypeError(f"na_values holds {value!r}; give texts and numbers")
            if isinstance(value, str):
                texts.add(value.strip())
            try:
                values.append(float(value))
            except ValueError:
                continue
        return cls(frozenset(texts), np.array(values, dtype=np.float64))

    def apply(self, X: NDArray) -> None:
        """Put NaN where rows hold one of the numbers."""
        for value in self.values.astype(X.dtype):
            X[value == X] = np.nan


@dataclass
class Gaps:
    """What is missing in the rows of a pass.

    Parameters
    ----------
    n_columns : int
    """

    n_columns: int
    n_rows: int = 0
    n_dropped: int = 0
    n_empty: int = 0
    first: str = ""
    by_column: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        """Nothing yet."""
        self.by_column = np.zeros(self.n_columns, np.int64)

    @classmethod
    def of(cls, missing: NDArray[np.bool_]) -> Gaps:
        """Those of all rows (n, n_columns)."""
        found = cls(missing.shape[1], len(missing))
        found.add(missing)
        return found

    def add(self, missing: NDArray[np.bool_], dropped: bool = True) -> None:
        """Count what is missing of some rows, which are left out or count by what they have."""
        if dropped:
            self.n_dropped += int(missing.any(axis=1).sum())
        self.n_empty += int(missing.all(axis=1).sum())
        self.by_column += missing.sum(axis=0)

    @property
    def error(self) -> ValueError:
        """What is said where rows with missing values are refused."""
        rows = "1 row has" if self.n_dropped == 1 else f"{self.n_dropped} rows have"
        return ValueError(
            f"{self.first}; {rows} missing values, of {self.n_rows}: fill them, or leave such rows "
            f'out with missing="drop"; with missing="mar" they count by what they have'
        )

    @property
    def empty(self) -> str | None:
        """What is said of rows that have nothing."""
        if not self.n_empty:
            return None
        rows = "row has" if self.n_empty == 1 else "rows have"
        return (
            f"{self.n_empty} {rows} no number at all and say nothing of the components; leave such "
            f"rows out"
        )

    def nothing_left(self, owner: str, names: Sequence[str]) -> ValueError:
        """What is said where all rows are dropped."""
        return validation.none_left(owner, names, self.by_column == self.n_rows)

    def costly(self, names: Sequence[str]) -> str | None:
        """What is said where more rows are dropped than kept, with the columns to blame."""
        if self.n_dropped <= MANY * self.n_rows:
            return None
        worst = [j for j in np.argsort(-self.by_column, kind="stable")[:WORST] if self.by_column[j]]
        blamed = ", ".join(f"{names[j]} ({self.by_column[j]} rows)" for j in worst)
        return (
            f"{self.n_dropped} of {self.n_rows} rows have missing values and are left out; most "
            f"are missing in {blamed}: leave such columns out with columns="
        )


def spread(part: NDArray, kept: NDArray[np.bool_]) -> NDArray:
    """Results of the rows that were kept, put in their places among all rows."""
    fill = LEFT_OUT if part.dtype.kind == "i" else np.nan
    whole = np.full((len(kept), *part.shape[1:]), fill, part.dtype)
    whole[kept] = part
    return whole


def check_seen(low: NDArray[np.float64], owner: str, names: Sequence[str]) -> None:
    """Refuse columns that have no number in any row, by the smallest number of each.

    Raises
    ------
    ValueError
        If there is one.
    """
    seen = np.isfinite(low)
    if not seen.all():
        raise validation.nothing_in(owner, names[int(seen.argmin())])


def suspects(X: NDArray, names: Sequence[str]) -> list[str]:
    """Values that may stand for missing ones: far from all others, and repeated."""
    notes = []
    for j in range(X.shape[1]):
        column = X[:, j]
        values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
        if len(values) <= OTHERS:
            continue
        for value, count, others in (
            (values[0], counts[0], values[1:]),
            (values[-1], counts[-1], values[:-1]),
        ):
            if count >= REPEATS and _is_apart(value, others):
                notes.append(
                    f"{names[j]} holds {value:g} several times, far from all other values; if it "
                    f"stands for a missing one, say so with na_values=[{value:g}]"
                )
    return notes


def _is_apart(value: float, others: NDArray) -> bool:
    with np.errstate(over="ignore"):
        distance = np.abs(others - value).min()
        extent = others[-1] - others[0]
        if value == 0 and others[0] > 0:
            step = np.median(np.diff(others))
            return bool(distance > max(ZERO_STEPS * step, ZERO_RANGE * extent))
        return bool(distance > extent)
