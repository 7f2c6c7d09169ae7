"""Racing restarts: many cheap starts on a sample, the poor ones dropped early, the best one kept.

Successive halving (K. Jamieson and A. Talwalkar, AISTATS 2016): each round runs the survivors twice
as long as the last one and keeps the better half; the last two run to convergence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fastem import em
from fastem.covariance import Bounds, Family, Parameters
from fastem.kernels.elementary import cholesky
from fastem.moves import improve
from fastem.results import Restart
from fastem.rows import MemoryRows

OnPass = Callable[[int, int, float, Parameters], object]

#: Steps of the first round.
FIRST_ROUND = 16
#: Starts that are run to convergence.
FINALISTS = 2
#: Steps within which a split-and-merge move must pay.
MOVE_STEPS = 60


@dataclass(eq=False)
class _Runner:
    index: int
    parameters: Parameters
    trace: tuple[float, ...] = ()
    n_iter: int = 0
    level: float = -np.inf
    collapsed: bool = False
    converged: bool = False

    def record(self, outcome: str) -> Restart:
        outcome = "collapsed" if self.collapsed and outcome != "chosen" else outcome
        return Restart(self.index, self.level, self.n_iter, outcome, self.trace)


def race(
    sample: MemoryRows,
    family: Family,
    starts: list[Parameters],
    *,
    bounds: Bounds,
    tol: float,
    max_iter: int,
    accelerate: bool,
    finalists: Collection[int] = (),
    on_pass: OnPass | None = None,
) -> tuple[Parameters, tuple[Restart, ...]]:
    """Run the starts against each other on the sample.

    Parameters
    ----------
    finalists : collection of int
        Starts that are not dropped, whatever their level.
    on_pass : callable, optional
        Called with index, n_iter, level and parameters after each pass; True ends the race.

    Returns
    -------
    winner : Parameters
        In the units of the sample.
    restarts : tuple of Restart
        One for each start, in their order.
    """
    firsts = _firsts(starts, family)
    alive = [_Runner(i, start) for i, start in enumerate(starts) if firsts[i] == i]
    done: list[Restart] = []
    budget = FIRST_ROUND
    stopped = False
    while not stopped:
        last = len(alive) <= FINALISTS + len(finalists)
        for runner in alive:
            if runner.converged or runner.n_iter >= max_iter:
                continue
            stopped = _advance(
                runner,
                sample,
                family,
                bounds,
                tol,
                max_iter - runner.n_iter if last else min(budget, max_iter - runner.n_iter),
                accelerate,
                on_pass,
                max((r.level for r in alive if r.converged and not r.collapsed), default=-np.inf),
            )
            if stopped:
                break
        alive = _ranked(alive, grain=max(tol, 8 * sample.precision))
        if last or all(r.converged or r.n_iter >= max_iter for r in alive):
            break
        others = [r for r in alive if r.index not in finalists]
        dropped = others[max(FINALISTS, -(-len(others) // 2)) :]
        done += [r.record("dropped") for r in dropped]
        alive = [r for r in alive if r not in dropped]
        budget *= 2
    winner, *others = alive
    if winner.converged and not winner.collapsed:
        _improve(winner, sample, family, bounds, tol, max_iter, accelerate, on_pass)
    done += [winner.record("chosen"), *(r.record("finished") for r in others)]
    records = {r.index: r for r in done}
    return winner.parameters, tuple(_repeated(records[first], i) for i, first in enumerate(firsts))


def _firsts(starts: list[Parameters], family: Family) -> list[int]:
    """For each start the first one that has the same components, in whatever order: often few."""
    seen: dict[tuple[bytes, ...], int] = {}
    firsts = []
    for i, (weights, means, covariances) in enumerate(starts):
        with np.errstate(over="ignore"):  # means and weights are left to tell them apart
            spread = family.expand(covariances, *means.shape).astype(np.float32)
        parts = zip(weights, means, spread, strict=True)
        components = tuple(sorted(b"".join(part.tobytes() for part in each) for each in parts))
        firsts.append(seen.setdefault(components, i))
    return firsts


def _repeated(record: Restart, index: int) -> Restart:
    """The record of a start, which may be the same as an earlier one's."""
    if index == record.index:
        return record
    outcome = "finished" if record.outcome == "chosen" else record.outcome
    return replace(record, index=index, outcome=outcome)


def _ranked(runners: list[_Runner], grain: float) -> list[_Runner]:
    """Best first; levels that differ by less than the grain are equal, and the earlier start leads.

    Starts often meet at one maximum, and rounding must not choose between them. Collapsed runs come
    last: the likelihood of a singular component says nothing about the data.
    """
    top = max(r.level for r in runners)

    def rank(runner: _Runner) -> tuple[bool, float]:
        return not runner.collapsed, np.round((runner.level - top) / grain)

    return sorted(runners, key=rank, reverse=True)


def _advance(
    runner: _Runner,
    sample: MemoryRows,
    family: Family,
    bounds: Bounds,
    tol: float,
    steps: int,
    accelerate: bool,
    on_pass: OnPass | None,
    to_beat: float,
) -> bool:
    """Run one start some steps further; returns whether the caller's callback said to stop."""
    earlier = runner.n_iter

    def watch(n_iter: int, level: float, point: Parameters) -> object:
        return on_pass is not None and on_pass(runner.index, earlier + n_iter, level, point)

    rule = em.ExpectedGain(tol, sample.precision, to_beat)
    run = em.run(
        sample,
        family,
        runner.parameters,
        bounds=bounds,
        rule=rule,
        max_iter=max(steps, 1),
        accelerate=accelerate,
        on_pass=watch,
    )
    runner.parameters = run.parameters
    runner.trace += run.trace
    runner.n_iter += run.n_iter
    runner.level = run.trace[-1]
    runner.converged = run.outcome == "converged"
    runner.collapsed = bool(collapsed(run.parameters, family, bounds).any())
    return run.outcome == "stopped"


def _improve(
    winner: _Runner,
    sample: MemoryRows,
    family: Family,
    bounds: Bounds,
    tol: float,
    max_iter: int,
    accelerate: bool,
    on_pass: OnPass | None,
) -> None:
    """Try split-and-merge moves on the winner; each is one more run of its own."""
    stopped = False

    def again(start: Parameters) -> tuple[Parameters, float]:
        nonlocal stopped
        tried = _Runner(winner.index, start)
        if not stopped:
            steps = min(max_iter, MOVE_STEPS)
            stopped = _advance(
                tried, sample, family, bounds, tol, steps, accelerate, on_pass, winner.level
            )
        winner.n_iter += tried.n_iter
        return tried.parameters, -np.inf if tried.collapsed else tried.level

    winner.parameters, winner.level = improve(
        sample, family, winner.parameters, winner.level, again, bounds=bounds, tol=tol
    )


def collapsed(parameters: Parameters, family: Family, bounds: Bounds) -> NDArray[np.bool_]:
    """Which components lie on the floor of the bounds, (n_components,)."""
    n_components, n_features = parameters.means.shape
    expanded = family.expand(parameters.covariances, n_components, n_features)
    shifted = expanded - 1.001 * bounds.floor * np.eye(n_features)
    if cholesky(shifted, np.empty_like(shifted)) < 0:
        return np.zeros(n_components, bool)
    return np.array([cholesky(one[None], np.empty_like(one[None])) >= 0 for one in shifted])
