"""Rows of files in memory, all at once, and another column of theirs that tells of each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem.rows.files import Paths
from fastem.rows.open import opened
from fastem.rows.stream import Stream
from fastem.validation.column_choice import Column

#: What stands for an unknown label in text.
UNKNOWN = {"", "NA", "nan", "NaN", "null", "None", "?"}


def is_column(given: object) -> bool:
    """Whether it is the name or the position of a column."""
    return isinstance(given, str | int | np.integer)


def held(rows: Stream) -> NDArray:
    """All rows of files (n, n_features), those of weight 0 too, NaN for what is missing."""
    with closing(rows.every(lambda block: [block.copy()], 8 * rows.n_features)) as blocks:
        return np.concatenate([block for (block,) in blocks])


def told(rows: Stream, column: Column) -> list[Any]:
    """What another column of the files holds in each row; None where it is unknown."""
    marks = rows.passes.frame.marks
    unknown = UNKNOWN | marks.texts | {f"{value:g}" for value in marks.values}
    fields = chain.from_iterable(rows.carried([column])[2])
    return [None if _is_unknown(field, unknown) else field for field in fields]


def component_numbers(fields: Sequence[Any], name: str) -> NDArray[np.intp]:
    """Labels (n,) as numbers, -1 where none is known.

    Raises
    ------
    TypeError
        If one is no whole number.
    """
    return np.array([_number(field, i, name) for i, field in enumerate(fields)], np.intp)


def weights_beside(path: Paths, weight: Any, **how: Any) -> Any:
    """Weights of all rows, whether in a column of the files, in one of their own, or at hand."""
    if isinstance(weight, Path):
        return held(opened(weight)).ravel()
    return held(opened(path, [weight], **how)).ravel() if is_column(weight) else weight


def _is_unknown(field: Any, texts: set[str]) -> bool:
    return field is None or field != field or str(field).strip() in texts


def _number(field: Any, row: int, name: str) -> int:
    if field is None:
        return -1
    try:
        number = float(field)
    except (TypeError, ValueError):
        number = np.nan
    if not number.is_integer() or isinstance(field, bool):
        raise TypeError(
            f"labels: {name} holds {field!r} at row {row} (counted from 0); give whole numbers, "
            f"-1 or nothing where none is known, or see fastem.classify for classes by name"
        )
    return int(number)
