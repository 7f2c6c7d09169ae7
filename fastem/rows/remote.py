"""Files in object stores and wherever else Arrow reads: s3://, gs://, hdfs:// (extra: parquet)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import IO, Any

#: What begins the path of such a file.
SCHEME = "://"


class Remote:
    """Bytes of such a file, as `fastem.rows.files.File` has them.

    Parameters
    ----------
    name : str
    filesystem : pyarrow.fs.FileSystem
    source : str
        Where it is there.
    """

    def __init__(self, name: str, filesystem: Any, source: str) -> None:
        self.name, self.filesystem, self.source = name, filesystem, source

    def open(self) -> IO[bytes]:
        """The bytes, from the start."""
        return self.filesystem.open_input_file(self.source)

    def head(self, n: int) -> bytes:
        """The first bytes."""
        with self.open() as file:
            return file.read(n)

    def size(self) -> int:
        """Number of bytes."""
        return self.filesystem.get_file_info(self.source).size

    def stamp(self) -> Hashable:
        """What changes when the file does: its size and time."""
        found = self.filesystem.get_file_info(self.source)
        return found.size, found.mtime_ns


def remote(uri: str) -> list[Remote]:
    """The file at a URI, or those in a folder there.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    OSError, ValueError
        If there is no such file, or nobody knows how to get there.
    """
    try:
        import pyarrow
        from pyarrow import fs
    except ImportError:
        raise ImportError(
            f"{uri} is read by pyarrow; install it with: pip install 'fastem[parquet]'"
        ) from None
    try:
        filesystem, path = fs.FileSystem.from_uri(uri)
        found = filesystem.get_file_info(path)
        if found.type == fs.FileType.Directory:
            inside = filesystem.get_file_info(fs.FileSelector(path, recursive=True))
            paths = [one.path for one in inside if one.type == fs.FileType.File]
        else:
            paths = [path] if found.type == fs.FileType.File else []
    except pyarrow.ArrowException as error:
        raise ValueError(f"{uri} cannot be read ({error}); give another path") from None
    if not paths:
        raise FileNotFoundError(f"{uri} does not exist or is an empty folder; give another path")
    begin = uri[: len(uri) - len(path)] if uri.endswith(path) else ""
    return [Remote(begin + one, filesystem, one) for one in paths]
