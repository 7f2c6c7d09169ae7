"""Contests over more rows, between ends that the rows of a sample cannot tell apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np

from fastem import em
from fastem.covariance import Parameters
from fastem.rows import MemoryRows
from fastem.search.duplicate_starts import firsts
from fastem.search.objective import Objective
from fastem.search.spurious import judged


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
    """That of the difference of two levels, from the rows' differences."""
    rows, family = objective.rows, objective.family
    gains = family.factor(one).log_prob(rows.X, rows.units)
    gains -= family.factor(other).log_prob(rows.X, rows.units)
    weight = rows.sample_weight
    share = np.full(len(gains), 1 / len(gains)) if weight is None else weight / weight.sum()
    variance = (share * (gains - (share * gains).sum()) ** 2).sum()
    return float(np.sqrt(variance * (share**2).sum()))


def contest(
    objective: Objective,
    starts: list[Parameters],
    n_samples: int,
    on_pass: Callable[[int, em.Pass], object] | None = None,
) -> list[tuple[int, em.Run]]:
    """Run starts side by side until one is left: that one first, the others as they were left.

    Each comes with its place among the starts. Each round parts with the last, and with all whose
    level is below the first's even with the gain that is still to be expected.

    Parameters
    ----------
    objective : Objective
    starts : list of Parameters
    n_samples : int
        Rows of the objective.
    on_pass : callable, optional
        Called with the place of a start and each of its passes; True ends its run.
    """
    rule = em.Rule.expected_gain(objective.tol, objective.rows.precision)

    def further(place: int, start: Parameters | em.State, steps: int) -> em.Run:
        if isinstance(start, em.State):
            start = start.resumed()
            steps += start.n_iter
        return em.run(
            objective.rows,
            objective.family,
            start,
            bounds=objective.bounds,
            rule=rule,
            max_iter=min(steps, objective.max_iter),
            accelerate=objective.accelerate,
            on_pass=on_pass and partial(on_pass, place),
        )

    def rank(entry: tuple[int, em.Run]) -> tuple[int, float]:
        return judged(entry[1], objective, n_samples)[0], entry[1].trace[-1]

    runs = [(i, further(i, start, FIRST_ROUND)) for i, start in enumerate(starts)]
    left, steps = list[tuple[int, em.Run]](), FIRST_ROUND
    while True:
        runs.sort(key=rank, reverse=True)
        top = runs[0][1].trace[-1]
        stay = [e for e in runs[1:-1] if e[1].trace[-1] + e[1].state.expected_gain > top]
        left = [e for e in runs[1:] if e not in stay] + left
        if not stay:
            return runs[:1] + left
        steps *= 2
        runs = [
            (i, run if _ended(run, objective) else further(i, run.state, steps))
            for i, run in (runs[0], *stay)
        ]


def _ended(run: em.Run, objective: Objective) -> bool:
    return run.outcome != "exhausted" or run.n_iter >= objective.max_iter
