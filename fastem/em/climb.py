"""Runs over so few rows that Python between the passes would take most of the time.

There `kernels.climb` makes many passes in one call. What it cannot do, it leaves to the loop, which
goes on from where it stopped: to raise eigenvalues that fell below the floor. So a run ends at the
same parameters either way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.compiler.slot_loop import LAUNCH_WORK
from fastem.covariance import Bounds, Family, Parameters
from fastem.covariance.ellipsoidal import ROUNDING
from fastem.density import HALF_BITS, LN2, Density
from fastem.density.accumulator import NO_LABELS
from fastem.em.acceleration import QuasiNewton
from fastem.em.convergence import ExpectedGain, vector
from fastem.em.standing import Standing, Stateful
from fastem.kernels import climb as kernel
from fastem.kernels.convergence import CONVERGED, HOPELESS
from fastem.kernels.passes import summarise
from fastem.moments import DEAD, Moments
from fastem.rows import Rows
from fastem.units import Units

#: Passes that one call makes, at most: between two of them Python sees Ctrl-C.
MOST_PASSES = 256
OUTCOMES = {CONVERGED: "converged", HOPELESS: "converged", kernel.EXHAUSTED: "exhausted"}


def climb(
    rows: Rows,
    family: Family,
    at: Standing,
    bounds: Bounds,
    rule: Stateful,
    stepper: Stateful,
    max_iter: int,
) -> tuple[str, Moments] | None:
    """Run EM from where it stands, as far as that can be done here.

    Parameters
    ----------
    rows, family, at, bounds, rule, stepper, max_iter
        As of `em.run`; where the run stands, rule and stepper change with each pass.

    Returns
    -------
    outcome : str
        As of `Run`.
    moments : Moments
        Of all rows where it stands then. Neither if the run has to go on in the loop.
    """
    averages, whole = family.averages, rows.whole
    if averages is None or whole is None or not isinstance(rule, ExpectedGain):
        return None
    n = len(whole[0])
    density, shape = family.factor(at.point), at.point.means.shape
    few = density.work(n) < LAUNCH_WORK and rule.least_weight == 0.0
    if not (few and rows.dtype == np.float64 and summarise.compiles):
        return None
    leaps = stepper if isinstance(stepper, QuasiNewton) else QuasiNewton(family, bounds, at.point)
    passes, place = _passes(*whole, rows.units, density), _place(at, leaps, max_iter)
    rules = kernel.Rules(
        averages,
        read_only(bounds.ridge),
        bounds.floor,
        ROUNDING * shape[1],
        DEAD,
        HALF_BITS,
        rows.precision,
        leaps is stepper,
        max_iter,
        rule.tol > 0,
        rule.least,
        rule.to_beat,
    )
    sizes = place.point.size, place.here.size
    memory = leaps.memory, rule.begin(place.point.size)
    room = kernel.Room.of(density.factors.shape, shape[0], *sizes)
    code, how = kernel.Code.of(density.factors.ndim), kernel.PAUSED
    while how == kernel.PAUSED:
        how = kernel.climb(code, shape, passes, rules, place, room, *memory)
        at.trace += place.trace[: place.counters[kernel.PASSES]].tolist()
    _arrive(at, leaps, place)
    rule.hopeless = how == HOPELESS
    if how in OUTCOMES:
        accumulator = family.factor(at.point).accumulator(n, rows.dtype, rows.units)
        accumulator.merge(passes.sums[:1])
        return OUTCOMES[how], accumulator.moments()
    if how == kernel.LEAPT_TO_FLOOR:
        at.step(leaps.land(passes.n_rows, at.image))
    return None


def _place(at: Standing, leaps: QuasiNewton, max_iter: int) -> kernel.Place:
    """Where the run stands, in arrays that are written to."""
    return kernel.Place(
        vector(at.point),
        vector(at.image),
        leaps.image.copy(),
        leaps.point.copy(),
        np.array([0, at.n_iter, at.leapt]),
        np.empty(min(max_iter + 1, MOST_PASSES)),
        np.array(at.trace[-1:] or [-np.inf]),
    )


def _arrive(at: Standing, leaps: QuasiNewton, place: kernel.Place) -> None:
    """Let the run, and what its leaps begin from, stand there."""
    at.point, at.image = (_parameters(end, at.point) for end in (place.point, place.image))
    _, at.n_iter, leapt = place.counters.tolist()
    at.leapt = bool(leapt)
    leaps.image, leaps.point = place.statistics, place.here


def _passes(
    X: NDArray[np.float64],
    sample_weight: NDArray[np.float64] | None,
    units: Units,
    density: Density,
) -> kernel.Passes:
    accumulator = density.accumulator(len(X), X.dtype, units)
    block = accumulator.laid_out(X, sample_weight)
    sums = accumulator.no_sums(X, sample_weight)
    address = summarise.address((*block, *density.cast(X.dtype), sums, NO_LABELS))
    sums[0, 0] = np.add.accumulate(sums[:, 0])[-1]
    n_rows = float(sums[0, 0])
    return kernel.Passes(address, block, sums, NO_LABELS, n_rows, LN2, units.log_jacobian)


def _parameters(end: NDArray[np.float64], like: Parameters) -> Parameters:
    """The parts of a vector, in those shapes."""
    K, before = len(like.weights), len(like.weights) + like.means.size
    means = end[K:before].reshape(like.means.shape)
    return Parameters(end[:K], means, end[before:].reshape(like.covariances.shape))
