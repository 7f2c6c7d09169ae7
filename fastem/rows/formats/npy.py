"""The format of NumPy's arrays: a header that tells dtype and shape, and the numbers."""

from __future__ import annotations

from typing import IO

from fastem.archive import damage, header
from fastem.rows.files import File
from fastem.rows.formats.binary import Binary, Form
from fastem.rows.formats.table import working_dtype


def npy(file: File) -> Binary:
    """The array in an .npy file; one of a single dimension is a column.

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If the file is damaged or cut short, or holds another shape.
    """
    with file.open() as opened:
        return Binary(file, form_of(opened, file.name), file.name)


def form_of(file: IO[bytes], name: str) -> Form:
    """What the header of an .npy file says; the file is left behind it.

    Raises
    ------
    TypeError, ValueError
        If it is damaged or of another shape.
    """
    with damage(name, "save it again"):
        shape, fortran, dtype = header(file)
    if len(shape) == 1:
        shape = (*shape, 1)
    if len(shape) != 2 or 0 in shape:
        raise ValueError(
            f"{name} holds an array of shape {shape}; give a 2-dimensional one, "
            f"(n_samples, n_features), that is not empty"
        )
    working_dtype(dtype, name)
    return Form(shape[0], shape[1], dtype, fortran and shape[1] > 1, file.tell())
