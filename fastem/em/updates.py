"""Updates of a stream: in compiled code where Python around a pass would take longer than it does.

What that code cannot do is left to `online.Batch`: the first batch of a stream, which has no past.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler import function_pointers
from fastem.compiler.options import read_only
from fastem.compiler.threads import LAUNCH_WORK
from fastem.covariance import Bounds, Family, Parameters
from fastem.density import HALF_BITS, LN2
from fastem.em.online import Batch, Learnt, deviation, share_of
from fastem.em.state import vector
from fastem.em.workspace import OverWhole
from fastem.kernels import em_control, em_passes
from fastem.kernels.online import learn
from fastem.moments import Moments
from fastem.rows import MemoryRows, Rows
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
        plain = family.beliefs is None and family.noise is None
        compiled = plain and family.covariances_of is not None
        if compiled and function_pointers.AVAILABLE and not wide:
            self._space = Space(family, parameters, units, bounds)

    def batch(self, rows: Rows, weight_unit: float, parameters: Parameters) -> Batch | SmallBatch:
        """The way that suits these rows, whose weights are multiples of a unit."""
        space = self._space
        if space is not None and isinstance(rows, MemoryRows) and rows.whole is not None:
            plain = rows.dtype == np.float64 and rows.sample_weight is None
            if plain and space.row_work * rows.n_samples < LAUNCH_WORK:
                return SmallBatch(space, rows, parameters)
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
        self.density, (K, D) = family.factor(parameters), parameters.means.shape
        self.shape, self.row_work = (K, D), self.density.work(1)
        self.second_shape = (K, D) if family.diagonal else (K, D, D)
        self.covariances_shape = parameters.covariances.shape
        self.n_moments = K + K * D + int(np.prod(self.second_shape))
        self._workspace: OverWhole | None = None
        self._point: tuple[Parameters, NDArray[np.float64]] | None = None

    def workspace(self, rows: MemoryRows, n_rows: float) -> OverWhole:
        """That of other rows will do if these are as many."""
        if self._workspace is None or self._workspace.n_rows != n_rows:
            n_point = self.shape[0] * (1 + self.shape[1]) + int(np.prod(self.covariances_shape))
            self._workspace = OverWhole(rows, self.family, self.bounds, self.density, n_point)
        return self._workspace

    def point(self, parameters: Parameters) -> NDArray[np.float64]:
        """The parameters in one vector: mostly those that the last update ended with."""
        if self._point is None or self._point[0] is not parameters:
            self._point = parameters, read_only(vector(parameters))
        return self._point[1]

    def parameters(self, found: NDArray[np.float64]) -> Parameters:
        """Those in a vector."""
        (K, D), point = self.shape, found.copy()
        point.setflags(write=False)
        covariances = point[K + K * D :].reshape(self.covariances_shape)
        made = Parameters(point[:K], point[K : K + K * D].reshape(K, D), covariances)
        self._point = made, point
        return made


class SmallBatch:
    """As `online.Batch`, of float64 rows in memory, without weights, which one thread works on."""

    def __init__(self, space: Space, rows: MemoryRows, parameters: Parameters) -> None:
        self._space, self._rows, self._parameters = space, rows, parameters
        self.n_rows = float(rows.n_samples)

    def learn(self, past: Moments | None, odds: float) -> Learnt:
        """Join the batch with the past, if there is one, and make an M step."""
        space, before, n_rows = self._space, self._parameters, self.n_rows
        if past is None or past.noise:
            return self._in_python(past, odds)
        (K, D), work = space.shape, space.workspace(self._rows, n_rows)
        address, block, *others = work.passes
        share, joined = share_of(past, n_rows, odds), np.empty(space.n_moments)
        how, variance = learn(
            tuple(work.code),
            space.shape,
            HALF_BITS,
            (address, (read_only(self._rows.X), *block[1:]), *others),
            tuple(work.bounds),
            tuple(work.buffers),
            space.point(before),
            past.arrays,
            share,
            joined,
        )
        if how == em_passes.SINGULAR:
            return self._in_python(past, odds)
        joined.setflags(write=False)
        bits, entropy = work.passes.sums[0, 1:3].tolist()
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
            parameters = space.parameters(work.buffers.found)
        else:
            work.code = work.code.raising()
            parameters = space.family.maximise(moments, space.bounds, before)
        return Learnt(log_likelihood, deviation(variance, D), moments, parameters)

    def _in_python(self, past: Moments | None, odds: float) -> Learnt:
        space = self._space
        batch = Batch(self._rows, 1.0, space.family, self._parameters, space.bounds)
        return batch.learn(past, odds)
