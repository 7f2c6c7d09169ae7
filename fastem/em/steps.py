"""One step of EM from a state: on to the next point, and a pass there, repeated until accepted.

`Step` is for every family and every place where rows live. `CompiledStep` is for so few rows that
Python between their passes would take several times as long: it makes many of them in one call,
and leaves to `Step` what it cannot do, the M steps in which an eigenvalue is raised to the floor.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fastem.compiler import function_pointers
from fastem.compiler.options import read_only
from fastem.compiler.slot_loop import LAUNCH_WORK
from fastem.covariance import Bounds, Family, Parameters
from fastem.density import LN2, Density
from fastem.density.accumulator import NO_LABELS
from fastem.em.rules import Rule
from fastem.em.state import State, vector
from fastem.kernels import em_control, em_passes
from fastem.kernels.em_control import NEXT, Control, Method, Scratch
from fastem.kernels.matrices import ROUNDING
from fastem.kernels.passes import summarise
from fastem.moments import DEAD, Moments
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
        self._control = Control.of(rule.kind, method.stepper)
        self._shape: tuple[int, int] = tuple(state.shape.tolist())
        self._scratch = Scratch.of(state, *self._shape, family.diagonal)
        self._moments: Moments | None = None

    def __call__(self, state: State, n: int) -> None:
        """Make a step, which ends in an accepted pass; n is 1."""
        if state.counters[NEXT] == em_control.PROJECTION:
            self._project(state)
        em_control.move.py_func(state)
        while True:
            point = state.parameters(self._family)
            density = self._family.factor(point)
            moments = self._rows.summarise(density)
            if self._moments is None:
                _weigh(state, moments.n_rows)
            self._moments = moments
            level = moments.log_likelihood / moments.n_rows + self._family.log_prior(point)
            if not em_control.take_back.py_func(
                level, self._method.precision, self._method.monotone, state
            ):
                break
        self._arrive(state, density, moments, point, level)

    def moments(self, state: State) -> Moments:
        """Of all rows at the point that was accepted last."""
        assert self._moments is not None
        return self._moments

    def _arrive(
        self, state: State, density: Density, moments: Moments, point: Parameters, level: float
    ) -> None:
        """The M step at an accepted point, and where it leads."""
        state.em_step[:] = vector(self._family.maximise(moments, self._bounds, point))
        if state.em_statistics.size:
            state.em_statistics[:] = moments.statistics
        factors = density.factors.reshape(len(density.factors), -1)
        own = self._shape, density.is_noisy, read_only(factors), level
        em_control.proceed(self._control, *own, self._rule, self._method, state, self._scratch)

    def _project(self, state: State) -> None:
        """The M step from extrapolated statistics: the point is in the family again."""
        K, D = self._shape
        found, n_rows = state.point_statistics, float(state.n_rows[0])
        counts, means = n_rows * found[:K], found[K : K + K * D].reshape(K, D)
        second = counts[:, None] * found[K + K * D :].reshape(K, -1)
        second = second.reshape((K, D) if self._family.diagonal else (K, D, D))
        moments = Moments(means, n_rows, 0.0, 0.0, counts, np.zeros((K, D)), second)
        em_step = state.parameters(self._family, state.em_step)
        state.point[:] = vector(self._family.maximise(moments, self._bounds, em_step))


class CompiledStep(Step):
    """Steps in compiled code, of rows in one array of float64 and a family with compiled M step.

    Parameters
    ----------
    rows, family, bounds, rule, method, state
        As of `Step`.
    density : Density
        Of the state's point.
    """

    #: Between two calls Python sees Ctrl-C.
    most = 256

    def __init__(
        self,
        rows: Rows,
        family: Family,
        bounds: Bounds,
        rule: Rule,
        method: Method,
        state: State,
        density: Density,
    ) -> None:
        super().__init__(rows, family, bounds, rule, method, state)
        assert rows.whole is not None
        X, sample_weight = rows.whole
        accumulator = density.accumulator(len(X), X.dtype, rows.units)
        block = accumulator.arguments(X, sample_weight)
        sums = accumulator.empty_sums(X, sample_weight)
        address = summarise.address((*block, *density.cast(X.dtype), sums, NO_LABELS))
        sums[0, 0] = np.add.accumulate(sums[:, 0])[-1]
        n_rows = float(sums[0, 0])
        _weigh(state, n_rows)
        (K, D), factors = self._shape, density.factors
        n_statistics = sums.shape[1] - em_passes.SCALARS
        self._density, self._sums, self._X = density, sums, X
        self._room = em_passes.Room.of(factors.shape, K, state.point.size, n_statistics)
        self._arguments: tuple[Any, ...] = (
            em_passes.Code.of(family.covariances_of, factors.ndim),
            self._control,
            self._shape,
            em_passes.Passes(address, block, sums, NO_LABELS, n_rows, LN2, rows.units.log_jacobian),
            em_passes.Bounds(read_only(bounds.ridge), bounds.floor, ROUNDING * D, DEAD),
            rule,
            method,
        )

    def __call__(self, state: State, n: int) -> None:
        """Make up to n steps, unless the run ends."""
        stop = state.n_passes + n
        while True:
            left = stop - state.n_passes
            how, level = em_passes.run_passes(
                *self._arguments, state, self._room, self._scratch, left
            )
            if how == em_passes.DONE:
                return
            if how == em_passes.PROJECT:
                self._project(state)
                em_control.move.py_func(state)
                continue
            point = state.parameters(self._family)
            density = self._family.factor(point)  # raises where it is singular
            self._arrive(state, density, self.moments(state), point, level)
            return

    def moments(self, state: State) -> Moments:
        """Of all rows at the point that was accepted last."""
        means = state.parameters(self._family).means
        density = replace(self._density, means=means)  # of which nothing else matters here
        accumulator = density.accumulator(len(self._X), self._X.dtype, self._rows.units)
        accumulator.merge(self._sums[:1])
        return accumulator.moments()


def step_for(
    rows: Rows, family: Family, bounds: Bounds, rule: Rule, method: Method, state: State
) -> Step:
    """The step that suits: compiled where rows are few and at hand, and the family allows it."""
    arguments = rows, family, bounds, rule, method, state
    if family.covariances_of is None or rows.whole is None or rows.dtype != np.float64:
        return Step(*arguments)
    if not function_pointers.AVAILABLE:
        return Step(*arguments)
    density = family.factor(state.parameters(family))
    if density.work(len(rows.whole[0])) >= LAUNCH_WORK:
        return Step(*arguments)
    return CompiledStep(*arguments, density)


def _weigh(state: State, n_rows: float) -> None:
    """Note the rows' sum of weights, which must be that of the passes before."""
    before = float(state.n_rows[0])
    if before not in (0.0, n_rows):
        raise ValueError(
            f"the run was begun with other sample weights: their sum was {before:g} and is "
            f"{n_rows:g}, in units of a power of 2; give the same ones, or delete the checkpoint"
        )
    state.n_rows[0] = n_rows
