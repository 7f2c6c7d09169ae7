"""Bytes of a file as text, in the encoding that the first of them show."""

from __future__ import annotations

import gzip
import io
from typing import IO

from fastem.rows.tables.text.errors import TextError

GZIP = b"\x1f\x8b"
#: Bytes looked at.
HEAD = 65536


def decoded(file: IO[bytes], source: str) -> io.TextIOWrapper:
    """The file as lines of text: UTF-8 or UTF-16, else Latin-1; gzip is unpacked.

    Parameters
    ----------
    file : binary file
        That one can go back in; it is closed with the text.
    source : str
        What messages call it.

    Raises
    ------
    TextError
        If it is not text.
    """
    head = _head(file)
    if head.startswith(GZIP):
        file = gzip.GzipFile(fileobj=file)  # type: ignore[assignment]
        head = _head(file)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\0" in head:
        raise TextError(f"{source} is not text", "give CSV, .npy, .npz or .parquet")
    else:
        try:
            # A character may be cut at the end of what was read.
            head[: head.rfind(b"\n") + 1].decode("utf-8")
            encoding = "utf-8-sig"
        except UnicodeDecodeError:
            encoding = "latin-1"
    return io.TextIOWrapper(file, encoding, errors="replace", newline="")


def _head(file: IO[bytes]) -> bytes:
    head = file.read(HEAD)
    file.seek(0)
    return head
