"""Swaps over all rows, or many, of which a sample was raced on: it cannot tell all maxima apart.

Pairs of a cut and an omission are ranked on the sample, as `swaps` has it, and run on over all
rows, or over as many as tell maxima apart where these matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from fastem import em
from fastem.covariance import Parameters
from fastem.rows import MemoryRows
from fastem.search import swaps
from fastem.search.objective import LEFT, Objective
from fastem.search.splitting import replaced
from fastem.search.spurious import FEW, SOUND, judged

#: Rows, at most: of more so many are drawn. And components: of 32 in 16 columns swaps took longer
#: than all else, and led nowhere.
MOST_ROWS, MOST_COMPONENTS = 2**16, 24
#: The rank of what is not looked at further.
NOWHERE = (-1, -np.inf)

#: How often components that dwindle over all rows are replaced.
REPLACEMENTS = 2
#: A gain over rows that are drawn is no chance where it is so many standard errors.
SURE = 2.0

#: Brings parameters into other units.
Change = Callable[[Parameters], Parameters]


class Found(NamedTuple):
    """Where a search led.

    Parameters
    ----------
    parameters : Parameters
    n_iter : int
        Steps of all runs.
    moved : bool
        Whether to another maximum than EM alone would have led to.
    """

    parameters: Parameters
    n_iter: int
    moved: bool = False


def improve(
    objective: Objective,
    sample: Objective[MemoryRows],
    start: Parameters | em.State,
    n_samples: int,
    effort: swaps.Effort,
    to_all: Change,
    to_sample: Change,
    on_pass: Callable[[em.Pass], object] | None = None,
) -> Found:
    """Go on from a start to convergence, and swap components while that leads higher.

    Parameters
    ----------
    objective : Objective
        Over all rows, or many.
    sample : Objective
        Over those that starts raced on.
    start : Parameters or State
        In the units of `objective`.
    n_samples : int
        Rows of `objective`.
    effort : Effort
    to_all, to_sample : callable
        From the units of one objective to those of the other.
    on_pass : callable, optional
        Told of each pass; True ends that run, and the search.
    """
    tol = max(objective.tol, LEFT / n_samples)
    n_iter, stopped = 0, False

    def run(
        start: Parameters | em.State, steps: int, to_beat: float, least_weight: float = 0.0
    ) -> em.Run:
        nonlocal n_iter, stopped
        precision = objective.rows.precision
        rule = em.Rule.expected_gain(tol, precision, to_beat, least_weight=least_weight)
        before = start.n_iter if isinstance(start, em.State) else 0
        ended = objective.runs.run(start, rule, min(steps, objective.max_iter), on_pass)
        n_iter, stopped = n_iter + ended.n_iter - before, ended.outcome == "stopped"
        return ended

    def tried(start: Parameters, steps: int, to_beat: float) -> swaps.Trial:
        if stopped:
            return swaps.Trial(start, NOWHERE)
        ended = run(to_all(start), steps, to_beat)
        if ended.outcome == "hopeless":  # which loses, sound or not
            return swaps.Trial(start, NOWHERE)
        soundness, _ = judged(ended, objective, n_samples)
        return swaps.Trial(to_sample(ended.parameters), (soundness, ended.trace[-1]))

    few = FEW * (sample.rows.n_features + 1) / n_samples
    first = run(start, objective.max_iter, -np.inf, few)
    needed = objective.family.least_rows(sample.rows.n_features) > 0  # a prior may spare components
    if first.outcome == "dwindled" and not needed and isinstance(start, Parameters):
        return Found(start, n_iter)
    n_replaced = 0
    while first.outcome == "dwindled" and needed and n_replaced < REPLACEMENTS:
        (which,) = np.nonzero(first.parameters.weights < few)
        if len(which) == len(first.parameters.weights):
            break
        moved = replaced(first.parameters, which, objective.family, objective.bounds)
        first = run(moved, objective.max_iter, -np.inf, few)
        n_replaced += 1
    soundness, _ = judged(first, objective, n_samples)
    if first.outcome != "converged" or soundness < SOUND:
        return Found(first.parameters, n_iter, n_replaced > 0)
    at = swaps.Trial(to_sample(first.parameters), (soundness, first.trace[-1]))
    least = max(tol, SURE * np.sqrt(objective.shortfall / n_samples))
    found = swaps.improve(replace(sample, tol=least), at, tried, effort)
    if found is at:
        return Found(first.parameters, n_iter, n_replaced > 0)
    return Found(to_all(found.parameters), n_iter, moved=True)
