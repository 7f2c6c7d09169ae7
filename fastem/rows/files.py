"""Files as a user names them: which are meant, and bytes that can be read again from the start."""

from __future__ import annotations

import errno
import glob
import io
import os
import re
import shutil
import stat
import sys
import tempfile
import threading
import weakref
from collections.abc import Hashable, Iterable
from typing import IO, Any

from fastem import validation
from fastem.archive import unreadable
from fastem.compiler.cache import user_folder

#: One path or several.
Paths = str | os.PathLike | Iterable[str | os.PathLike]
#: What files of a folder are read, the first kind that there is.
FOLDER = "parquet", "feather", "arrow", "orc", "npy", "csv"
#: The path of standard input.
STANDARD_INPUT = "-"
#: What is in the path of a file in an object store or wherever else Arrow reads.
SCHEME = "://"
#: The share of what is free on a disk that a temporary file may take.
SHARE_OF_DISK = 0.5
#: What to do where one has no place.
ELSEWHERE = "free some space, or name a folder on another disk in NUMBA_CACHE_DIR"


def is_path(value: object) -> bool:
    """Whether a user gave a path or several."""
    if isinstance(value, list | tuple):
        return bool(value) and all(map(is_path, value))
    return isinstance(value, str | os.PathLike)


def files(paths: Paths) -> list[File]:
    """The files that are meant, in order."""
    if not isinstance(paths, str | bytes | os.PathLike) and isinstance(paths, Iterable):
        several = list(paths)
    else:
        several = [paths]
    found = [file for path in several for file in _expanded(validation.path(path, "path"))]
    if not found:
        raise ValueError("path is empty; give at least one file")
    return found


def _expanded(path: str) -> list[File]:
    """The files that one path means."""
    if SCHEME in path:
        return _remote(path)
    if os.path.isdir(path):
        within = (os.path.join(top, name) for top, _, names in os.walk(path) for name in names)
        return [File(name) for name in _of_one_kind(list(within), path)]
    if not os.path.exists(path) and glob.has_magic(path):
        if matched := glob.glob(path, recursive=True):
            return [File(name) for name in sorted(matched, key=_by_numbers)]
        raise ValueError(f"{path} matches no file; give a pattern that does")
    return [File(path)]


def _remote(uri: str) -> list[File]:
    """The file at a URI such as s3:// or gs://, or those in a folder there (extra: parquet)."""
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
    chosen = paths if found.type == fs.FileType.File else _of_one_kind(paths, uri)
    return [Remote(begin + one, filesystem, one) for one in chosen]


def _of_one_kind(names: list[str], path: str) -> list[str]:
    """Those files of a folder that are meant: of the first kind that there is."""
    seen = [name for name in names if not re.search(r"(^|[/\\])[._][^/\\]*$", name)]
    for suffix in FOLDER:
        if kind := [name for name in seen if name.endswith(f".{suffix}")]:
            return sorted(kind, key=_by_numbers)
    raise ValueError(f"{path} is a folder without .{', .'.join(FOLDER)} files; give files")


def _by_numbers(path: str) -> list[tuple[int, str]]:
    """A key for sorting by which part-2 comes before part-10."""
    return [(int(part or 0), text) for text, part in re.findall(r"(\D*)(\d*)", path)]


class File:
    """Bytes that can be read from any place: a file, or a pipe or standard input, copied."""

    filesystem: Any = None

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = self.name = os.fspath(path)
        self._copy: Temporary | None = None
        if self.name == STANDARD_INPUT:
            self.name = "standard input"
            _refuse_endless(sys.stdin.buffer, self.name)
            self._copy = Temporary.of(sys.stdin.buffer)
            return
        try:
            regular = stat.S_ISREG(os.stat(path).st_mode)
            with open(path, "rb") as opened:
                _refuse_endless(opened, self.path)
                self._copy = None if regular else Temporary.of(opened)
        except OSError as error:
            if error.filename != self.path:
                raise
            raise unreadable(error, path) from error

    def open(self) -> IO[bytes]:
        """The bytes, from the start."""
        return open(self.path, "rb", buffering=0) if self._copy is None else self._copy.open()

    @property
    def source(self) -> Any:
        """What other libraries open it by: its path, or a copy's bytes."""
        return self.path if self._copy is None else self._copy.open()

    def head(self, n: int) -> bytes:
        """The first bytes."""
        with self.open() as file:
            return file.read(n)

    def size(self) -> int:
        """Number of bytes."""
        with self.open() as file:
            return file.seek(0, os.SEEK_END)

    def stamp(self) -> Hashable:
        """What changes when the file does: its size, its time and which file it is."""
        if self._copy is not None:
            return 0
        status = os.stat(self.path)
        return status.st_size, status.st_mtime_ns, status.st_ino


class Remote(File):
    """Bytes of a file in one of Arrow's file systems, by its path there."""

    def __init__(self, name: str, filesystem: Any, path: str) -> None:
        self.name, self.filesystem, self.path, self._copy = name, filesystem, path, None

    def open(self) -> IO[bytes]:
        """The bytes, from the start."""
        return self.filesystem.open_input_file(self.path)

    def stamp(self) -> Hashable:
        """Its size and time."""
        found = self.filesystem.get_file_info(self.path)
        return found.size, found.mtime_ns


class Temporary:
    """A file without a name, beside the cache: it is gone with the process, however that ends."""

    def __init__(self) -> None:
        self._folder = _folder()
        self._file: Any = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._left = int(SHARE_OF_DISK * shutil.disk_usage(self._folder).free)
        self._lock = threading.Lock()

    @classmethod
    def of(cls, stream: IO[bytes]) -> Temporary:
        """What a stream holds."""
        copy = cls()
        while block := stream.read(2**20):
            copy.write(block)
        return copy

    def write(self, block: Any) -> None:
        """Add bytes."""
        if not memoryview(block).nbytes:  # which has no bytes to be cast to
            return
        left = memoryview(block).cast("B")
        self._left -= len(left)
        try:
            if self._left < 0:
                half = "it would take more than half of the free disk space"
                raise OSError(errno.ENOSPC, half)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            what = f"a copy of what is read: {error.strerror}; {ELSEWHERE}"
            raise OSError(error.errno, what, self._folder) from error

    def open(self) -> IO[bytes]:
        """The bytes, from the start; several may be open."""
        return _Reading(self)  # type: ignore[return-value]

    def stamp(self) -> Hashable:
        """Nobody else can change it."""
        return 0

    def read_at(self, offset: int, out: Any) -> int:
        """Fill with the bytes from there on; how many there were. Several threads may read."""
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [out], offset)
        with self._lock:  # elsewhere than on POSIX
            self._file.seek(offset)
            return self._file.readinto(out)

    def size(self) -> int:
        """Number of bytes."""
        return os.fstat(self._file.fileno()).st_size


class _Reading(io.RawIOBase):
    """A place in a temporary file."""

    def __init__(self, temporary: Temporary) -> None:
        self._temporary, self._at = temporary, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        begins = 0, self._at, self._temporary.size()
        self._at = begins[whence] + offset
        return self._at

    def readinto(self, out: Any) -> int:
        n = self._temporary.read_at(self._at, out)
        self._at += n
        return n


def _refuse_endless(stream: IO[bytes], name: str) -> None:
    """Whether it may end: of devices, terminals do, and the one that is empty."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # no file
        return
    ends = stream.isatty() or os.path.samestat(status, os.stat(os.devnull))
    if stat.S_ISBLK(status.st_mode) or (stat.S_ISCHR(status.st_mode) and not ends):
        raise ValueError(f"{name} is a device, whose bytes are no rows; give a file or a pipe")


def _folder() -> str:
    """Beside the cache, where that can be written, else where the system wants such files."""
    try:
        folder = user_folder() / "rows"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return str(folder)
    except (OSError, AttributeError):
        pass
    return tempfile.gettempdir()
