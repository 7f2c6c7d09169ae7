"""Runs of EM side by side on threads, where passes are too short for threads to share one.

Each run is what it is alone, to the bit: it has scratch of its own, and one thread makes all of its
passes, as it would alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastem.blas_threads import one_thread
from fastem.compiler.threads import n_threads
from fastem.covariance import Family
from fastem.em.loop import Run
from fastem.em.rules import Rule
from fastem.em.state import State
from fastem.em.steps import weigh
from fastem.em.workspace import OverWhole, Workspace
from fastem.kernels.em_control import Control, Method, Scratch
from fastem.kernels.em_passes import DONE
from fastem.kernels.em_side_by_side import SideBySide
from fastem.rows import MemoryRows

#: Runs that are made at once where threads are fewer.
AT_ONCE = 8
#: Numbers in their statistics together, at most: each run takes the memory of a hundred such.
MOST_NUMBERS = 2**14


def at_once(workspace: Workspace | None, n_passes: int) -> int:
    """How many runs of so many passes are worth making side by side; 1 where none are."""
    if not isinstance(workspace, OverWhole) or n_threads(workspace.work) > 1:
        return 1
    threads = n_threads(workspace.work * n_passes)
    if threads == 1:
        return 1
    return max(1, min(max(threads, AT_ONCE), MOST_NUMBERS // workspace.buffers.statistics.size))


class Batch:
    """Room for some runs over the same rows, or as many others, of as many components.

    Parameters
    ----------
    workspace : Workspace
        For which `at_once` is more than 1.
    size : int
        Runs, at most.
    family : Family
    """

    def __init__(self, workspace: Workspace, size: int, family: Family) -> None:
        assert isinstance(workspace, OverWhole)
        self.size, self._family, self._workspace = size, family, workspace
        self._spaces = [workspace.another() for _ in range(size)]
        self._calls: dict[Control, SideBySide] = {}

    def runs(
        self,
        states: Sequence[State],
        rule: Rule,
        method: Method,
        parts: Sequence[MemoryRows] = (),
    ) -> Iterator[Run | None]:
        """The runs from some states; None where one did not come to its end and is to be made anew.

        Parameters
        ----------
        states : sequence of State
            Before the first pass.
        rule : Rule
        method : Method
        parts : sequence of MemoryRows
            As many as states, where each run is over rows of its own.
        """
        n = method.max_iter + 1
        control, code = Control.of(rule.kind, method.stepper), self._workspace.code
        states = [state.with_room(n) for state in states]
        spaces = self._spaces[: len(states)]
        if parts:
            spaces = [space.over(part) for space, part in zip(spaces, parts, strict=True)]
        calls = []
        for state, space in zip(states, spaces, strict=True):
            weigh(state, space.n_rows)
            K, D = state.shape.tolist()
            scratch = Scratch.of(state, K, D, self._family.diagonal)
            own = code, control, (K, D), space.passes, space.bounds, rule, method
            calls.append((*own, state, space.buffers, scratch, n, False, 0.0))
        if control not in self._calls:
            self._calls[control] = SideBySide(self.size, calls[0])
        with one_thread(int(states[0].shape[1])):
            come_to = self._calls[control](self._workspace.work * n * len(calls), calls)
        # All of them now: the next batch writes to the same arrays.
        return iter(list(map(self._ended, come_to.tolist(), states, spaces)))

    def _ended(self, how: int, state: State, space: Workspace) -> Run | None:
        if how != DONE:
            return None
        parameters = state.parameters(self._family)
        trace, summed = tuple(state.levels.tolist()), space.summed(parameters.means)
        return Run(parameters, summed, trace, state.n_iter, state.outcome, state)
