"""Passes of EM one after another in one call.

Between passes over few rows Python would take several times as long as they do. The arithmetic is
that of Python's steps, by the same compiled functions, and what happens between the passes is
`em_control`.
"""

from __future__ import annotations

from numba import types

from fastem.compiler.function_pointers import call
from fastem.compiler.options import jit, jit_strict, overload
from fastem.kernels.conjugate import SHARE
from fastem.kernels.em_control import (
    NEXT,
    OUTCOME,
    PROJECTION,
    RUNNING,
    copy,
    move,
    proceed,
    take_back,
)
from fastem.kernels.matrices import mirror
from fastem.kernels.passes import SCALARS

#: What `run_passes` has come to: all passes, or the end; a pass that the caller makes; an M step,
#: from moments or from extrapolated statistics, that takes `Code.raising`; a covariance that cannot
#: be factored.
DONE, PASS, MAXIMISE, PROJECT, SINGULAR = range(5)


@jit
def run_passes(
    code, control, shape, passes, bounds, rule, method, state, buffers, scratch, n, begun, level
):
    """Up to n accepted passes, until the run ends.

    Parameters
    ----------
    code, passes, bounds, buffers
        As `em_arguments` has them. The buffers keep the factors of the last point, and its
        statistics.
    control, shape, rule, method, state, scratch
        As of `proceed`.
    n : int
    begun : bool
        Whether the caller has made the pass at the state's point, as it was told by `PASS`.
    level : float
        What was returned then.

    Returns
    -------
    how : {DONE, PASS, MAXIMISE, PROJECT, SINGULAR}
    level : float
        Of the last pass.
    """
    factors, counters = buffers.factors, state.counters
    statistics, noisy = buffers.statistics, _is_noisy(buffers)
    flat = factors.reshape(factors.shape[0], factors.size // factors.shape[0])
    moments = passes.sums[0, SCALARS:]
    for _ in range(n):
        if not begun and counters[NEXT] == PROJECTION:
            _restate(state.point_statistics, shape, passes.n_rows, moments)
            scatter_moments(
                code, moments, state.point_statistics, shape, factors, bounds, statistics
            )
            noise = _noise_after(code, moments, passes.n_rows, shape, state.em_step, buffers)
            if not maximise_point(code, bounds, shape, state.em_step, noise, buffers):
                return PROJECT, level
            copy(buffers.found, state.point)
        if not begun:
            move(state)
        while True:
            if not begun:
                if factor_point(code, state.point, shape, method.scale, buffers) >= 0:
                    return SINGULAR, level
                level = 0.0
                if code.believe != 0:
                    believed = bounds.beliefs, state.point, shape, factors, method.scale
                    level = call(code.believe, 0.0, (*believed, buffers.log_norms))
                if noisy:
                    own = state.point, shape, passes.noise_density, factors
                    beside = buffers.means, buffers.with_noise, buffers.log_norms
                    call(code.put_beside_noise, None, (*own, *beside))
                if passes.address == 0:
                    return PASS, level
                summarise_slots(passes, state.point, shape, buffers)
            begun = False
            add_slots(passes, shape, factors)
            level += _level(passes)
            if not take_back(level, method.precision, method.monotone, state):
                break
        exact = passes.address != 0 and passes.single[0].size == 0
        about = state.point if exact else buffers.about
        scatter_moments(code, moments, about, shape, factors, bounds, statistics)
        noise = _noise_after(code, moments, passes.n_rows, shape, state.point, buffers)
        if not maximise_point(code, bounds, shape, state.point, noise, buffers):
            return MAXIMISE, level
        copy(statistics, state.em_statistics)
        copy(buffers.found, state.em_step)
        proceed(control, shape, noisy, flat, level, rule, method, state, scratch)
        if counters[OUTCOME] != RUNNING:
            break
    return DONE, level


@jit
def summarise_slots(passes, point, shape, buffers):
    """The moments of the rows of each slot; rows were weighed before."""
    K, D = shape
    means, factors = point[K : K + K * D].reshape(K, D), buffers.factors
    if _is_noisy(buffers):
        means, factors = buffers.means, buffers.with_noise
    about = buffers.about[K : K + K * D]
    density = as_precise_as_rows((means, factors, buffers.log_norms), passes.single, about)
    arguments = (*passes.block, *density, passes.sums, passes.labels)
    n_slots = passes.sums.shape[0]
    if passes.launcher != 0:
        call(passes.launcher, None, (passes.address, 0, n_slots, arguments))
        return
    for slot in range(n_slots):
        call(passes.address, None, (slot, *arguments))


def as_precise_as_rows(density, single, about):
    """The density that rows are given: in single precision a copy, whose means `about` receives."""
    raise NotImplementedError("for compiled code only")


@overload(as_precise_as_rows)
def _as_precise_as_rows(density, single, about):
    if single[0].dtype == types.float64:
        return lambda density, single, about: density

    def rounded(density, single, about):
        means, factors, log_norms = single
        copy(density[0].reshape(means.size), means.reshape(means.size))
        copy(density[1].reshape(factors.size), factors.reshape(factors.size))
        copy(density[2], log_norms)
        copy(means.reshape(means.size)[: about.size], about)
        return single

    return rounded


@jit
def add_slots(passes, shape, factors):
    """The moments of all rows, into the sums of the first slot."""
    (_, D), sums = shape, passes.sums
    for slot in range(1, sums.shape[0]):
        for p in range(1, sums.shape[1]):
            sums[0, p] += sums[slot, p]
    if factors.ndim == 3:
        n = _n_summed(sums[0, SCALARS:], D, D * D)
        mirror(sums[0, SCALARS + n + n * D :], n, D)


@jit
def _is_noisy(buffers):
    """Whether noise is one more component of the passes."""
    return buffers.means.shape[0] > 0


@jit
def _n_summed(moments, D, width):
    """Components whose moments these are, with so many second ones: noise is one of them."""
    return moments.shape[0] // (1 + D + width)


@jit_strict
def _level(passes):
    """Mean log-likelihood, in nats."""
    bits, n_rows = passes.sums[0, 1], passes.n_rows
    return (bits * passes.nats + n_rows * passes.log_jacobian) / n_rows


@jit
def factor_point(code, point, shape, scale, buffers):
    """As `matrices.factor` and `factor_diagonal`."""
    K, D = shape
    weights, spreads, factors = point[:K], buffers.spreads, buffers.factors
    _expand(point[K + K * D :], spreads)
    if factors.ndim == 3:
        flat = factors.reshape(factors.size)
        for p in range(flat.shape[0]):
            flat[p] = 0.0
        arguments = (weights, spreads, scale, buffers.scratch, factors, buffers.log_norms)
        return call(code.factor, 0, arguments)
    else:
        return call(code.factor, 0, (weights, spreads, scale, factors, buffers.log_norms))


@jit
def _noise_after(code, moments, n_rows, shape, before, buffers):
    """The weight of noise after an M step; the buffers then join statistics of the other rows."""
    if not _is_noisy(buffers):
        return 0.0
    copy(buffers.statistics, buffers.joined)
    return call(code.set_noise_apart, 0.0, (moments, n_rows, shape, before, buffers.joined))


@jit
def _expand(covariances, spreads):
    """Covariances in the factors' shape: one number may stand for all of a component."""
    flat = spreads.reshape(spreads.size)
    step = flat.shape[0] // covariances.shape[0]
    for p in range(flat.shape[0]):
        flat[p] = covariances[p // step]


@jit
def scatter_moments(code, moments, about, shape, factors, bounds, statistics):
    """As `matrices.scatter`; about is a vector in which means follow weights."""
    K, D = shape
    width = factors.size // factors.shape[0]
    means, n = about[K : K + K * D].reshape(K, D), _n_summed(moments, D, width)
    noise = moments[K] if n > K else 0.0
    counts, first = moments[:K], moments[n : n + K * D].reshape(K, D)
    spread = moments[n + n * D :]
    if factors.ndim == 3:
        second = spread[: K * D * D].reshape(K, D, D)
        call(code.scatter, 0, (means, counts, first, second, noise, bounds.dead, statistics))
    else:
        second = spread[: K * D].reshape(K, D)
        call(code.scatter, 0, (means, counts, first, second, noise, bounds.dead, statistics))


@jit
def _restate(statistics, shape, n_rows, moments):
    """Moments about their means of rows that have such statistics."""
    K, D = shape
    before = K + K * D
    width = (statistics.shape[0] - before) // K
    n = _n_summed(moments, D, width)
    for k in range(K):
        moments[k] = n_rows * statistics[k]
    for p in range(K, n + n * D):
        moments[p] = 0.0
    for k in range(K):
        for p in range(k * width, (k + 1) * width):
            moments[n + n * D + p] = moments[k] * statistics[before + p]


@jit
def maximise_point(code, bounds, shape, start, noise, buffers):
    """The M step from the buffers' statistics; False where it takes `Code.raising`.

    Beside noise of that weight the buffers join statistics of the other rows already.
    """
    before, found = shape[0] * (1 + shape[1]), buffers.found
    if code.posterior != 0:
        held = bounds.ridge, bounds.floor, bounds.dead, bounds.beliefs
        call(code.posterior, None, (buffers.statistics, shape, *held, found))
        return True
    statistics = buffers.statistics
    if _is_noisy(buffers):
        statistics = buffers.joined
    if code.pseudo_rows != 0:
        statistics, prior = buffers.joined, bounds.beliefs
        own = shape, prior[SHARE], bounds.dead, prior
        call(code.pseudo_rows, None, (buffers.statistics, *own, statistics))
    copy(statistics, found[:before])
    copy(buffers.statistics, found[: shape[0]])
    if _is_noisy(buffers):
        for k in range(shape[0]):
            found[k] = statistics[k] * (1.0 - noise)
    covariances = found[before:]
    limits = bounds.ridge, bounds.floor, start[before:]
    call(code.covariances, None, (statistics, shape, *limits, covariances))
    if buffers.factors.ndim == 3:
        matrices = covariances.reshape(buffers.factors.shape)
        least, passed = (bounds.floor, bounds.rounding), buffers.passed
        if call(code.above_floor, False, (matrices, *least, buffers.scratch, passed)):
            return True
        if code.raise_low == 0:
            return False
        call(code.raise_low, None, (matrices, *least, passed))
    return True
