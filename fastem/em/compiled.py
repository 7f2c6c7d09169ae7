"""Steps in compiled code, for rows in one array: between passes Python would take long.

Where rows are few many steps are one call. Where threads pay, and of rows in single precision, a
pass is a call of its own, and so is what happens between two of them. What raises eigenvalues to
the floor is compiled when the first of them is below it; `Step` makes that M step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fastem.compiler import function_pointers
from fastem.compiler.options import read_only
from fastem.compiler.slot_loop import LAUNCH_WORK
from fastem.covariance import Bounds, Family
from fastem.density import LN2, Density
from fastem.density.accumulator import NO_LABELS
from fastem.em.rules import Rule
from fastem.em.state import State
from fastem.em.steps import Step, weigh
from fastem.kernels import em_arguments, em_control, em_passes
from fastem.kernels.ascending import summarise_ascending
from fastem.kernels.em_control import Method
from fastem.kernels.floor import ROUNDING
from fastem.kernels.passes import summarise
from fastem.moments import DEAD, Moments
from fastem.rows import Rows

_NO_BELIEFS = read_only(np.empty(0))


class Workspace:
    """What compiled steps over some rows need, whichever run they belong to.

    Parameters
    ----------
    rows : Rows
        In one array.
    family : Family
        With a compiled M step, or beliefs.
    bounds : Bounds
    density : Density
        Of some point.
    n_point : int
        Numbers in a point.
    """

    def __init__(
        self, rows: Rows, family: Family, bounds: Bounds, density: Density, n_point: int
    ) -> None:
        assert rows.whole is not None
        X, sample_weight = rows.whole
        accumulator = density.accumulator(len(X), X.dtype, rows.units)
        block = accumulator.arguments(X, sample_weight)
        self.sums = accumulator.empty_sums(X, sample_weight)
        kernel = summarise_ascending if rows.ascending else summarise
        self.sums[0, 0] = np.add.accumulate(self.sums[:, 0])[-1]
        self.n_rows = float(self.sums[0, 0])
        self._kernel, self._work = kernel, density.work(len(X))
        address = 0
        if X.dtype == np.float64 and (rows.ascending or self._work < LAUNCH_WORK):
            address = kernel.address((*block, *density.cast(X.dtype), self.sums, NO_LABELS))
        factors, (K, D) = density.factors, density.means.shape
        self.buffers = em_arguments.Buffers.of(factors.shape, K, n_point, density.is_noisy)
        has_prior = family.beliefs is not None
        kinds = factors.ndim, has_prior, density.is_noisy
        self.code = em_arguments.Code.of(family.covariances_of, *kinds)
        self.passes = em_arguments.Passes(
            address,
            block,
            self.sums,
            NO_LABELS,
            self.n_rows,
            LN2,
            rows.units.log_jacobian,
            family.noise_density,
        )
        beliefs = _NO_BELIEFS if family.beliefs is None else family.beliefs
        limits = read_only(bounds.ridge), bounds.floor, ROUNDING * D, DEAD
        self.bounds = em_arguments.Bounds(*limits, beliefs)
        self._density, self._X, self._units = density, X, rows.units

    @classmethod
    def of(cls, rows: Rows, family: Family, bounds: Bounds, state: State) -> Workspace | None:
        """For runs such as the state's; None where the rows or the family do not allow it."""
        compiled = family.covariances_of is not None or family.beliefs is not None
        if not (compiled and function_pointers.AVAILABLE) or rows.whole is None:
            return None
        if em_control.is_wide(int(state.shape[1]), family.diagonal):
            return None
        density, n = family.factor(state.parameters(family)), len(rows.whole[0])
        accumulator = density.accumulator(n, rows.dtype, rows.units)
        if n > accumulator.most_slots * accumulator.slot_rows:
            return None
        if rows.ordered and density.prunable(n):
            return None
        return cls(rows, family, bounds, density, state.point.size)

    def summarise(self, point: NDArray[np.float64]) -> None:
        """A pass at a point whose factors are in the buffers, on threads where these pay."""
        (K, D), buffers = self._density.means.shape, self.buffers
        means, factors = point[K : K + K * D].reshape(K, D), buffers.factors
        if self._density.is_noisy:
            means, factors = buffers.means, buffers.with_noise
        density = means, factors, buffers.log_norms
        cast = [read_only(np.asarray(array, self._X.dtype)) for array in density]
        buffers.about[K : K + K * D] = cast[0][:K].ravel()
        sums = self.sums, NO_LABELS
        self._kernel(self._work, len(self.sums), *self.passes.block, *cast, *sums)

    def summed(self, means: NDArray[np.float64]) -> Callable[[], Moments]:
        """What gives the moments of all rows about the means at which the last pass was made."""
        sums = self.sums[:1].copy()

        def moments() -> Moments:
            density = replace(self._density, means=means)  # of which nothing else matters here
            accumulator = density.accumulator(len(self._X), self._X.dtype, self._units)
            accumulator.merge(sums)
            return accumulator.moments()

        return moments


class CompiledStep(Step):
    """Steps in compiled code.

    Parameters
    ----------
    rows, family, bounds, rule, method, state
        As of `Step`.
    workspace : Workspace
        Which no other step uses at the same time.
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
        workspace: Workspace,
    ) -> None:
        super().__init__(rows, family, bounds, rule, method, state)
        self._workspace = workspace
        weigh(state, workspace.n_rows)
        self._arguments = (
            self._control,
            self._shape,
            workspace.passes,
            workspace.bounds,
            rule,
            method,
        )

    def __call__(self, state: State, n: int) -> None:
        """Make up to n steps, unless the run ends."""
        stop, space = state.n_passes + n, self._workspace
        how, level = em_passes.DONE, 0.0
        while True:
            own = state, space.buffers, self._scratch, stop - state.n_passes
            begun = how == em_passes.PASS
            how, level = em_passes.run_passes(space.code, *self._arguments, *own, begun, level)
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
    """The step that suits: compiled where rows are in one array and the family allows it."""
    arguments = rows, family, bounds, rule, method, state
    workspace = workspace or Workspace.of(rows, family, bounds, state)
    return Step(*arguments) if workspace is None else CompiledStep(*arguments, workspace)
