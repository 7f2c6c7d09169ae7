"""Steps in compiled code, for rows in memory: between passes Python would take long.

Many steps are one call, and threads share each of its passes where they pay. Of rows that are not
all alike a pass is a call of its own, and so is what happens between two of them; so it is where a
pass takes more than a second. What raises eigenvalues to the floor is compiled when the first of
them is below it; `Step` makes that M step.
"""

from __future__ import annotations

from collections.abc import Callable

from fastem.covariance import Bounds, Family
from fastem.em.rules import Rule
from fastem.em.state import State
from fastem.em.steps import Step, weigh
from fastem.em.workspace import Workspace
from fastem.kernels import em_passes
from fastem.kernels.em_control import Method
from fastem.moments import Moments
from fastem.rows import Rows


class CompiledStep(Step):
    """Steps in compiled code.

    Parameters
    ----------
    rows, family, bounds, rule, method, state
        As of `Step`.
    workspace : Workspace
        Which no other step uses at the same time.
    """

    def __init__(
        self,
        rows: Rows,
        family: Family,
        bounds: Bounds,
        rule: Rule,
        method: Method,
        state: State,
        workspace: Workspace,
    ) -> None:
        super().__init__(rows, family, bounds, rule, method, state)
        self._workspace = workspace
        weigh(state, workspace.n_rows)
        self.most = workspace.most

    def __call__(self, state: State, n: int) -> None:
        """Make up to n steps, unless the run ends."""
        stop, space = state.n_passes + n, self._workspace
        how, level = em_passes.DONE, 0.0
        run = self._control, self._shape, space.passes_now(), space.bounds, self._rule, self._method
        while True:
            own = state, space.buffers, self._scratch, stop - state.n_passes
            begun = how == em_passes.PASS
            how, level = em_passes.run_passes(space.code, *run, *own, begun, level)
            if how == em_passes.DONE:
                return
            if how == em_passes.PASS:
                space.summarise(state.point)
                continue
            if how != em_passes.SINGULAR:
                space.code = space.code.raising()
            if how == em_passes.PROJECT:  # of which nothing is done yet
                continue
            point = state.parameters(self._family)
            density = self._family.factor(point)  # raises where it is singular
            self.arrive(state, density, self.summed(state)(), point, level)
            return

    def summed(self, state: State) -> Callable[[], Moments]:
        """What gives the moments of all rows at the point that was accepted last."""
        return self._workspace.summed(state.parameters(self._family).means)


def step_for(
    rows: Rows,
    family: Family,
    bounds: Bounds,
    rule: Rule,
    method: Method,
    state: State,
    workspace: Workspace | None = None,
) -> Step:
    """The step that suits: compiled where rows are in memory and the family allows it."""
    arguments = rows, family, bounds, rule, method, state
    workspace = workspace or Workspace.of(rows, family, bounds, state)
    return Step(*arguments) if workspace is None else CompiledStep(*arguments, workspace)
