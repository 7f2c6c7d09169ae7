"""Forks: a process may fork while others of its threads compile, or multiply matrices."""

import contextlib
import os
import threading

try:
    from numba.core.compiler_lock import global_compiler_lock
except ImportError:
    global_compiler_lock = threading.RLock()  # type: ignore[assignment]

__all__ = ["fork_waits", "forked", "global_compiler_lock"]

# Arrays of fewer numbers than this are too small for NumPy's own library to use threads.
LARGE_PRODUCT = 2048

_forked = False
_turnstile, _products = threading.Lock(), threading.RLock()
_no_wait = contextlib.nullcontext()


def forked() -> bool:
    """Whether this process was forked from another that had imported this."""
    return _forked


def fork_waits(size: int = LARGE_PRODUCT) -> contextlib.AbstractContextManager:
    """While NumPy works on matrices that hold so many numbers, a fork of this process waits.

    OpenBLAS ends its threads before a fork, and waits for ever for those at work on a product of
    another Python thread. Without a size this is for an import: a process forked meanwhile could
    never get the module's lock. No code of the user may run in here.

    Examples
    --------
    >>> import numpy as np
    >>> matrices = np.tile(np.eye(100), (3, 1, 1))
    >>> with fork_waits(matrices.size):
    ...     products = matrices @ matrices
    """
    if size < LARGE_PRODUCT:
        return _no_wait
    if not _products._is_owned():  # type: ignore[attr-defined]
        with _turnstile:  # closed by a fork that waits: it need not wait for newcomers
            pass
    return _products


def _before_fork() -> None:
    _turnstile.acquire()
    _products.acquire()  # before the compiler's lock: who has this one may yet have to compile
    global_compiler_lock.acquire()


def _after_fork_in_parent() -> None:
    global_compiler_lock.release()
    _products.release()
    _turnstile.release()


def _after_fork_in_child() -> None:
    global _forked
    _forked = True  # for good, and for its children too: here the work queue's lock has no use
    _after_fork_in_parent()


# A fork waits until no other thread compiles: the child could never get the compiler's lock. What
# the user's threads import meanwhile, and multiply, is theirs to look after, as everywhere.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
