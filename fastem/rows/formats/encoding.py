"""Bytes of a text file: unpacked, and in an encoding whose digits and delimiters are ASCII's."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from fastem.archive import METHODS
from fastem.rows.files import File

#: How archives begin: of arrays, of a workbook, or others.
ZIP = b"PK\x03\x04"


def _member(opened: IO[bytes]) -> IO[bytes]:
    """The only member of an archive."""
    archive = zipfile.ZipFile(opened)
    (member,) = archive.infolist()
    if member.compress_type not in METHODS or member.flag_bits & 1:
        raise OSError("it is encrypted, or packed in a way that is not read here")
    return archive.open(member)


#: How packed files begin, and what unpacks them.
PACKED: dict[bytes, Any] = {
    ZIP: _member,
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
#: Bytes that the encoding is judged by.
HEAD = 65536


@contextmanager
def plain(file: File) -> Iterator[tuple[IO[bytes], str]]:
    """The text as bytes, and their encoding: UTF-8, into which UTF-16 is turned, or Latin-1."""
    try:
        with file.open() as opened:
            head = opened.read(HEAD)
            opened.seek(0)
            unpack = next((PACKED[magic] for magic in PACKED if head.startswith(magic)), None)
            stream = opened if unpack is None else unpack(opened)
            if unpack is not None:
                head = stream.read(HEAD)
                stream.seek(0)
            if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                yield codecs.EncodedFile(stream, "utf-8", "utf-16", "replace"), "utf-8"
                return
            if b"\0" in head:
                raise ValueError(f"{file.name} is not text; give CSV, .npy, .npz or .parquet")
            if head.startswith(codecs.BOM_UTF8):
                stream.read(len(codecs.BOM_UTF8))
            yield stream, _encoding(head)
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"{file.name} is damaged or cut short ({error}); copy it again") from None


def _encoding(head: bytes) -> str:
    try:
        # A character may be cut at the end of what was read.
        head[: head.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"
