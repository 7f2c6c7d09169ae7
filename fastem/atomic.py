"""Files that appear whole or not at all, and stay when the power fails."""

from __future__ import annotations

import errno
import itertools
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

#: In the names of what this process writes, a fork's have another number after it.
_NONCE = secrets.token_hex(4)
_count = itertools.count()

#: Errors of writing alone.
FULL = errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS
#: What to do about what stands in the way of writing.
REMEDIES = {
    errno.ENOSPC: "free some space, or give a path on another disk",
    errno.EDQUOT: "free some space, or give a path on another disk",
    errno.EFBIG: "give a path on a disk that takes files as large",
    errno.EISDIR: "give the name of a file in it",
    errno.ENOENT: "make its folder first, or give another path",
    errno.ENOTDIR: "give a path whose folder is one",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.EACCES: "give a path where you can write",
    errno.EPERM: "give a path where you can write",
    errno.EROFS: "give a path where you can write",
    errno.EINVAL: "give the path of a file",
}


@contextmanager
def whole(path: str | os.PathLike) -> Generator[Path, None, None]:
    """Where to write what is to be at `path`: beside it, synced and renamed if all goes well.

    A link stays a link: what it points to is replaced. An older file's mode is kept. Devices such
    as /dev/null and pipes stay what they are: they are written to when all is there.

    Raises
    ------
    OSError
        If the file cannot be written; the message has the path and a remedy.
    """
    part = None
    try:
        special = is_special(path)
        target = Path(os.path.realpath(path))
        # What a link is called tells the format, whatever it points to.
        named = target.with_suffix(Path(path).suffix)
        part = _elsewhere(named) if special else beside(named)
        yield part
        if special:
            with open(part, "rb") as source, open(path, "wb") as sink:
                shutil.copyfileobj(source, sink)
            return
        if target.exists():
            shutil.copymode(target, part)
        _sync(part)
        os.replace(part, target)
        with suppress(OSError):  # not every file system can
            _sync(target.parent)
    except OSError as error:
        if error.errno in REMEDIES and error.filename in (None, str(part), os.fspath(path)):
            raise told(error, os.fspath(path)) from error
        raise
    finally:
        if part is not None:
            with suppress(FileNotFoundError, OSError):
                part.unlink()


def is_special(path: str | os.PathLike) -> bool:
    """Whether there is a device or a pipe, to be written to and never replaced.

    Raises
    ------
    OSError
        If there is a folder, or something else that takes no bytes.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory", os.fspath(path))
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise OSError(errno.EINVAL, "it is a disk or a socket", os.fspath(path))
    return not stat.S_ISREG(mode)


def told(error: OSError, path: str) -> OSError:
    """The error with the path and what to do about it."""
    reason = error.strerror or str(error)
    remedy = REMEDIES.get(error.errno or 0, "give a path where you can write")
    return OSError(error.errno, reason if remedy in reason else f"{reason}; {remedy}", path)


def beside(target: Path) -> Path:
    """A hidden name beside a file, which nobody else has."""
    # The ending stays: writers go by it.
    own = f"{writer()}-{next(_count)}"
    return target.with_name(f".{target.stem[:64]}.{own}.part{target.suffix}")


def writer() -> str:
    """What this process calls itself in such names."""
    return f"{_NONCE}-{os.getpid():x}"


def remove_parts(folder: Path, writer: str) -> None:
    """Take away what a process left in a folder that was killed while it wrote."""
    if re.fullmatch("[0-9a-f]{8}-[0-9a-f]+", writer):
        for part in folder.glob(f".*.{writer}-*.part*"):
            with suppress(OSError):
                part.unlink()


def _elsewhere(target: Path) -> Path:
    """A name in the folder of temporary files, with the same ending."""
    return Path(tempfile.gettempdir(), beside(target).name)


def _sync(path: Path) -> None:
    """Have the disk hold what was written to a file or folder."""
    # Windows syncs what is open for writing alone, and no folders.
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
