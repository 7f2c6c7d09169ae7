"""Raw binary: numbers and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from fastem.rows.tables.binary import Form
from fastem.rows.tables.columns import Column
from fastem.rows.tables.plain import Plain


def raw(
    path: Path,
    dtype: DTypeLike,
    n_columns: int,
    columns: Sequence[Column] | None = None,
    weight: Column | None = None,
) -> Plain:
    """Rows of numbers and nothing else, row after row.

    Raises
    ------
    TypeError
        If dtype is none.
    ValueError
        If the file does not hold whole rows.
    """
    try:
        form = Form(0, n_columns, np.dtype(dtype))
    except TypeError:
        raise TypeError(f"dtype is {dtype!r}; give a type of NumPy's, such as 'float64'") from None
    size = path.stat().st_size
    n_rows, rest = divmod(size, form.row_bytes)
    if rest or not n_rows:
        raise ValueError(
            f"{path} has {size} bytes, which are no whole number of rows of {n_columns} numbers of "
            f"dtype {form.dtype}; give the right dtype and n_columns"
        )
    return Plain(path, Form(n_rows, n_columns, form.dtype), columns, weight)
