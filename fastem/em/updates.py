"""Updates of a stream: in compiled code where Python around a pass would take longer than it does.

What that code cannot do is left to `online.Batch`: an M step in which an eigenvalue is raised to
the floor, and the first batch of a stream, which has no past.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler import function_pointers
from fastem.compiler.options import read_only
from fastem.compiler.slot_loop import LAUNCH_WORK
from fastem.covariance import Bounds, Family, Parameters
from fastem.density import HALF_BITS, LN2
from fastem.density.accumulator import NO_LABELS
from fastem.em.compiled import limits
from fastem.em.online import Batch, Learnt, deviation, share_of
from fastem.em.state import vector
from fastem.kernels import em_control, em_passes
from fastem.kernels.online import learn
from fastem.kernels.passes import summarise
from fastem.moments import Moments
from fastem.rows import Rows
from fastem.units import Units


class Updates:
    """Updates of one stream, one after the other.

    Parameters
    ----------
    family : Family
    parameters : Parameters
        Some of the mixture: their shapes count.
    units : Units
        Of the rows.
    bounds : Bounds
    """

    def __init__(
        self, family: Family, parameters: Parameters, units: Units, bounds: Bounds
    ) -> None:
        self.family, self.units, self.bounds = family, units, bounds
        self.shape: tuple[int, int] = parameters.means.shape
        self._space: Space | None = None
        wide = em_control.is_wide(self.shape[1], family.diagonal)
        if family.covariances_of is not None and function_pointers.AVAILABLE and not wide:
            self._space = Space(family, parameters, units, bounds)

    def batch(self, rows: Rows, weight_unit: float, parameters: Parameters) -> Batch | SmallBatch:
        """The way that suits these rows, whose weights are multiples of a unit."""
        space = self._space
        if space is not None and rows.whole is not None and rows.dtype == np.float64:
            X, sample_weight = rows.whole
            if sample_weight is None and space.row_work * len(X) < LAUNCH_WORK:
                return SmallBatch(space, rows, X, parameters)
        return Batch(rows, weight_unit, self.family, parameters, self.bounds)


class Space:
    """What compiled updates of a stream have in common.

    Parameters
    ----------
    family, parameters, units, bounds
        As of `Updates`; the family has a compiled M step.
    """

    def __init__(
        self, family: Family, parameters: Parameters, units: Units, bounds: Bounds
    ) -> None:
        self.family, self.bounds, self.units = family, bounds, units
        self.density = family.factor(parameters)
        factors, (K, D) = self.density.factors, parameters.means.shape
        self.shape, self.row_work = (K, D), self.density.work(1)
        self.second_shape = (K, D) if family.diagonal else (K, D, D)
        self.covariances_shape = parameters.covariances.shape
        n_moments = K + K * D + int(np.prod(self.second_shape))
        buffers = em_passes.Buffers.of(factors.shape, K, vector(parameters).size, n_moments)
        self.found, self.n_moments, self.buffers = buffers.found, n_moments, tuple(buffers)
        self.code = tuple(em_passes.Code.of(family.covariances_of, factors.ndim))
        self.limits = tuple(limits(bounds, D))
        self._plan: tuple[int, tuple, NDArray[np.float64], int] | None = None
        self._point: tuple[Parameters, NDArray[np.float64]] | None = None

    def passes(self, X: NDArray[np.float64]) -> tuple:
        """Of these rows, as `em_passes.Passes`; what depends on their number is found once."""
        n = len(X)
        if self._plan is None or self._plan[0] != n:
            accumulator = self.density.accumulator(n, X.dtype, self.units)
            block = accumulator.arguments(X, None)
            sums = accumulator.empty_sums(X, None)
            arguments = *block, *self.density.cast(X.dtype), sums, NO_LABELS
            self._plan = n, block[1:], sums, summarise.address(arguments)
        _, others, sums, address = self._plan
        block, log_jacobian = (read_only(X), *others), self.units.log_jacobian
        return address, block, sums, NO_LABELS, float(n), LN2, log_jacobian

    def point(self, parameters: Parameters) -> NDArray[np.float64]:
        """The parameters in one vector: mostly those that the last update ended with."""
        if self._point is None or self._point[0] is not parameters:
            self._point = parameters, read_only(vector(parameters))
        return self._point[1]

    def parameters(self) -> Parameters:
        """Those in the buffers."""
        (K, D), point = self.shape, self.found.copy()
        point.setflags(write=False)
        covariances = point[K + K * D :].reshape(self.covariances_shape)
        found = Parameters(point[:K], point[K : K + K * D].reshape(K, D), covariances)
        self._point = found, point
        return found


class SmallBatch:
    """As `online.Batch`, of float64 rows in memory, without weights, which one thread works on."""

    def __init__(
        self, space: Space, rows: Rows, X: NDArray[np.float64], parameters: Parameters
    ) -> None:
        self._space, self._rows, self._X, self._parameters = space, rows, X, parameters
        self.n_rows = float(len(X))

    def learn(self, past: Moments | None, odds: float) -> Learnt:
        """Join the batch with the past, if there is one, and make an M step."""
        space, before, n_rows = self._space, self._parameters, self.n_rows
        if past is None or past.noise:
            return self._in_python(past, odds)
        (K, D), passes = space.shape, space.passes(self._X)
        sums = passes[2]
        share, joined = share_of(past, n_rows, odds), np.empty(space.n_moments)
        how, variance = learn(
            space.code,
            space.shape,
            HALF_BITS,
            passes,
            space.limits,
            space.buffers,
            space.point(before),
            past.arrays,
            share,
            joined,
        )
        if how == em_passes.SINGULAR:
            return self._in_python(past, odds)
        joined.setflags(write=False)
        bits, entropy = sums[0, 1:3].tolist()
        log_likelihood = bits * LN2 + n_rows * space.units.log_jacobian
        moments = Moments(
            before.means,
            past.n_rows * share + n_rows,
            past.log_likelihood * share + log_likelihood,
            past.classification_entropy * share + entropy * LN2,
            joined[:K],
            joined[K : K + K * D].reshape(K, D),
            joined[K + K * D :].reshape(space.second_shape),
        )
        if how == em_passes.DONE:
            parameters = space.parameters()
        else:
            parameters = space.family.maximise(moments, space.bounds, before)
        return Learnt(log_likelihood, deviation(variance, D), moments, parameters)

    def _in_python(self, past: Moments | None, odds: float) -> Learnt:
        space = self._space
        batch = Batch(self._rows, 1.0, space.family, self._parameters, space.bounds)
        return batch.learn(past, odds)
