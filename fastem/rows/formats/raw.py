"""Raw binary: numbers and nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from fastem.rows.files import File
from fastem.rows.formats.binary import Binary, Form


def raw(file: File, dtype: DTypeLike, n_columns: int) -> Binary:
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
    n_rows, rest = divmod(file.size(), form.row_bytes)
    if rest or not n_rows:
        raise ValueError(
            f"{file.name} has {file.size()} bytes, which are no whole number of rows of "
            f"{n_columns} numbers of dtype {form.dtype}; give the right dtype and n_columns"
        )
    return Binary(file, Form(n_rows, n_columns, form.dtype), file.name)
