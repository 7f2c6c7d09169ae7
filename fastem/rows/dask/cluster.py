"""The cluster that tasks run on: what its workers must have, and what is said when it is gone."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from dask.base import compute, get_scheduler
from dask.delayed import Delayed

#: What workers must have as this process has it: it travels between them.
PACKAGES = ["fastem", "numpy", "numba"]
#: Addresses that a message lists.
SHOWN = 3
#: Seconds from one look at who has joined to the next, while tasks run.
PAUSE = 2.0

#: Addresses of the workers that were asked, for each client.
_asked: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


def check_workers() -> None:
    """Ask all workers what they have, if there are any: without it they would never answer.

    Raises
    ------
    ConnectionError
        If the scheduler is gone.
    RuntimeError
        If a worker lacks a package or has another version of it.
    """
    client = _client()
    if client is None:
        return
    with connected():
        found = client.get_versions(packages=PACKAGES)
    _asked[client] = set(found["workers"])
    ours = found["client"]["packages"]
    workers = defaultdict(list)
    for address, worker in sorted(found["workers"].items()):
        theirs = worker["packages"]
        differing = [name for name in PACKAGES if theirs.get(name) != ours[name]]
        if differing:
            workers[tuple((name, theirs.get(name)) for name in differing)].append(address)
    if workers:
        told = ", ".join(_told(addresses, versions) for versions, addresses in workers.items())
        here = ", ".join(f"{name} {ours[name]}" for name in PACKAGES)
        raise RuntimeError(f"{told}, and this process has {here}; install the same on all workers")


def computed(tasks: Sequence[Delayed]) -> list[Any]:
    """What the tasks return, run where Dask would run them.

    Workers that have joined since all were asked are asked as well, before and meanwhile.

    Raises
    ------
    ConnectionError, RuntimeError
        As `check_workers` does.
    """
    client = _client()
    with connected():
        if client is None or _is_task():
            return list(compute(*tasks, traverse=False))
        _check_newcomers(client)
        futures = client.compute(list(tasks))
        while not _are_done(futures):
            try:
                _check_newcomers(client)
            except RuntimeError:
                client.cancel(futures)
                raise
        return list(client.gather(futures))


def _is_task() -> bool:
    """Whether this is a task itself, whose thread Dask lends to others while it waits."""
    try:
        sys.modules["distributed"].get_worker()
    except ValueError:
        return False
    return True


def _check_newcomers(client: Any) -> None:
    if not _asked.get(client, set()).issuperset(client.nthreads()):
        check_workers()


def _are_done(futures: Sequence[Any]) -> bool:
    """Whether they are, after some time at most."""
    try:
        sys.modules["distributed"].wait(futures, timeout=PAUSE)
    except TimeoutError:
        return False
    return True


@contextmanager
def connected() -> Iterator[None]:
    """A context in which a scheduler that goes away is told in words.

    Raises
    ------
    ConnectionError
        Instead of whatever else.
    """
    try:
        yield
    except Exception as error:
        client = _client()
        lost = client is not None and client.status != "running"
        if not lost and not isinstance(error, CancelledError):
            raise
        raise ConnectionError(
            "Dask's scheduler is gone, or its work was cancelled; start it again, give the rows "
            "again and call again: with checkpoint= a fit goes on from where it was"
        ) from error


def _client() -> Any:
    """What Dask sends tasks through, if it is a client of a cluster."""
    # Whoever has a client has imported it, and others need not wait for it.
    distributed = sys.modules.get("distributed")
    client = getattr(get_scheduler(), "__self__", None) if distributed else None
    return client if distributed and isinstance(client, distributed.Client) else None


def _told(addresses: list[str], versions: tuple[tuple[str, str | None], ...]) -> str:
    """Who has what."""
    more = f" and {len(addresses) - SHOWN} more workers" if len(addresses) > SHOWN else ""
    who = f"{', '.join(addresses[:SHOWN])}{more} {'has' if len(addresses) == 1 else 'have'}"
    what = (f"{name} {version}" if version else f"no {name}" for name, version in versions)
    return f"{who} {', '.join(what)}"
