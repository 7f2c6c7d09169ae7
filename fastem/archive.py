"""Arrays out of .npy and .npz files that anybody may have written.

Nothing in them is executed, only what is asked for is read, and no memory is taken on the word of a
header: what an array is said to take is compared with what there is.
"""

from __future__ import annotations

import errno
import io
import lzma
import math
import os
import stat
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np
from numpy.typing import NDArray

#: The longest header that is parsed: one of a plain array has 128 bytes.
LONGEST_HEADER = 10_000
#: Bytes that a packed array may take, whatever the file has.
SMALL = 2**24
#: How members are packed that are read: LZMA takes memory on the word of its header.
METHODS = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED

_CHANGED = "its bytes are cut short or changed"
#: What goes wrong in reading a file that is damaged or forged, and what that means.
CAUSES: dict[type[Exception], str] = {
    MemoryError: "it asks for more memory than there is",
    RecursionError: "its text is nested too deeply",
    RuntimeError: "it is encrypted, or packed in a way that is not read here",
    LookupError: "a part is missing",
    zipfile.BadZipFile: _CHANGED,
    zlib.error: _CHANGED,
    lzma.LZMAError: _CHANGED,
    EOFError: _CHANGED,
    OSError: _CHANGED,
    struct.error: _CHANGED,
    **dict.fromkeys(
        (ValueError, TypeError, AttributeError, ArithmeticError, SyntaxError, Warning),
        "something in it does not belong there",
    ),
    tokenize.TokenError: "its header is none",
}


class Damaged(ValueError):
    """What is wrong with a file, in words that follow its name."""


@contextmanager
def damage(name: str = "", remedy: str = "") -> Iterator[None]:
    """A context in which all that goes wrong is Damaged, but for disks that cannot be read.

    Parameters
    ----------
    name, remedy : str
        What is read, and what a user can do: the message has them if they are given.
    """
    try:
        yield
    except tuple(CAUSES) as error:
        # To seek to a place that no file has is an invalid argument.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        told = f"{name} is damaged ({cause(error)}); {remedy}" if name else cause(error)
        raise Damaged(told) from None


def cause(error: Exception) -> str:
    """What an error means for the file that was read."""
    if isinstance(error, Damaged):
        return str(error)
    return next(text for kind, text in CAUSES.items() if isinstance(error, kind))


def header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and dtype of an array in the .npy format; the file is left behind them.

    Raises
    ------
    Damaged
        If there is no such header.
    """
    with damage():
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise Damaged(f"it is of the format {version[0]}.{version[1]}")
        size = file.read(2 * version[0])
        length = int.from_bytes(size, "little")
        if length > LONGEST_HEADER:
            raise Damaged(f"its header is said to have {length} bytes")
        text = io.BytesIO(size + file.read(length))
        one, two = np.lib.format.read_array_header_1_0, np.lib.format.read_array_header_2_0
        shape, fortran, dtype = (one if version == (1, 0) else two)(text)
        if any(n < 0 for n in shape):
            raise Damaged(f"its shape is {shape}")
    return shape, fortran, dtype


def members(path: str | os.PathLike, names: Iterable[str]) -> dict[str, NDArray]:
    """Those of the arrays in an .npz file that are there; what else there is, is not looked at.

    Raises
    ------
    OSError
        If the file cannot be read; the message has the path and a remedy.
    Damaged
        If it is no such file, or an array is not what it is said to be.
    """
    try:
        status = os.stat(path)
        if stat.S_ISCHR(status.st_mode) or stat.S_ISFIFO(status.st_mode):  # it may never end
            raise Damaged("it is a device or a pipe")
        with open(path, "rb") as opened, damage(), zipfile.ZipFile(opened) as archive:
            size, there = status.st_size, set(archive.namelist())
            chosen = [name for name in names if f"{name}.npy" in there]
            return {name: _member(archive, name, size) for name in chosen}
    except OSError as error:
        raise unreadable(error, path) from error


def unreadable(error: OSError, path: str | os.PathLike) -> OSError:
    """The error with the path and what to do about it."""
    what = f"{error.strerror}; give the path of a file that can be read"
    return OSError(error.errno, what, os.fspath(path))


def _member(archive: zipfile.ZipFile, name: str, size: int) -> NDArray:
    """An array in an archive of that many bytes."""
    found = archive.getinfo(f"{name}.npy")
    if found.compress_type not in METHODS:
        raise Damaged(f"{name} is packed in a way that is not read here")
    if found.file_size > max(size, SMALL):
        raise Damaged(f"{name} is said to take {found.file_size} bytes, and the file has {size}")
    with archive.open(found) as file:
        shape, fortran, dtype = header(file)
        n_bytes = math.prod(shape) * dtype.itemsize
        if dtype.hasobject:
            raise Damaged(f"{name} holds objects")
        if n_bytes != found.file_size - file.tell():
            raise Damaged(f"{name} is said to have shape {shape}, and has not as many bytes")
        held = file.read()  # to the end, where the sum of all bytes is checked
    return np.ndarray(shape, dtype, held, order="F" if fortran else "C").copy(order="K")
