"""Swaps over all rows, or many, of which a sample was raced on: it cannot tell all maxima apart.

Pairs of a cut and an omission are ranked on the sample, as `swaps` has it, and run on over all
rows, or over as many as tell maxima apart where these matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from fastem import em
from fastem.covariance import Family, Parameters
from fastem.rows import MemoryRows, Rows
from fastem.search import swaps
from fastem.search.objective import LEFT, Objective
from fastem.search.splitting import replaced
from fastem.search.spurious import SOUND, fewest, judged

#: Rows, at most: of more so many are drawn. And components: of 32 in 16 columns swaps took longer
#: than all else, and led nowhere.
MOST_ROWS, MOST_COMPONENTS = 2**16, 24
#: The rank of what is not looked at further.
NOWHERE = (-1, -np.inf)
#: How often components that dwindle over all rows are replaced.
REPLACEMENTS = 2
#: A gain over rows that are drawn is no chance where it is so many standard errors.
SURE = 2.0
#: Rows of least density that pairs are ranked on beside a sample, and components of which it is
#: likely to hold fewer rows than this.
FARTHEST, SCARCE = 64, 4

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
    search = _Search(objective, n_samples, to_all, to_sample, on_pass)
    first, is_replaced = search.converged(start)
    alone = Found(first.parameters, search.n_iter, is_replaced)
    soundness, level = search.rank(first)
    if first.outcome != "converged" or soundness < SOUND:
        return alone
    at = swaps.Trial(to_sample(first.parameters), (soundness, level))
    least = max(search.tol, SURE * np.sqrt(objective.shortfall / n_samples))
    rows = with_rare(objective.rows, first.parameters, objective.family, sample.rows)
    found = swaps.improve(replace(sample, rows=rows, tol=least), at, search.tries, effort)
    if found is at:
        return alone._replace(n_iter=search.n_iter)
    return Found(to_all(found.parameters), search.n_iter, moved=True)


def with_rare(rows: Rows, parameters: Parameters, family: Family, sample: MemoryRows) -> MemoryRows:
    """Some of all rows, in a sample's units, with those that few samples hold: each as it counts.

    A cluster of a few rows far from all others may be worth more than any other that is left to
    find, the more so where components share their covariance.

    Parameters
    ----------
    rows : Rows
        All of them; where they are not in one array the sample is what is to be had.
    parameters : Parameters
        In the units of `rows`.
    family : Family
    sample : MemoryRows
    """
    if rows.whole is None:
        return sample
    X, sample_weight = rows.whole
    n, m = len(X), swaps.thinned(sample).n_samples
    said = family.factor(parameters).answers(("log_prob", "predict"), X, rows.units)
    scarce = np.append(parameters.weights * m < SCARCE, False)  # noise, -1, is the last
    is_rare = scarce[said["predict"]]
    is_rare[np.argpartition(said["log_prob"], min(FARTHEST, n - 1))[:FARTHEST]] = True
    (rare,), (others,) = np.nonzero(is_rare), np.nonzero(~is_rare)
    drawn = np.random.default_rng(0).permutation(others)[:m]
    if not len(drawn):
        return sample
    counts = np.ones(n) if sample_weight is None else sample_weight
    times = counts[others].sum() / counts[drawn].sum()
    weight = np.r_[counts[rare], times * counts[drawn]]
    return MemoryRows(X[np.r_[rare, drawn]], weight, sample.units)


class _Search:
    """Runs over the rows of an objective: how many steps they took, and whether one was stopped."""

    def __init__(
        self,
        objective: Objective,
        n_samples: int,
        to_all: Change,
        to_sample: Change,
        on_pass: Callable[[em.Pass], object] | None,
    ) -> None:
        self._objective, self._n_samples, self._on_pass = objective, n_samples, on_pass
        self._to_all, self._to_sample = to_all, to_sample
        self.tol = max(objective.tol, LEFT / n_samples)
        self.n_iter, self.stopped = 0, False

    def converged(self, start: Parameters | em.State) -> tuple[em.Run, bool]:
        """The end of EM, and whether components were replaced that dwindled on the way there."""
        on, n_features = self._objective, len(self._objective.rows.units.scale)
        few = fewest(on.family, n_features) / self._n_samples
        ended, is_replaced = self._run(start, on.max_iter, -np.inf, few), False
        for _ in range(REPLACEMENTS):
            (which,) = np.nonzero(ended.parameters.weights < few)
            if ended.outcome != "dwindled" or len(which) == len(ended.parameters.weights):
                break
            moved = replaced(ended.parameters, which, on.family, on.bounds)
            ended, is_replaced = self._run(moved, on.max_iter, -np.inf, few), True
        return ended, is_replaced

    def tries(
        self, starts: Iterable[Parameters], steps: int, to_beat: float
    ) -> Iterator[swaps.Trial]:
        """Where starts of the sample lead, in its units."""
        if self.stopped:
            return
        on = self._objective
        rule = on.rule(to_beat, self.tol)
        entered = map(self._to_all, starts)
        for ended in on.runs.each(entered, rule, min(steps, on.max_iter), self._on_pass):
            self._note(ended)
            if ended.outcome == "hopeless":  # which loses, sound or not
                yield swaps.Trial(ended.parameters, NOWHERE)
            else:
                yield swaps.Trial(self._to_sample(ended.parameters), self.rank(ended))
            if ended.outcome == "stopped":
                return

    def rank(self, ended: em.Run) -> tuple[int, float]:
        """How sound an end is, and its level."""
        soundness, _ = judged(ended, self._objective, self._n_samples)
        return soundness, self._objective.level(ended)

    def _run(
        self, start: Parameters | em.State, steps: int, to_beat: float, least_weight: float = 0.0
    ) -> em.Run:
        on, before = self._objective, start.n_iter if isinstance(start, em.State) else 0
        rule = on.rule(to_beat, self.tol, least_weight)
        ended = on.runs.run(start, rule, min(steps, on.max_iter), self._on_pass)
        self._note(ended, before)
        return ended

    def _note(self, ended: em.Run, before: int = 0) -> None:
        self.n_iter += ended.n_iter - before
        self.stopped = ended.outcome == "stopped"
