"""Where chunks are: they are worked on there, together, so that none has to travel."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from dask.base import annotate
from dask.delayed import Delayed, delayed

from fastem.lazy import lazy
from fastem.rows.dask.cluster import computed, connected

#: Bytes of rows in one task, at most: a worker may have put some of its chunks on disk.
TOGETHER = 2**28

R = TypeVar("R")
#: The address of a worker; None leaves the choice to Dask.
Worker = str | None


class Group(NamedTuple):
    """Chunks by their numbers, and the worker that holds them, if one does."""

    numbers: Sequence[int]
    worker: Worker = None


@dataclass(frozen=True, eq=False)
class Chunks:
    """Rows in chunks.

    Parameters
    ----------
    blocks : tuple of Delayed
        Each an array of rows, (n, n_features), of any dtype and layout.
    weights : tuple of Delayed or None
        For each chunk, of its rows.
    held : collections of Dask
        What the chunks were taken from: Dask drops what was persisted once nobody holds it.
    """

    blocks: tuple[Delayed, ...]
    weights: tuple[Delayed | None, ...]
    held: object

    def pair(self, i: int) -> tuple[Delayed, Delayed | None]:
        """A chunk and the weights of its rows."""
        return self.blocks[i], self.weights[i]

    def each(
        self,
        work: Callable[..., R],
        arguments: Callable[[int], tuple],
        which: Iterable[int] | None = None,
    ) -> list[R]:
        """What a function makes of each chunk and its weights, with more arguments for each.

        Parameters
        ----------
        work : callable
        arguments : callable
            From the number of a chunk.
        which : iterable of int, optional
            Numbers of chunks; all by default.
        """
        task, workers = delayed(work, pure=False), self.workers()
        tasks = []
        for i in range(len(self.blocks)) if which is None else which:
            with at(workers[i]):
                tasks.append(task(*self.pair(i), *arguments(i)))
        return computed(tasks)

    def workers(self) -> list[Worker]:
        """Which one holds each chunk, or all that it is made of."""
        with connected():
            futures = self._futures()
            holders = futures[0].client.who_has(futures) if futures else {}
        return [_common([holders[key] for key in keys if key in holders]) for keys in self._origins]

    def _futures(self) -> list[Any]:
        """What of the chunks, or of what they are made of, is on a cluster."""
        # Whoever has persisted chunks has imported it, and others need not wait for it.
        distributed = sys.modules.get("distributed")
        return distributed.futures_of(self.held) if distributed else []

    @lazy
    def _origins(self) -> list[set[Hashable]]:
        """Keys of what each chunk is made of, which depend on no others."""
        # All blocks are of one graph. What is on a cluster is no part of it: tasks only name it.
        tasks: Mapping[Any, Any] = self.blocks[0].__dask_graph__()
        before = {key: set(getattr(task, "dependencies", ())) for key, task in tasks.items()}
        return [_roots(block.key, before) for block in self.blocks]

    def groups(self, n_bytes: Sequence[int]) -> list[Group]:
        """Chunks that workers hold, in as many groups as these have threads.

        Chunks that are not there yet are groups of their own.

        Parameters
        ----------
        n_bytes : sequence of int
            Of the rows of each chunk.
        """
        chunks: dict[Worker, list[int]] = defaultdict(list)
        for i, worker in enumerate(self.workers()):
            chunks[worker].append(i)
        found = [Group([i]) for i in chunks.pop(None, ())]
        with connected():
            threads = self._futures()[0].client.nthreads() if chunks else {}
        for worker, numbers in chunks.items():
            size = sum(n_bytes[i] for i in numbers)
            n_groups = min(max(threads.get(worker, 1), -(-size // TOGETHER)), len(numbers))
            found += [Group(some.tolist(), worker) for some in np.array_split(numbers, n_groups)]
        return found


def at(worker: Worker) -> AbstractContextManager[None]:
    """A context whose tasks are that worker's; others help out, should it die."""
    return annotate(**({"workers": [worker], "allow_other_workers": True} if worker else {}))


def _roots(key: Hashable, before: Mapping[Hashable, Set[Hashable]]) -> set[Hashable]:
    """Keys that it depends on, at last, and that depend on no others."""
    seen, left, roots = {key}, [key], set()
    while left:
        key = left.pop()
        needed = before.get(key)
        if not needed:
            roots.add(key)
            continue
        left += needed - seen
        seen |= needed
    return roots


def _common(holders: Sequence[Sequence[str]]) -> Worker:
    """A worker that is among all holders, the same one every time."""
    return min(set.intersection(*map(set, holders)), default=None) if holders else None
