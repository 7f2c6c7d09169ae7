"""Contests over more rows, between ends that the rows of a sample cannot tell apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from fastem import em
from fastem.covariance import Parameters
from fastem.rows import MemoryRows
from fastem.search.duplicate_starts import firsts
from fastem.search.objective import Objective
from fastem.search.spurious import judged

#: Called with start, n_iter, level and parameters.
OnPass = Callable[[int, int, float, Parameters], object]


class End(NamedTuple):
    """Where a start has come to.

    Parameters
    ----------
    start : int
        Its number.
    parameters : Parameters
    level : float
    """

    start: int
    parameters: Parameters
    level: float


#: Ends that go on beside the first, at most.
MOST = 2
#: How many standard errors of the difference another may lie below the first.
DOUBTS = 2.0
#: Steps of the first round; each takes twice as many as the last.
FIRST_ROUND = 8


def watcher(tell: OnPass | None, start: int) -> Callable[[em.Pass], object] | None:
    """Tells of each pass of a run from that start."""
    if tell is None:
        return None
    return lambda told: tell(start, told.n_iter, told.level, told.parameters)


def near(objective: Objective[MemoryRows], first: End, others: Iterable[End]) -> list[End]:
    """The best of others that may be better than the first over more rows.

    Parameters
    ----------
    objective : Objective
        Over a sample.
    first : End
    others : iterable of End
    """
    found = [first]
    for other in sorted(others, key=lambda end: -end.level):
        places = [end.parameters for end in (*found, other)]
        if len(found) > MOST or firsts(places, objective)[-1] < len(found):
            continue
        doubt = _standard_error(objective, first.parameters, other.parameters)
        if first.level - other.level < DOUBTS * doubt:
            found.append(other)
    return found[1:]


def _standard_error(objective: Objective[MemoryRows], one: Parameters, other: Parameters) -> float:
    """That of the difference of two levels: of the rows' differences, and of fitting to them.

    A maximum over m rows is higher there than over others by half a chi-squared of p degrees of
    freedom over m, for p parameters: by the shortfall, give or take the root of shortfall / m.
    """
    rows, family = objective.rows, objective.family
    gains = family.factor(one).log_prob(rows.X, rows.units)
    gains -= family.factor(other).log_prob(rows.X, rows.units)
    weight = rows.sample_weight
    share = np.full(len(gains), 1 / len(gains)) if weight is None else weight / weight.sum()
    variance = (share * (gains - (share * gains).sum()) ** 2).sum()
    return float(np.sqrt(variance * (share**2).sum() + objective.shortfall / len(gains)))


def contest(
    objective: Objective,
    ends: list[End],
    n_samples: int,
    tell: OnPass | None = None,
) -> list[tuple[int, em.Run]]:
    """Go on from ends side by side until one is left: that one first, the others as they were left.

    Each comes with its place among the ends. Each round parts with those whose level is below the
    first's even with the gain that is still to be expected; two that have both ended are told apart
    by their levels.

    Parameters
    ----------
    objective : Objective
    ends : list of End
        In the units of the objective.
    n_samples : int
        Rows of the objective.
    tell : callable, optional
        Told of each pass; True ends that run.
    """
    rule = objective.rule()

    def further(place: int, start: Parameters | em.State, steps: int) -> em.Run:
        if isinstance(start, em.State):
            start = start.resumed()
            steps += start.n_iter
        told = watcher(tell, ends[place].start)
        return objective.runs.run(start, rule, min(steps, objective.max_iter), told)

    def rank(entry: tuple[int, em.Run]) -> tuple[int, float]:
        return judged(entry[1], objective, n_samples)[0], objective.level(entry[1])

    runs = [(i, further(i, end.parameters, FIRST_ROUND)) for i, end in enumerate(ends)]
    left, steps = list[tuple[int, em.Run]](), FIRST_ROUND
    while True:
        runs.sort(key=rank, reverse=True)
        top = objective.level(runs[0][1])
        stay = [e for e in runs[1:] if objective.level(e[1]) + e[1].state.expected_gain > top]
        left = [e for e in runs[1:] if e not in stay] + left
        if not stay or all(_ended(run, objective) for _, run in (runs[0], *stay)):
            return [*runs[:1], *stay, *left]
        steps *= 2
        runs = [
            (i, run if _ended(run, objective) else further(i, run.state, steps))
            for i, run in (runs[0], *stay)
        ]


def _ended(run: em.Run, objective: Objective) -> bool:
    return run.outcome != "exhausted" or run.n_iter >= objective.max_iter
