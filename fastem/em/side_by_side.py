"""Runs of EM side by side on threads, where passes are too short for threads to share one.

Each run is what it is alone, to the bit: it has scratch of its own, and one thread makes all of its
passes, as it would alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastem.blas_threads import one_thread
from fastem.compiler.threads import n_threads
from fastem.covariance import Family, Parameters
from fastem.em.loop import Run
from fastem.em.rules import Rule
from fastem.em.state import State
from fastem.em.steps import weigh
from fastem.em.workspace import OverWhole, Workspace
from fastem.kernels.em_control import QUASI_NEWTON, Control, Method, Scratch
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
        starts: Sequence[Parameters],
        rule: Rule,
        method: Method,
        parts: Sequence[MemoryRows] = (),
    ) -> list[Run | None]:
        """The runs from some starts; None where one did not come to its end and is to be made anew.

        Parameters
        ----------
        starts : sequence of Parameters
            No more than `size`.
        rule : Rule
        method : Method
        parts : sequence of MemoryRows
            As many as starts, where each run is over rows of its own.
        """
        n = method.max_iter + 1
        control, code = Control.of(rule.kind, method.stepper), self._workspace.code
        spaces, accelerate = self._spaces[: len(starts)], method.stepper == QUASI_NEWTON
        if parts:
            spaces = [space.over(part) for space, part in zip(spaces, parts, strict=True)]
        states, calls, (K, D) = [], [], starts[0].means.shape
        for start, space in zip(starts, spaces, strict=True):
            state = State.begin(self._family, start, rule, accelerate).with_room(n)
            weigh(state, space.n_rows)
            states.append(state)
            scratch = Scratch.of(state, K, D, self._family.diagonal)
            own = code, control, (K, D), space.passes, space.bounds, rule, method
            calls.append((*own, state, space.buffers, scratch, n, False, 0.0))
        if control not in self._calls:
            self._calls[control] = SideBySide(self.size, calls[0])
        with one_thread(D):
            come_to = self._calls[control](self._workspace.work * n * len(calls), calls)
        return list(map(self._ended, come_to.tolist(), states, spaces))

    def _ended(self, how: int, state: State, space: Workspace) -> Run | None:
        if how != DONE:
            return None
        parameters = state.parameters(self._family)
        trace, summed = tuple(state.levels.tolist()), space.summed(parameters.means)
        return Run(parameters, summed, trace, state.n_iter, state.outcome, state)
