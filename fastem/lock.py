"""A lock beside a file: one process at a time works on it, and others are told which.

The system keeps the lock and lets go of it when the process ends, however it ends: what a killed
process left is taken over. A file beside it, `.fit.npz.lock` for `fit.npz`, says who has it.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fastem.atomic import remove_parts, told, writer

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: Seconds from one try to the next of who waits.
PAUSE = 1.0
#: What tells this machine, as long as it runs, from others: containers have names of their own.
KERNEL = Path("/proc/sys/kernel/random/boot_id")

#: The byte that is locked on Windows, far behind the text: others cannot read what is locked.
LOCKED = 2**30

_descriptors: set[int] = set()


@contextmanager
def sole(path: str | os.PathLike | None, option: str, *, wait: bool) -> Iterator[None]:
    """A context in which no other process, and no other thread, has the file of that path.

    In a folder that machines share, the lock of a process that was killed on another machine stays:
    from here nobody can see whether it runs. Where the file system or the system has no locks,
    nobody is kept out.

    Parameters
    ----------
    path : path or None
        The file, which need not be there; None asks for nothing.
    option : str
        What a user says to wait, for the message.
    wait : bool
        Whether to wait until it is free.

    Raises
    ------
    BlockingIOError
        If another has it; the message says which process, on which host and since when.
    OSError
        If no lock can be written there.
    """
    if path is None:
        yield
        return
    target = Path(os.path.realpath(path))
    lock = target.with_name(f".{target.name}.lock")
    with ExitStack() as held:
        while (owner := _taken(lock, held)) is not None:
            if not wait:
                raise BlockingIOError(f"{os.fspath(path)} is in use by {owner.text(lock, option)}")
            time.sleep(PAUSE)
        yield


@dataclass(frozen=True)
class Owner:
    """Who has a lock, as the file says; nothing is known where it says nothing."""

    process: int = 0
    host: str = ""
    kernel: str = ""
    since: str = ""
    writer: str = ""

    @classmethod
    def me(cls) -> Owner:
        """Who runs."""
        since = datetime.now(UTC).isoformat(" ", "seconds")
        return cls(os.getpid(), socket.gethostname(), _kernel(), since, writer())

    @classmethod
    def of(cls, text: bytes) -> Owner:
        """Who wrote the text."""
        try:
            found = cls(**json.loads(text))
            kinds = {name: type(getattr(found, name)) for name in cls.__dataclass_fields__}
            return found if kinds == {n: type(getattr(cls, n)) for n in kinds} else cls()
        except (ValueError, TypeError, RecursionError):
            return cls()

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is a process of another machine, which may run though the lock is free here.

        A machine of this name that was started anew is this one: the process is no more.
        """
        return bool(self.host) and self.host != socket.gethostname() and self.kernel != _kernel()

    def text(self, lock: Path, option: str) -> str:
        """What the other one is told."""
        who = f"process {self.process} on {_printable(self.host)} since {_printable(self.since)}"
        remedy = f"wait for it with {option}, or give another path"
        if self.is_elsewhere:
            remedy += f"; if it does not run any more, delete {lock}"
        return f"{who if self.process else 'another process'}; {remedy}"


def _taken(lock: Path, held: ExitStack) -> Owner | None:
    """Who has the lock; None if it is ours now, until the stack is left."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise told(error, os.fspath(lock)) from error
    free = _try(descriptor)
    owner = Owner.of(os.read(descriptor, 4096))
    if free and not _is_at(descriptor, lock):  # the one before took it away
        os.close(descriptor)
        return _taken(lock, held)
    if not free or owner.is_elsewhere:
        os.close(descriptor)
        return owner
    _descriptors.add(descriptor)
    held.callback(_release, lock, descriptor, os.getpid())
    remove_parts(lock.parent, owner.writer)
    with suppress(OSError):  # a full disk keeps nobody from the lock itself
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps(vars(Owner.me())).encode())
    return None


def _try(descriptor: int) -> bool:
    """Whether the system's lock could be had; it can where there is none."""
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            _lock_byte(descriptor)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _lock_byte(descriptor: int) -> None:
    """Lock as Windows does: some bytes of a file."""
    import msvcrt

    os.lseek(descriptor, LOCKED, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)


def _is_at(descriptor: int, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(lock))
    except FileNotFoundError:
        return False


def _release(lock: Path, descriptor: int, process: int) -> None:
    if os.getpid() != process:  # a fork: the lock is its parent's
        return
    if fcntl:  # nobody is to have a file that is taken away then
        with suppress(OSError):
            lock.unlink()
    _descriptors.discard(descriptor)
    os.close(descriptor)
    if not fcntl:  # Windows takes no file away that somebody has open
        with suppress(OSError):
            lock.unlink()


def _forget() -> None:
    """In a fork: it does not keep the lock when its parent is gone."""
    for descriptor in _descriptors:
        os.close(descriptor)
    _descriptors.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _kernel() -> str:
    try:
        return KERNEL.read_text().strip()
    except OSError:
        return ""


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:64])
