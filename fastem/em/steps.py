"""One step of EM from a state, for every family and every place where rows live.

On to the next point, and a pass there, repeated until it is accepted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fastem.compiler.options import read_only
from fastem.covariance import Bounds, Family, Parameters
from fastem.density import Density
from fastem.em.rules import Rule
from fastem.em.state import State, vector
from fastem.kernels import em_control
from fastem.kernels.em_control import NEXT, Control, Method, Scratch
from fastem.kernels.whitening import whiten_steps
from fastem.moments import Moments
from fastem.rows import Rows


class Step:
    """A step in Python.

    Parameters
    ----------
    rows : Rows
    family : Family
    bounds : Bounds
    rule : Rule
    method : Method
    state : State
        Of the run.
    """

    #: Passes of a call, at most.
    most = 1

    def __init__(
        self, rows: Rows, family: Family, bounds: Bounds, rule: Rule, method: Method, state: State
    ) -> None:
        self._rows, self._family, self._bounds = rows, family, bounds
        self._rule, self._method = rule, method
        self._shape: tuple[int, int] = tuple(state.shape.tolist())
        self._is_wide = em_control.is_wide(self._shape[1], family.diagonal)
        self._control = Control.of(rule.kind, method.stepper, 3 if self._is_wide else 2)
        self._scratch = Scratch.of(state, *self._shape, family.diagonal)
        self._moments: Moments | None = None

    def __call__(self, state: State, n: int) -> None:
        """Make a step, which ends in an accepted pass; n is 1."""
        if state.counters[NEXT] == em_control.PROJECTION:
            self.project(state)
        em_control.move.py_func(state)
        while True:
            point = state.parameters(self._family)
            density = self._family.factor(point)
            moments = self._rows.summarise(density)
            if self._moments is None:
                weigh(state, moments.n_rows)
            self._moments = moments
            level = moments.log_likelihood / moments.n_rows + self._family.log_prior(point)
            if not em_control.take_back.py_func(
                level, self._method.precision, self._method.monotone, state
            ):
                break
        self.arrive(state, density, moments, point, level)

    def summed(self, state: State) -> Callable[[], Moments]:
        """What gives the moments of all rows at the point that was accepted last."""
        moments = self._moments
        assert moments is not None
        return lambda: moments

    def arrive(
        self, state: State, density: Density, moments: Moments, point: Parameters, level: float
    ) -> None:
        """The M step at an accepted point, and where it leads."""
        state.em_step[:] = vector(self._family.maximise(moments, self._bounds, point))
        if state.em_statistics.size:
            state.em_statistics[:] = moments.statistics
        factors = read_only(density.factors)
        if not self._is_wide:
            factors = factors.reshape(len(factors), -1)
        elif self._rule.kind == em_control.EXPECTED_GAIN:
            ends = state.point, state.em_step, self._shape, factors, self._method.scale
            whiten_steps(*ends, state.gain.before, self._scratch.steps)
        own = self._shape, density.is_noisy, factors, level
        em_control.proceed(self._control, *own, self._rule, self._method, state, self._scratch)

    def project(self, state: State) -> None:
        """The M step from extrapolated statistics: the point is in the family again."""
        K, D = self._shape
        found, n_rows = state.point_statistics, float(state.n_rows[0])
        counts, means = n_rows * found[:K], found[K : K + K * D].reshape(K, D)
        second = counts[:, None] * found[K + K * D :].reshape(K, -1)
        second = second.reshape((K, D) if self._family.diagonal else (K, D, D))
        moments = Moments(means, n_rows, 0.0, 0.0, counts, np.zeros((K, D)), second)
        em_step = state.parameters(self._family, state.em_step)
        state.point[:] = vector(self._family.maximise(moments, self._bounds, em_step))


def weigh(state: State, n_rows: float) -> None:
    """Note the rows' sum of weights, which must be that of the passes before."""
    before = float(state.n_rows[0])
    if before not in (0.0, n_rows):
        raise ValueError(
            f"the run was begun with other sample weights: their sum was {before:g} and is "
            f"{n_rows:g}, in units of a power of 2; give the same ones, or delete the checkpoint"
        )
    state.n_rows[0] = n_rows
