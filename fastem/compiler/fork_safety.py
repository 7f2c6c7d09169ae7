"""Forks: a process may fork while others of its threads compile."""

import os
import threading

from fastem.compiler.internals import LOCK

__all__ = ["forked", "global_compiler_lock"]

#: Held by whoever compiles.
global_compiler_lock = threading.RLock() if LOCK is None else LOCK.lock

_forked = False


def forked() -> bool:
    """Whether this process was forked from another that had imported this."""
    return _forked


def _before_fork() -> None:
    global_compiler_lock.acquire()


def _after_fork_in_parent() -> None:
    global_compiler_lock.release()


def _after_fork_in_child() -> None:
    global _forked
    _forked = True  # for good, and for its children too: here the work queue's lock has no use
    _after_fork_in_parent()


# A fork waits until no other thread compiles: the child could never get the compiler's lock. What
# other threads import meanwhile, and multiply in BLAS, is theirs to look after, as everywhere.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
