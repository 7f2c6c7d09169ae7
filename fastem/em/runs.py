"""Runs of EM over the same rows, which share what compiled steps need."""

from __future__ import annotations

from collections.abc import Callable

from fastem.covariance import Bounds, Family, Parameters
from fastem.em.compiled import Workspace
from fastem.em.loop import Pass, Run, run
from fastem.em.rules import Rule
from fastem.em.state import State
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
        self._rows, self._family, self._bounds = rows, family, bounds
        self._accelerate = accelerate
        self._workspaces: dict[int, Workspace | None] = {}  # by the number of components

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
        n_components = int(state.shape[0])
        if n_components not in self._workspaces:
            found = Workspace.of(self._rows, self._family, self._bounds, state)
            self._workspaces[n_components] = found
        return run(
            self._rows,
            self._family,
            state,
            bounds=self._bounds,
            rule=rule,
            max_iter=max_iter,
            accelerate=self._accelerate,
            on_pass=on_pass,
            workspace=self._workspaces[n_components],
        )
