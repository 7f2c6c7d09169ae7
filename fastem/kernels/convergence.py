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
from fastem.kernels.wide_matrices import whiten as whiten_wide

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


#: The least weight that is divided by: the smallest normal number.
TINY = 2.2250738585072014e-308
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
        Scratch.

    Returns
    -------
    size, slowed, length : float
        |r|^2, <m, r_before - r> and |m|^2 for the step r and the way m from the earlier point.
    """
    fresh = factors.ndim == 3 and _is_fresh(before, shape[0])
    followed = factors.ndim == 3 and not fresh and _is_followed(point, before)
    for p in range(point.shape[0]):
        step = em_step[p] - point[p]
        steps[0, p] = step
        steps[1, p] = point[p] - before[0, p]
        steps[2, p] = before[1, p] - step
        before[0, p] = point[p]
        before[1, p] = step
    size = slowed = length = 0.0
    if noisy:
        left = 1.0
        for k in range(shape[0]):
            left -= point[k]
            size += steps[0, k]
            length += steps[1, k]
            slowed += steps[2, k]
        share = 1.0 / max(left, EPS)
        size, slowed, length = share * size * size, share * length * slowed, share * length * length
    # A step alone has nothing to be compared with: the first is whitened alone.
    for step in range(1 if fresh else 2 if followed else 3):
        whiten(steps[step], point, shape[0], shape[1], factors, scale, steps[3])
    if followed:
        for p in range(point.shape[0]):
            steps[2, p] = steps[1, p] - steps[0, p]
    if fresh:
        for p in range(point.shape[0]):
            steps[1, p] = steps[2, p] = 0.0
        slowed = length = 0.0
    for p in range(point.shape[0]):
        size += steps[0, p] * steps[0, p]
        slowed += steps[1, p] * steps[2, p]
        length += steps[1, p] * steps[1, p]
    return size, slowed, length


@jit_strict
def _is_fresh(before, K):
    """Whether there is no earlier point: its weights would be 0."""
    for k in range(K):
        if before[0, k] != 0.0:
            return False
    return True


@jit_strict
def _is_followed(point, before):
    """Whether a point is where the step from an earlier one led, exactly: one less is whitened."""
    for p in range(point.shape[0]):
        if point[p] - before[0, p] != before[1, p]:
            return False
    return True


@jit
def whiten(step, point, K, D, factors, scale, spare):
    """Turn a step into one whose squared length is step' I_c step; spare is scratch of its size."""
    n_spreads = step.shape[0] - K - K * D
    triangular = factors.ndim == 3 or factors.shape[1] == D * D
    total = 0.0
    for k in range(K):
        share = max(point[k], TINY)
        total += share
        step[k] /= math.sqrt(share)
        factor = factors[k if factors.shape[0] > 1 else 0]
        flat, weight = factor.reshape(factor.size), math.sqrt(share) / scale
        _whiten_mean(step[K + k * D :], D, flat, triangular, weight)
    shared = triangular and n_spreads == D * D  # one matrix for all
    for k in range(1 if shared else K):
        share = total if shared else max(point[k], TINY)
        weight = math.sqrt(0.5 * share) / (scale * scale)
        if factors.ndim == 3:
            spread = step[K + K * D + k * D * D : K + K * D + (k + 1) * D * D].reshape(D, D)
            factor = factors[k if factors.shape[0] > 1 else 0]
            whiten_wide(spread, factor, weight, spare[: D * D].reshape(D, D))
        elif triangular:
            spread = step[K + K * D + k * D * D :]
            factor = factors[k if factors.shape[0] > 1 else 0]
            _whiten_matrix(spread, D, factor, weight)
        elif n_spreads == K * D:
            for d in range(D):
                step[K + K * D + k * D + d] *= weight * factors[k, d] * factors[k, d]
        else:  # one variance for all columns
            squares = 0.0
            for d in range(D):
                square = factors[k, d] * factors[k, d]
                squares += square * square
            step[K + K * D + k] *= weight * math.sqrt(squares)


@jit
def _whiten_mean(mean, D, factor, triangular, weight):
    for i in range(D - 1, -1, -1):
        total = 0.0
        if triangular:
            for j in range(i + 1):
                total += factor[i * D + j] * mean[j]
        else:
            total = factor[i] * mean[i]
        mean[i] = weight * total


@jit
def _whiten_matrix(spread, D, factor, weight):
    """F S F' in the place of S; off the diagonal once, times sqrt(2), in the lower triangle."""
    for i in range(D - 1, -1, -1):
        row = spread[i * D : i * D + i + 1]
        pivot = factor[i * D + i]
        for j in range(i + 1):
            row[j] *= pivot
        for d in range(i):
            f = factor[i * D + d]
            above = spread[d * D : d * D + i + 1]
            for j in range(i + 1):
                row[j] += f * above[j]
        for j in range(i, -1, -1):
            total = 0.0
            for d in range(j + 1):
                total += row[d] * factor[j * D + d]
            row[j] = total * weight * (1.0 if i == j else math.sqrt(2.0))
    for i in range(D):
        for j in range(i + 1, D):
            spread[i * D + j] = 0.0
