"""Passes of EM one after another in one call, where rows are so few that a pass takes no time.

This is the loop of `em.loop` for rows that one thread passes over at once, for the families of
`averaged`: between such passes Python would take several times as long as they do. The arithmetic
is that of the loop, by the same compiled functions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from fastem.compiler.function_pointers import address_of, call
from fastem.compiler.options import jit, jit_strict
from fastem.kernels import convergence, quasi_newton
from fastem.kernels.averaged import average, compress, expand
from fastem.kernels.convergence import GO_ON
from fastem.kernels.matrices import above_floor_all, factor_all, factor_diagonal, mirror, scatter

#: How a climb ends beside what `judge` finds: the run has made its steps; there is no room for more
#: levels; or before a pass, or after a leap, whose M step has to raise eigenvalues to the floor.
EXHAUSTED, PAUSED, BEFORE_FLOOR, LEAPT_TO_FLOOR = range(3, 7)
#: What the counters of a `Place` count: accepted passes of this climb, and steps of the run; the
#: last one is 1 where the next pass is made at the end of a leap.
PASSES, STEPS, LEAPT = range(3)
#: What a pass sums before moments.
SCALARS = 3


class Code(NamedTuple):
    """Addresses of what a climb calls, beside the pass over the rows."""

    factor: int
    scatter: int
    above_floor: int
    judge: int
    leap: int

    @classmethod
    @lru_cache
    def of(cls, n_dims: int) -> Code:
        """For factors of so many dimensions: compiled for the arguments that Python calls with."""

        def array(n: int, read_only: bool = True) -> types.Array:
            return types.Array(types.float64, n, "C", readonly=read_only)

        def written(n: int) -> types.Array:
            return array(n, False)

        number, whole, truth = types.float64, types.int64, types.boolean
        pair = types.UniTuple(whole, 2)
        passed = types.Array(truth, 1, "C")
        own = pair, truth, array(2), number
        leaps = numba.typeof(quasi_newton.Memory.empty(1, 0, 1))
        judgement = numba.typeof(convergence.Memory.empty(1))
        factored: tuple = array(1), array(n_dims), number, written(n_dims), written(1)
        if n_dims == 3:
            factored = *factored[:3], written(3), *factored[3:]
        moments = array(2), array(1), array(2), array(n_dims), number, number, written(1)
        bounded = array(3), array(1), number, number, written(3), written(3), passed
        judged = number, written(1), written(1), *own, number, number, judgement
        leapt = array(1), array(1), *own, number, leaps, written(1)
        return cls(
            address_of(factor_all if n_dims == 3 else factor_diagonal, whole(*factored)),
            address_of(scatter, whole(*moments)),
            address_of(above_floor_all, truth(*bounded)) if n_dims == 3 else 0,
            address_of(convergence.judge, whole(*judged)),
            address_of(quasi_newton.leap, truth(*leapt)),
        )


class Room(NamedTuple):
    """Scratch: factors and more of their shape, (K, D, D), (1, D, D) or (K, D); a new point."""

    factors: NDArray[np.float64]
    spreads: NDArray[np.float64]
    scratch: NDArray[np.float64]
    passed: NDArray[np.bool_]
    log_norms: NDArray[np.float64]
    found: NDArray[np.float64]
    statistics: NDArray[np.float64]

    @classmethod
    def of(cls, shape: tuple[int, ...], n_components: int, n_point: int, n_statistics: int) -> Room:
        """For factors, parameters and statistics of those sizes."""
        factors, spreads, scratch = np.zeros((3, *shape))
        passed, log_norms = np.empty(shape[0], np.bool_), np.empty(n_components)
        found, statistics = np.empty(n_point), np.empty(n_statistics)
        return cls(factors, spreads, scratch, passed, log_norms, found, statistics)


class Passes(NamedTuple):
    """What `passes.summarise` takes beside a density, where it is, and what its sums are worth.

    Parameters
    ----------
    address : int
        Of its machine code.
    block : tuple
        Its arguments from rows to apart.
    sums : (n_slots, n_sums)
        The first slot receives those of all.
    labels : (0,)
        Nobody asks for labels.
    n_rows : float
        Number of rows, or sum of their weights.
    nats : float
        Of a bit.
    log_jacobian : float
        What the log density of a row lacks in the units of the rows, in nats.
    """

    address: int
    block: tuple
    sums: NDArray[np.float64]
    labels: NDArray[np.int32]
    n_rows: float
    nats: float
    log_jacobian: float


class Rules(NamedTuple):
    """What a run is made by, in the words of the functions that take it."""

    averages: tuple[bool, bool]
    ridge: NDArray[np.float64]
    floor: float
    rounding: float
    dead: float
    scale: float
    precision: float
    accelerate: bool
    max_iter: int
    judged: bool
    least: float
    to_beat: float


class Place(NamedTuple):
    """Where a run stands before a pass.

    Parameters
    ----------
    point, image : (Q,)
        Parameters where the pass is made, and where a plain step from the last accepted one leads.
    statistics, here : (P,)
        The same as statistics of the rows, from which leaps start: image and point.
    counters : (3,) int
    trace : (n,)
        Receives the levels of accepted passes.
    last : (1,)
        The level of the last one.
    """

    point: NDArray[np.float64]
    image: NDArray[np.float64]
    statistics: NDArray[np.float64]
    here: NDArray[np.float64]
    counters: NDArray[np.int_]
    trace: NDArray[np.float64]
    last: NDArray[np.float64]


@jit
def climb(code, shape, passes, rules, place, room, leaps, judgement):
    """Passes until the run ends, as many as the trace has room for.

    Parameters
    ----------
    code : Code
    shape : (K, D)
    passes : Passes
    rules : Rules
    place : Place
    room : Room
    leaps : quasi_newton.Memory
    judgement : convergence.Memory

    Returns
    -------
    how : {CONVERGED, HOPELESS, EXHAUSTED, PAUSED, BEFORE_FLOOR, LEAPT_TO_FLOOR}
    """
    point, counters, factors = place.point, place.counters, room.factors
    statistics, found, log_norms = room.statistics, room.found, room.log_norms
    moments = passes.sums[0, SCALARS:]
    own = (
        shape,
        False,
        factors.reshape(factors.shape[0], factors.size // factors.shape[0]),
        rules.scale,
    )
    counters[PASSES] = 0
    for _ in range(place.trace.size):
        if _factor(code, point, shape, rules.scale, factors, room, log_norms) >= 0:
            return BEFORE_FLOOR
        _summarise(passes, point, shape, factors, log_norms)
        level = _level(passes)
        if counters[LEAPT] == 1 and _fell(level, place.last[0], rules.precision):
            _copy(place.statistics, place.here)
            _step_to(place.image, 0, place)
            continue
        _scatter(code, moments, point, shape, factors, rules.dead, statistics)
        if not _maximise(code, rules, statistics, shape, room, room.spreads, found):
            return BEFORE_FLOOR
        _copy(statistics, place.statistics)
        _copy(found, place.image)
        place.last[0] = level
        place.trace[counters[PASSES]] = level
        counters[PASSES] += 1
        if rules.judged:
            aims = rules.least, rules.to_beat, judgement
            verdict = call(code.judge, 0, (level, point, found, *own, *aims))
            if verdict != GO_ON:
                return verdict
        if counters[STEPS] >= rules.max_iter:
            return EXHAUSTED
        leaping = rules.accelerate and counters[STEPS] != rules.max_iter - 1
        ends = place.statistics, place.here
        if leaping and call(code.leap, False, (*ends, *own, rules.floor, leaps, statistics)):
            _copy(statistics, place.here)
            _restate(place.here, shape, passes.n_rows, moments)
            _scatter(code, moments, place.here, shape, factors, rules.dead, statistics)
            if not _maximise(code, rules, statistics, shape, room, room.spreads, found):
                return LEAPT_TO_FLOOR
            _step_to(found, 1, place)
        else:
            _copy(place.statistics, place.here)
            _step_to(place.image, 0, place)
    return PAUSED


@jit
def _summarise(passes, point, shape, factors, log_norms):
    """The moments of all rows, into the sums of the first slot; rows were weighed before."""
    K, D = shape
    sums, means = passes.sums, point[K : K + K * D].reshape(K, D)
    for slot in range(sums.shape[0]):
        for p in range(1, sums.shape[1]):
            sums[slot, p] = 0.0
    density = (means, factors, log_norms)
    for slot in range(sums.shape[0]):
        call(passes.address, None, (slot, *passes.block, *density, sums, passes.labels))
    for slot in range(1, sums.shape[0]):
        for p in range(1, sums.shape[1]):
            sums[0, p] += sums[slot, p]
    if factors.ndim == 3:
        mirror(sums[0, SCALARS + K + K * D :], K, D)


@jit_strict
def _level(passes):
    """Mean log-likelihood, in nats."""
    bits, n_rows = passes.sums[0, 1], passes.n_rows
    return (bits * passes.nats + n_rows * passes.log_jacobian) / n_rows


@jit_strict
def _fell(level, last, precision):
    return not level >= last - precision * (1.0 + abs(level))


@jit
def _copy(source, target):
    for p in range(target.shape[0]):
        target[p] = source[p]


@jit
def _step_to(end, leapt, place):
    _copy(end, place.point)
    place.counters[LEAPT] = leapt
    place.counters[STEPS] += 1


@jit
def _factor(code, point, shape, scale, factors, room, log_norms):
    """As `factoring.factor` and `factor_diagonal`."""
    K, D = shape
    weights, spreads, scratch = point[:K], room.spreads, room.scratch
    expand(point[K + K * D :], spreads)
    if factors.ndim == 3:
        for p in range(factors.size):
            factors.reshape(factors.size)[p] = 0.0
        return call(code.factor, 0, (weights, spreads, scale, scratch, factors, log_norms))
    else:
        return call(code.factor, 0, (weights, spreads, scale, factors, log_norms))


@jit
def _scatter(code, moments, point, shape, factors, dead, statistics):
    """As `factoring.scatter`."""
    K, D = shape
    about = point[K : K + K * D].reshape(K, D)
    counts, first = moments[:K], moments[K : K + K * D].reshape(K, D)
    spread = moments[K + K * D :]
    if factors.ndim == 3:
        second = spread.reshape(K, D, D)
        call(code.scatter, 0, (about, counts, first, second, 0.0, dead, statistics))
    else:
        second = spread.reshape(K, D)
        call(code.scatter, 0, (about, counts, first, second, 0.0, dead, statistics))


@jit
def _restate(statistics, shape, n_rows, moments):
    """Moments about their means of rows that have such statistics."""
    K, D = shape
    before = K + K * D
    width = (statistics.shape[0] - before) // K
    for k in range(K):
        moments[k] = n_rows * statistics[k]
    for p in range(K, before):
        moments[p] = 0.0
    for k in range(K):
        for p in range(before + k * width, before + (k + 1) * width):
            moments[p] = moments[k] * statistics[p]


@jit
def _maximise(code, rules, statistics, shape, room, spreads, point):
    """The M step; False where an eigenvalue has to be raised to the floor."""
    before = shape[0] * (1 + shape[1])
    _copy(statistics, point[:before])
    average(rules.averages, statistics, shape, rules.ridge, rules.floor, spreads)
    if spreads.ndim == 3:
        bounded = point[before:].reshape(spreads.shape)
        limits = rules.ridge, rules.floor, rules.rounding
        return call(code.above_floor, False, (spreads, *limits, bounded, room.scratch, room.passed))
    else:
        compress(spreads, point[before:])
        return True
