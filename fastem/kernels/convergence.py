"""The gain in mean log-likelihood that EM may still expect, and what that means for a run.

Near a maximum an EM step r = M(x) - x is (I - J) times the way e that is left to go, and the gain
left is e' I_c (I - J) e / 2 = r' I_c (I - J)^-1 r / 2, where I_c is the information of the complete
data and I - J the fraction of it that the rows carry (A. P. Dempster, N. M. Laird and D. B. Rubin
1977, section 3). The inverse is taken as its largest Rayleigh quotient over recent pairs of points,
|dx|^2 / <dx, -dr> in the norm of I_c: for plain EM this is Aitken's 1 / (1 - ratio) (D. Boehning et
al., Ann. Inst. Stat. Math. 46 (1994) 373), and after an extrapolation it still sees the slow
directions. Steps keep their digits where differences of likelihoods lose theirs, as in float32.

Parameters are vectors here: weights, means and covariances one after the other.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import jit, jit_strict
from fastem.kernels.whitening import find_steps, whiten

#: Passes whose largest residual counts.
RESIDUALS = 3
#: Passes whose slowest rate of convergence counts.
RATES = 16
#: Passes from which the slowest rate is taken to be among those seen, and how many times less than
#: asked must be expected before: a run begun near its end shows the fast directions first.
ENOUGH = 6
SURE = 30.0
#: Runs that must reach a level are given up where this many times the expected gain does not.
REACH = 300.0
#: A run that expects too little even if it were so slow has ended at once.
SLOWEST = 1e10
#: Passes without a new highest likelihood after which nothing but rounding moves.
STALLED = 50
#: What `judge` finds.
GO_ON, CONVERGED, HOPELESS = range(3)


class Memory(NamedTuple):
    """What `judge` remembers of earlier passes.

    Parameters
    ----------
    before : (2, P)
        As of `measure_steps`.
    sizes : (RESIDUALS,), rates : (RATES,)
        Lengths of the last steps, and how slowly they shrank.
    n_seen : (2,) int
        How many of each there ever were.
    levels : (2,)
        The highest level, and how many passes ago that was.
    """

    before: NDArray[np.float64]
    sizes: NDArray[np.float64]
    rates: NDArray[np.float64]
    n_seen: NDArray[np.int_]
    levels: NDArray[np.float64]

    @classmethod
    def empty(cls, n_parameters: int) -> Memory:
        """Before the first pass."""
        return cls(
            np.zeros((2, n_parameters)),
            np.zeros(RESIDUALS),
            np.zeros(RATES),
            np.zeros(2, np.int64),
            np.array([-np.inf, 0.0]),
        )


@jit_strict
def judge(level, point, em_step, shape, noisy, factors, scale, least, to_beat, memory, steps):
    """Whether a run of EM that is at a level may end.

    Parameters
    ----------
    level : float
    point, em_step, shape, noisy, factors, scale, steps
        As of `measure_steps`.
    least : float
        The gain that is not worth going on for.
    to_beat : float
        The level that the run must come up to.
    memory : Memory

    Returns
    -------
    found : {GO_ON, CONVERGED, HOPELESS}
    """
    before, sizes, rates, n_seen, levels = memory
    own = shape, noisy, factors, scale
    size, slowed, length = measure_steps(point, em_step, *own, before, steps)
    if length > 0.0 and n_seen[0] > 0:
        # A negative quotient is a saddle or a plateau: no end is in sight.
        rates[n_seen[1] % RATES] = max(1.0, length / slowed) if slowed > 0.0 else math.inf
        n_seen[1] += 1
    sizes[n_seen[0] % RESIDUALS] = size
    n_seen[0] += 1
    levels[1] = 0.0 if level > levels[0] else levels[1] + 1.0
    levels[0] = max(level, levels[0])
    if n_seen[0] < RESIDUALS:
        return CONVERGED if SLOWEST * size < least else GO_ON
    expected = expected_gain(sizes, rates, n_seen)
    if level + REACH * expected < to_beat:
        return HOPELESS
    sure = 1.0 if n_seen[0] >= ENOUGH else SURE
    return CONVERGED if sure * expected < least or levels[1] >= STALLED else GO_ON


@jit_strict
def expected_gain(sizes, rates, n_seen):
    """In nats a row, after at least one pass; for the arguments see `Memory`."""
    size, rate = 0.0, 1.0
    for i in range(min(n_seen[0], RESIDUALS)):
        size = max(size, sizes[i])
    for i in range(min(n_seen[1], RATES)):
        rate = max(rate, rates[i])
    return 0.5 * size * rate if size > 0.0 else 0.0


#: The least weight of noise, which is known as what the others lack to sum to 1.
EPS = 2.220446049250313e-16


@jit
def measure_steps(point, em_step, shape, noisy, factors, scale, before, steps):
    """Lengths, for one row of data, of the step that EM takes, of the way here and their product.

    Parameters
    ----------
    point, em_step : (P,)
        Where EM stands, and where it steps to.
    shape : (K, D)
    noisy : bool
        Whether what the weights lack to sum to 1 is a weight as well.
    factors : (K or 1, D * D), (K, D) or, of many columns, (K or 1, D, D)
        Inverse lower Cholesky factors of the covariances at `point`, or of variances, times scale.
    scale : float
    before : (2, P)
        An earlier point and the step from it, zeros if there is none; replaced by this one and its
        step.
    steps : (4, P)
        Receives the step, the way and how much the step shrank on it, whitened; the last is
        scratch. Of many columns they are there already, by `whitening.whiten_steps`.

    Returns
    -------
    size, slowed, length : float
        |r|^2, <m, r_before - r> and |m|^2 for the step r and the way m from the earlier point.
    """
    size = slowed = length = 0.0
    if noisy:
        left = 1.0
        for k in range(shape[0]):
            left -= point[k]
            size += em_step[k] - point[k]
            length += point[k] - before[0, k]
            slowed += before[1, k] - (em_step[k] - point[k])
        share = 1.0 / max(left, EPS)
        size, slowed, length = share * size * size, share * length * slowed, share * length * length
    if factors.ndim == 2:
        find_steps(point, em_step, before, steps)
        for step in range(3):
            whiten(steps[step], point, shape[0], shape[1], factors, scale, steps[3])
    for p in range(point.shape[0]):
        before[0, p] = point[p]
        before[1, p] = em_step[p] - point[p]
        size += steps[0, p] * steps[0, p]
        slowed += steps[1, p] * steps[2, p]
        length += steps[1, p] * steps[1, p]
    return size, slowed, length
