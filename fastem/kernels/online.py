"""An update of a stream in one call, where a batch is so small that a pass takes no time.

As in `em_passes` the arithmetic is that of Python's steps, by the same compiled functions.
"""

from __future__ import annotations

from fastem.compiler.options import jit
from fastem.kernels.em_arguments import Bounds, Buffers, Code, Passes
from fastem.kernels.em_passes import (
    DONE,
    MAXIMISE,
    SINGULAR,
    add_slots,
    factor_point,
    maximise_point,
    scatter_moments,
    summarise_slots,
)
from fastem.kernels.moments import add, level_variance, move
from fastem.kernels.passes import SCALARS


@jit
def learn(code, shape, scale, passes, bounds, buffers, point, past, share, joined):
    """A pass at a point, what it finds joined with the past, and an M step from that.

    Parameters
    ----------
    code, shape, passes, bounds, buffers
        As of `em_passes.run_passes`, but plain tuples, which Numba takes from Python in half the
        time. The buffers receive the parameters.
    scale : float
        As of `matrices.factor`.
    point : (Q,)
        Weights, means and covariances.
    past : tuple of (K, D), (K,), (K, D) and (K, D, D) or (K, D)
        Means that moments are about, counts, first and second moments.
    share : float
        What the past is multiplied by.
    joined : (K + K D + K D D,) or (K + K D + K D,)
        Receives counts, first and second moments about the means of the point.

    Returns
    -------
    how : {DONE, MAXIMISE, SINGULAR}
    variance : float
        As of `level_variance`.
    """
    code, passes, bounds, buffers = Code(*code), Passes(*passes), Bounds(*bounds), Buffers(*buffers)
    K, D = shape
    factors = buffers.factors
    if factor_point(code, point, shape, scale, buffers) >= 0:
        return SINGULAR, 0.0
    summarise_slots(passes, point, shape, buffers)
    add_slots(passes, shape, factors)
    about, counts, first, second = past
    move(about, counts, first, second, point[K : K + K * D].reshape(K, D), joined)
    add(passes.sums[0, SCALARS:], share, joined)
    variance = level_variance(joined[:K], buffers.log_norms)
    scatter_moments(code, joined, point, shape, factors, bounds, buffers.statistics)
    made = maximise_point(code, bounds, shape, point, 0.0, buffers)
    return DONE if made else MAXIMISE, variance
