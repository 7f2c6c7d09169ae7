"""Runs of EM over the same rows, which share what compiled steps need."""

from __future__ import annotations

from collections.abc import Callable

from fastem.blas_threads import one_thread
from fastem.covariance import Bounds, Family, Parameters
from fastem.em.compiled import step_for
from fastem.em.loop import Pass, Run, method_of, run
from fastem.em.rules import Rule
from fastem.em.state import State
from fastem.em.steps import Step
from fastem.em.workspace import Workspace
from fastem.rows import Rows


class Runs:
    """Runs over the same rows: to prepare one takes as long as several short ones.

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
        self._short: dict[tuple[int, int], tuple[State, Step]] = {}  # and of steps

    def short(self, start: Parameters, steps: int) -> tuple[float, Parameters]:
        """Level and parameters after so many plain steps; such runs share all but the start."""
        family, key = self._family, (len(start.weights), steps)
        if key not in self._short:
            state = State.begin(family, start, Rule(), accelerate=False).with_room(steps + 1)
            method = method_of(self.rows, self._bounds, Rule(), steps, accelerate=False)
            own = self.rows, family, self._bounds, Rule(), method, state
            self._short[key] = state, step_for(*own, self._workspace(state))
        state, step = self._short[key]
        state.restart(start)
        with one_thread(start.means.shape[1]):
            while state.outcome == "running":
                step(state, steps + 1 if step.most > 1 else 1)
        return float(state.levels[-1]), state.parameters(family)

    def run(
        self,
        start: Parameters | State,
        rule: Rule,
        max_iter: int,
        on_pass: Callable[[Pass], object] | None = None,
    ) -> Run:
        """As the function `run` with these arguments; one run at a time."""
        state = start
        if not isinstance(state, State):
            state = State.begin(self._family, state, rule, self._accelerate)
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

    def _workspace(self, state: State) -> Workspace | None:
        n_components = int(state.shape[0])
        if n_components not in self._workspaces:
            found = Workspace.of(self.rows, self._family, self._bounds, state)
            self._workspaces[n_components] = found
        return self._workspaces[n_components]
