"""The control of a run of EM: what happens between its passes.

When a point is taken back (`take_back`), when the run ends, and where it goes next (`proceed`): two
kinds of step call these, Python's and compiled ones (`em_passes`), and none decides by itself.

A state is an `em.State`, a rule an `em.Rule`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from fastem.compiler.function_pointers import address_of, call, jit_calling
from fastem.compiler.options import jit, jit_strict, overload
from fastem.kernels import convergence, quasi_newton
from fastem.kernels.convergence import CONVERGED, EPS, GO_ON
from fastem.kernels.wide import COLUMNS

#: When a run stops: never before its last step, by `convergence.judge`, or by scikit-learn's rule.
NEVER, EXPECTED_GAIN, CHANGE = range(3)
#: Where it goes from an accepted point: to the EM step, or beyond.
PLAIN, QUASI_NEWTON = range(2)

#: What a state counts: steps, accepted passes, and components' replacements; what is next, and how
#: the run has ended.
N_ITER, N_PASSES, N_REPLACED, NEXT, OUTCOME = range(5)
#: What is next: a pass at a start; one at an extrapolated point, which may be taken back; one at
#: the EM step, which should be no lower; the EM step; the M step from extrapolated statistics; a
#: pass at the point before, after an EM step that led down.
PASS, TRIAL, FOLLOWED, STEP, PROJECTION, RETURN = range(6)
#: A rounding error that is larger than any of double precision.
DOUBLE = 1e-12
#: How a run has ended; the first three are what `convergence.judge` finds.
RUNNING, DWINDLED, EXHAUSTED, STOPPED = GO_ON, 3, 4, 5


#: An EM step that lowers the level by more than this, relative, was no EM step: covariances are
#: so far apart in size, or so bounded, that rounding or the bounds decide.
FALL = 1e-10
#: Differences of numbers that are smaller than this, relative, may be due to rounding.
ROUNDING = 4 * EPS


class Method(NamedTuple):
    """How a run goes on, beside the rule by which it stops."""

    stepper: int
    max_iter: int
    precision: float
    floor: float
    scale: float
    monotone: bool


class Scratch(NamedTuple):
    """What `proceed` writes to: of judgements and of extrapolations."""

    steps: NDArray[np.float64]
    matrices: NDArray[np.float64]
    direction: NDArray[np.float64]
    target: NDArray[np.float64]

    @classmethod
    def of(cls, state: Any, n_components: int, n_features: int, diagonal: bool) -> Scratch:
        """For such a state; diagonal tells whether scatters are."""
        size = state.point_statistics.size
        n_matrices = 0 if diagonal or not size else n_components
        if n_matrices and is_wide(n_features, diagonal):
            n_matrices = 2
        return cls(
            np.empty((4, state.gain.before.shape[1])),
            np.empty((n_matrices, n_features, n_features)),
            np.empty(size),
            np.empty(size),
        )


def is_wide(n_features: int, diagonal: bool) -> bool:
    """Whether there are so many columns that products of matrices go to BLAS."""
    return not diagonal and n_features >= COLUMNS


class Control(NamedTuple):
    """Addresses of what `proceed` calls: compiled when a run first needs it."""

    judge: int
    extrapolate: int

    @classmethod
    @lru_cache
    def of(cls, kind: int, stepper: int, n_dims: int = 2) -> Control:
        """For runs of that rule and stepper, and factors of so many dimensions."""
        whole, number, written = types.int64, types.float64, array_type(1, written=True)
        own = types.UniTuple(whole, 2), types.boolean, array_type(n_dims), number
        judge = extrapolate = 0
        if kind == EXPECTED_GAIN:
            memory = numba.typeof(convergence.Memory.empty(1))
            aims = number, number, memory, array_type(2, written=True)
            judge = address_of(convergence.judge, whole(number, written, written, *own, *aims))
        if stepper == QUASI_NEWTON:
            memory = numba.typeof(quasi_newton.Memory.empty(1))
            found = array_type(3, written=True), written, written
            known = array_type(2, written=True)
            arguments = written, written, *own, known, number, memory, *found
            extrapolate = address_of(quasi_newton.extrapolate, types.boolean(*arguments))
        return cls(judge, extrapolate)


def copy(source, target):
    """Copy a vector."""
    target[:] = source


@overload(copy)
def _copy(source, target):
    def compiled(source, target):
        for p in range(target.shape[0]):
            target[p] = source[p]

    return compiled


# Python's steps call these two as they stand, uncompiled: they are over before a call would be.


@jit
def move(state):
    """On to the EM step, or to the extrapolated point, which the state has already."""
    counters = state.counters
    if counters[NEXT] == STEP:
        copy(state.em_step, state.point)
    if counters[NEXT] == STEP or counters[NEXT] == PROJECTION:
        counters[NEXT] = TRIAL if counters[NEXT] == PROJECTION else FOLLOWED
        counters[N_ITER] += 1


@jit_strict
def take_back(level, precision, monotone, state):
    """Whether a point has a lower level than the last: the EM step replaces an extrapolated one.

    Where the EM step itself leads down the run ends, once more at the point before it.
    """
    counters = state.counters
    if counters[NEXT] != TRIAL and not (counters[NEXT] == FOLLOWED and monotone):
        return False
    last = state.trace[counters[N_PASSES] - 1]
    least = precision if counters[NEXT] == TRIAL else max(precision, FALL)
    if level >= last - least * (1.0 + abs(level)):
        return False
    if counters[NEXT] != TRIAL:
        copy(state.before, state.point)
        counters[NEXT] = RETURN
        return True
    copy(state.em_step, state.point)
    copy(state.em_statistics, state.point_statistics)
    counters[NEXT] = FOLLOWED
    counters[N_ITER] += 1
    return True


@jit_calling
def proceed(control, shape, noisy, factors, level, rule, method, state, scratch):
    """Note an accepted pass; end the run there, or find where it goes next.

    Parameters
    ----------
    control : Control
    shape : (K, D)
    noisy : bool
        Whether what the weights lack to sum to 1 is a weight as well.
    factors : (K or 1, D * D), (K, D) or, of many columns, (K or 1, D, D)
        Of the density at the point.
    level : float
        What EM maximises there.
    rule : em.Rule
    method : Method
    state : em.State
        Which has the EM step from the point.
    scratch : Scratch
        Of many columns, where the rule expects a gain, with steps as of `whitening.whiten_steps`.
    """
    counters, own = state.counters, (shape, noisy, factors, method.scale)
    if counters[NEXT] == RETURN:
        counters[OUTCOME] = CONVERGED
        return
    copy(state.point, state.before)
    state.trace[counters[N_PASSES]] = level
    counters[N_PASSES] += 1
    outcome = RUNNING
    judged = rule.kind == EXPECTED_GAIN and _same_steps(state)
    if _lightest(state.point, shape[0]) < rule.least_weight:
        outcome = DWINDLED
    elif rule.kind == EXPECTED_GAIN:
        aims = rule.least, rule.level, state.gain, scratch.steps
        outcome = call(control.judge, 0, (level, state.point, state.em_step, *own, *aims))
    elif rule.kind == CHANGE and _had_settled(
        state.trace, counters[N_PASSES], rule, method.precision
    ):
        outcome = CONVERGED
    if outcome == RUNNING and counters[N_ITER] >= method.max_iter:
        outcome = EXHAUSTED
    counters[OUTCOME] = outcome
    if outcome != RUNNING:
        return
    counters[NEXT] = STEP
    # The last step may not fail, for none would be left to take its place.
    if method.stepper == QUASI_NEWTON and counters[N_ITER] != method.max_iter - 1:
        ends = state.em_statistics, state.point_statistics
        learnt = method.floor, state.steps, scratch.matrices
        found = scratch.direction, scratch.target
        known = scratch.steps if judged else scratch.steps[:0]
        if call(control.extrapolate, False, (*ends, *own, known, *learnt, *found)):
            counters[NEXT] = PROJECTION
            copy(scratch.target, state.point_statistics)
    if counters[NEXT] == STEP:
        copy(state.em_statistics, state.point_statistics)


@jit_strict
def _same_steps(state):
    """Whether statistics move as parameters do, but for rounding: a ridge stays where it is."""
    point, statistics = state.point, state.point_statistics
    if point.shape[0] != statistics.shape[0]:
        return False
    gain, steps, same = state.gain.before, state.steps.before, True
    for p in range(point.shape[0]):
        grain = ROUNDING * max(abs(point[p]), abs(statistics[p]))
        ahead = (state.em_step[p] - point[p]) - (state.em_statistics[p] - statistics[p])
        way = (point[p] - gain[0, p]) - (statistics[p] - steps[0, p])
        same &= abs(ahead) <= grain
        same &= abs(way) <= grain
        same &= abs(gain[1, p] - steps[1, p]) <= grain
    return same


@jit_strict
def _lightest(point, n_components):
    least = point[0]
    for k in range(1, n_components):
        least = min(least, point[k])
    return least


@jit_strict
def _had_settled(trace, n_passes, rule, precision):
    """Whether the level changed by less than `least` in the pass before the last.

    Of rows in single precision a change that rounding may have made is none: there it may go on
    for ever.
    """
    if n_passes < 2:
        return False
    before, least = trace[n_passes - 3] if n_passes > 2 else rule.level, rule.least
    if precision > DOUBLE and least > 0:
        least = max(least, precision * abs(trace[n_passes - 2]))
    return abs(trace[n_passes - 2] - before) < least


def array_type(n_dims: int, written: bool = False) -> types.Array:
    """Of numbers in C order, such as kernels take: read-only unless they are written."""
    return types.Array(types.float64, n_dims, "C", readonly=not written)
