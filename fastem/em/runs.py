"""Runs of EM over the same rows, which share what compiled steps need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from fastem.blas_threads import one_thread
from fastem.covariance import Bounds, Family, Parameters
from fastem.em.compiled import step_for
from fastem.em.loop import Pass, Run, method_of, run
from fastem.em.rules import Rule
from fastem.em.side_by_side import Batch, at_once
from fastem.em.state import State
from fastem.em.steps import Step
from fastem.em.workspace import OverWhole, Workspace
from fastem.rows import MemoryRows, Rows

T = TypeVar("T")


class Runs:
    """Runs over the same rows: to prepare one takes as long as several short ones.

    Where passes are too short for threads to share them, threads make several runs at once. What
    these begin with is then drawn before the runs of those before it are asked for.

    Parameters
    ----------
    rows : Rows
    family : Family
    bounds : Bounds
    accelerate : bool
    """

    def __init__(self, rows: Rows, family: Family, bounds: Bounds, accelerate: bool = True) -> None:
        self.rows, self._family, self._bounds = rows, family, bounds
        self._accelerate = accelerate
        self._workspaces: dict[int, Workspace | None] = {}  # by the number of components
        self._batches: dict[int, Batch] = {}
        self._short: dict[tuple[int, int], tuple[State, Step]] = {}  # and of steps

    def run(
        self,
        start: Parameters | State,
        rule: Rule,
        max_iter: int,
        on_pass: Callable[[Pass], object] | None = None,
    ) -> Run:
        """As the function `run` with these arguments; one run at a time."""
        state = start if isinstance(start, State) else self._begin(start, rule, self._accelerate)
        return run(
            self.rows,
            self._family,
            state,
            bounds=self._bounds,
            rule=rule,
            max_iter=max_iter,
            accelerate=self._accelerate,
            on_pass=on_pass,
            workspace=self._workspace(state),
        )

    def each(
        self,
        starts: Iterable[Parameters],
        rule: Rule,
        max_iter: int,
        on_pass: Callable[[Pass], object] | None = None,
    ) -> Iterator[Run]:
        """The runs from starts, in their order, as `run` makes them; told of passes, one by one."""
        method = method_of(self.rows, self._bounds, rule, max_iter, self._accelerate)
        n_passes = max_iter + 1 if on_pass is None else 0
        for some, batch in self._divided(starts, lambda start: start, n_passes):
            ended = batch.runs(some, rule, method) if batch else [None]
            for start, found in zip(some, ended, strict=True):
                yield found or self.run(start, rule, max_iter, on_pass)

    def short(self, starts: Iterable[Parameters], steps: int) -> Iterator[tuple[float, Parameters]]:
        """Level and parameters after so many plain steps from each start, in their order."""
        method = method_of(self.rows, self._bounds, Rule(), steps, accelerate=False)
        for some, batch in self._divided(starts, lambda start: start, steps + 1):
            ended = batch.runs(some, Rule(), method) if batch else [None]
            for start, found in zip(some, ended, strict=True):
                yield (found.trace[-1], found.parameters) if found else self._stepped(start, steps)

    def short_over(
        self, parts: Iterable[MemoryRows], start: Parameters, steps: int
    ) -> Iterator[tuple[float, Parameters]]:
        """The same from one start over other rows, as many as these and alike, in their order."""
        method = method_of(self.rows, self._bounds, Rule(), steps, accelerate=False)
        for some, batch in self._divided(parts, lambda _: start, steps + 1):
            starts = [start] * len(some)
            ended = batch.runs(starts, Rule(), method, some) if batch else [None]
            for part, found in zip(some, ended, strict=True):
                if found is None:
                    yield self._over(part, start)._stepped(start, steps)
                else:
                    yield found.trace[-1], found.parameters

    def _divided(
        self, items: Iterable[T], start_of: Callable[[T], Parameters], n_passes: int
    ) -> Iterator[tuple[list[T], Batch | None]]:
        """Items in groups, and what makes their runs side by side; None where an item is alone."""
        items, n = iter(items), 1
        for first in items:
            start = start_of(first)
            at_most = at_once(self._workspace_of(start), n_passes)
            n = min(2 * n, at_most)  # who asks may want no more than the first few
            some = [first, *islice(items, n - 1)]
            yield some, self._batch(start, at_most) if len(some) > 1 else None

    def _batch(self, start: Parameters, n: int) -> Batch:
        K, space = len(start.weights), self._workspace_of(start)
        if K not in self._batches or self._batches[K].size != n:
            assert space is not None
            self._batches[K] = Batch(space, n, self._family)
        return self._batches[K]

    def _begin(self, start: Parameters, rule: Rule, accelerate: bool) -> State:
        return State.begin(self._family, start, rule, accelerate)

    def _stepped(self, start: Parameters, steps: int) -> tuple[float, Parameters]:
        """A short run by itself; such runs share all but the start."""
        key = len(start.weights), steps
        if key not in self._short:
            state = self._begin(start, Rule(), accelerate=False).with_room(steps + 1)
            method = method_of(self.rows, self._bounds, Rule(), steps, accelerate=False)
            own = self.rows, self._family, self._bounds, Rule(), method, state
            self._short[key] = state, step_for(*own, self._workspace(state))
        state, step = self._short[key]
        state.restart(start)
        with one_thread(start.means.shape[1]):
            while state.outcome == "running":
                step(state, steps + 1 if step.most > 1 else 1)
        return float(state.levels[-1]), state.parameters(self._family)

    def _over(self, rows: MemoryRows, start: Parameters) -> Runs:
        """Runs over other rows, as many as these and alike."""
        runs, space = Runs(rows, self._family, self._bounds), self._workspace_of(start)
        if isinstance(space, OverWhole):
            runs._workspaces[len(start.weights)] = space.over(rows)
        return runs

    def _workspace_of(self, start: Parameters) -> Workspace | None:
        if len(start.weights) in self._workspaces:
            return self._workspaces[len(start.weights)]
        return self._workspace(self._begin(start, Rule(), accelerate=False))

    def _workspace(self, state: State) -> Workspace | None:
        n_components = int(state.shape[0])
        if n_components not in self._workspaces:
            found = Workspace.of(self.rows, self._family, self._bounds, state)
            self._workspaces[n_components] = found
        return self._workspaces[n_components]
