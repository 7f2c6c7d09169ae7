"""What compiled steps need over some rows: machine code, scratch, and passes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fastem.compiler import function_pointers
from fastem.compiler.options import read_only
from fastem.compiler.slot_loop import PIECE_WORK
from fastem.compiler.threads import is_reentrant, n_threads
from fastem.covariance import Bounds, Family
from fastem.density import LN2, Density
from fastem.density.accumulator import NO_LABELS
from fastem.em.state import State
from fastem.kernels import em_arguments, em_control
from fastem.kernels.ascending import summarise_ascending
from fastem.kernels.floor import ROUNDING
from fastem.kernels.passes import SCALARS, summarise
from fastem.moments import DEAD, Moments
from fastem.rows import MemoryRows, Rows

#: Floating point operations of a pass over rows of another kind than `OverWhole` has: beyond them
#: the time that Python takes between passes is nothing beside them.
FEW_WORK = 1e7

_NO_BELIEFS = read_only(np.empty(0))
#: Room for the density of rows in double precision, which is taken as it is.
_NO_COPY = np.empty((0, 0)), np.empty((0, 0)), np.empty(0)


class Workspace(ABC):
    """What compiled steps over some rows need, whichever run they belong to.

    Parameters
    ----------
    rows : MemoryRows
    family : Family
        With a compiled M step, or beliefs.
    bounds : Bounds
    density : Density
        Of some point.
    n_point : int
        Numbers in a point.
    """

    #: Passes of a call, at most: between two calls Python sees Ctrl-C.
    most = 256

    def __init__(
        self, rows: MemoryRows, family: Family, bounds: Bounds, density: Density, n_point: int
    ) -> None:
        self._rows, self._density = rows, density
        self.work = density.work(rows.n_samples)
        factors, (K, D), noisy = density.factors, density.means.shape, density.is_noisy
        self.buffers = em_arguments.Buffers.of(factors.shape, K, n_point, noisy)
        kinds = factors.ndim, family.beliefs is not None, noisy
        self.code = em_arguments.Code.of(family.covariances_of, *kinds)
        beliefs = _NO_BELIEFS if family.beliefs is None else family.beliefs
        limits = read_only(bounds.ridge), bounds.floor, ROUNDING * D, DEAD
        self.bounds = em_arguments.Bounds(*limits, beliefs)
        self.passes = self._passes_of(family.noise_density)
        self.n_rows = self.passes.n_rows

    @staticmethod
    def of(rows: Rows, family: Family, bounds: Bounds, state: State) -> Workspace | None:
        """For runs such as the state's; None where the rows or the family do not allow it."""
        compiled = family.covariances_of is not None or family.beliefs is not None
        if not (compiled and function_pointers.AVAILABLE and isinstance(rows, MemoryRows)):
            return None
        if em_control.is_wide(int(state.shape[1]), family.diagonal):
            return None
        density, n = family.factor(state.parameters(family)), rows.n_samples
        own = family, bounds, density, state.point.size
        if rows.whole is None:
            return OverOthers(rows, *own) if density.work(n) < FEW_WORK else None
        accumulator = density.accumulator(n, rows.dtype, rows.units)
        if n > accumulator.most_slots * accumulator.slot_rows:
            return None
        if rows.ordered and density.prunable(n):
            return None
        return OverWhole(rows, *own)

    def another(self) -> Self:
        """For a run over the same rows at the same time."""
        space = copy(self)
        space.buffers = em_arguments.Buffers._make(array.copy() for array in self.buffers)
        sums, single = self.passes.sums.copy(), tuple(map(np.copy, self.passes.single))
        space.passes = self.passes._replace(sums=sums, single=single)
        return space

    @abstractmethod
    def _passes_of(self, noise_density: float) -> em_arguments.Passes:
        """What passes over the rows take, and what their sums are worth."""

    def passes_now(self) -> em_arguments.Passes:
        """What passes take, by as many threads as may make them here and now."""
        return self.passes

    @abstractmethod
    def summarise(self, point: NDArray[np.float64]) -> None:
        """A pass at a point whose factors are in the buffers."""

    @abstractmethod
    def summed(self, means: NDArray[np.float64]) -> Callable[[], Moments]:
        """What gives the moments of all rows about the means at which the last pass was made."""


class OverWhole(Workspace):
    """Of rows that lack nothing and may be of any component."""

    def _passes_of(self, noise_density: float) -> em_arguments.Passes:
        rows, density = self._rows, self._density
        kernel = summarise_ascending if rows.ascending else summarise
        self._kernel = kernel
        block, sums = self._arguments_of(rows)
        cast = density.cast(rows.dtype)
        self._arguments = (*block, *cast, sums, NO_LABELS)
        address, self._launcher = 0, 0
        if rows.ascending or self.work < PIECE_WORK:
            address = kernel.address(self._arguments)
            self.most = max(1, min(self.most, int(PIECE_WORK / self.work)))
        worth = float(sums[0, 0]), LN2, rows.units.log_jacobian, noise_density
        single = _NO_COPY if rows.dtype == np.float64 else tuple(map(np.empty_like, cast))
        return em_arguments.Passes(address, block, sums, NO_LABELS, *worth, single)

    def over(self, rows: MemoryRows) -> Self:
        """The same over other rows, as many and alike, one run of these at a time."""
        space = copy(self)
        block, sums = self._arguments_of(rows)
        space._rows = rows
        space.passes = self.passes._replace(block=block, sums=sums, n_rows=float(sums[0, 0]))
        space.n_rows = space.passes.n_rows
        return space

    def _arguments_of(self, rows: MemoryRows) -> tuple[tuple, NDArray[np.float64]]:
        """What kernels take of rows, and room for their sums."""
        X, sample_weight = rows.X, rows.sample_weight
        accumulator = self._density.accumulator(len(X), X.dtype, rows.units)
        sums = accumulator.empty_sums(X, sample_weight)
        sums[0, 0] = np.add.accumulate(sums[:, 0])[-1]
        return accumulator.arguments(X, sample_weight), sums

    def passes_now(self) -> em_arguments.Passes:
        """What passes take, by as many threads as may make them here and now."""
        passes, kernel = self.passes, self._kernel
        if not passes.address or self._rows.ascending or n_threads(self.work) == 1:
            return passes
        if not is_reentrant():
            return passes._replace(address=0)
        self._launcher = self._launcher or kernel.launcher(self._arguments)
        return passes._replace(launcher=self._launcher)

    def summarise(self, point: NDArray[np.float64]) -> None:
        """A pass at a point whose factors are in the buffers, on threads where these pay."""
        (K, D), buffers = self._density.means.shape, self.buffers
        means, factors = point[K : K + K * D].reshape(K, D), buffers.factors
        if self._density.is_noisy:
            means, factors = buffers.means, buffers.with_noise
        density = means, factors, buffers.log_norms
        cast = [read_only(np.asarray(array, self._rows.dtype)) for array in density]
        buffers.about[K : K + K * D] = cast[0][:K].ravel()
        sums = self.passes.sums
        self._kernel(self.work, len(sums), *self.passes.block, *cast, sums, NO_LABELS)

    def summed(self, means: NDArray[np.float64]) -> Callable[[], Moments]:
        """What gives the moments of all rows about the means at which the last pass was made."""
        sums = self.passes.sums[:1].copy()

        def moments() -> Moments:
            density = replace(self._density, means=means)  # of which nothing else matters here
            n, dtype, units = self._rows.n_samples, self._rows.dtype, self._rows.units
            accumulator = density.accumulator(n, dtype, units)
            accumulator.merge(sums)
            return accumulator.moments()

        return moments


class OverOthers(Workspace):
    """Of few rows that lack columns, or may be of some components only: Python makes the passes."""

    def _passes_of(self, noise_density: float) -> em_arguments.Passes:
        rows, density = self._rows, self._density
        self._moments = rows.summarise(density)
        none = np.empty((0, density.means.shape[1]))
        accumulator = density.accumulator(0, none.dtype, rows.units)
        sums = np.empty((1, accumulator.empty_sums(none, None).shape[1]))
        # Likelihoods are in nats, and in the user's units.
        worth = self._moments.n_rows, 1.0, 0.0, noise_density
        block = accumulator.arguments(none, None)
        return em_arguments.Passes(0, block, sums, NO_LABELS, *worth, _NO_COPY)

    def summarise(self, point: NDArray[np.float64]) -> None:
        """A pass at a point whose factors are in the buffers."""
        (K, D), noisy = self._density.means.shape, self._density.is_noisy
        log_norms = self.buffers.log_norms
        own = point[K : K + K * D].reshape(K, D), self.buffers.factors, log_norms[:K]
        means, factors, norms = (read_only(array.copy()) for array in own)
        log_noise = float(log_norms[K]) if noisy else None
        density = replace(
            self._density, means=means, factors=factors, log_norms=norms, log_noise=log_noise
        )
        self._moments = moments = self._rows.summarise(density)
        self.buffers.about[K : K + K * D] = moments.about.ravel()
        sums, n = self.passes.sums[0], K + noisy
        sums[:SCALARS] = moments.n_rows, moments.log_likelihood, moments.classification_entropy
        found, width = sums[SCALARS:], moments.second[0].size
        found[:] = 0.0
        found[K:n] = moments.noise
        found[:K], found[n : n + K * D] = moments.counts, moments.first.ravel()
        found[n + n * D :][: K * width] = moments.second.ravel()

    def summed(self, means: NDArray[np.float64]) -> Callable[[], Moments]:
        """What gives the moments of all rows about the means at which the last pass was made."""
        moments = self._moments
        return lambda: moments
