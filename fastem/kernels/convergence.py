"""The gain that EM may still expect, and what that means for a run: see `em.convergence`."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.kernels.information import measure_steps
from fastem.kernels.jit import jit_strict

#: Passes whose largest residual counts.
RESIDUALS = 3
#: Passes whose slowest rate of convergence counts.
RATES = 16
#: Runs that must reach a level are given up where this many times the expected gain does not.
REACH = 300.0
#: Passes without a new highest likelihood after which nothing but rounding moves.
STALLED = 50
#: What `judge` finds.
GO_ON, CONVERGED, HOPELESS = range(3)


class Memory(NamedTuple):
    """What `judge` remembers of earlier passes, and scratch.

    Parameters
    ----------
    before : (2, P), steps : (3, P)
        As of `measure_steps`.
    sizes : (RESIDUALS,), rates : (RATES,)
        Lengths of the last steps, and how slowly they shrank.
    n_seen : (2,) int
        How many of each there ever were.
    levels : (2,)
        The highest level, and how many passes ago that was.
    """

    before: NDArray[np.float64]
    steps: NDArray[np.float64]
    sizes: NDArray[np.float64]
    rates: NDArray[np.float64]
    n_seen: NDArray[np.int_]
    levels: NDArray[np.float64]

    @classmethod
    def empty(cls, n_parameters: int) -> Memory:
        """Before the first pass."""
        return cls(
            np.zeros((2, n_parameters)),
            np.empty((3, n_parameters)),
            np.zeros(RESIDUALS),
            np.zeros(RATES),
            np.zeros(2, np.int64),
            np.array([-np.inf, 0.0]),
        )


@jit_strict
def judge(level, point, image, shape, noisy, factors, scale, least, to_beat, memory):
    """Whether a run of EM that is at a level may end.

    Parameters
    ----------
    level : float
    point, image, shape, noisy, factors, scale
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
    before, steps, sizes, rates, n_seen, levels = memory
    size, slowed, length = measure_steps(point, image, shape, noisy, factors, scale, before, steps)
    if length > 0.0 and n_seen[0] > 0:
        # A negative quotient is a saddle or a plateau: no end is in sight.
        rates[n_seen[1] % RATES] = max(1.0, length / slowed) if slowed > 0.0 else math.inf
        n_seen[1] += 1
    sizes[n_seen[0] % RESIDUALS] = size
    n_seen[0] += 1
    levels[1] = 0.0 if level > levels[0] else levels[1] + 1.0
    levels[0] = max(level, levels[0])
    if n_seen[0] < RESIDUALS:
        return GO_ON
    expected = expected_gain(sizes, rates, n_seen)
    if level + REACH * expected < to_beat:
        return HOPELESS
    return CONVERGED if expected < least or levels[1] >= STALLED else GO_ON


@jit_strict
def expected_gain(sizes, rates, n_seen):
    """In nats a row, after at least one pass; for the arguments see `Memory`."""
    size, rate = 0.0, 1.0
    for i in range(min(n_seen[0], RESIDUALS)):
        size = max(size, sizes[i])
    for i in range(min(n_seen[1], RATES)):
        rate = max(rate, rates[i])
    return 0.5 * size * rate if size > 0.0 else 0.0
