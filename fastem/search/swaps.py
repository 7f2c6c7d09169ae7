"""Swaps judged by short runs: one component is cut in two, another one left out.

Hard labels say little of components that overlap, or that lie within each other. A few steps of EM
from each cut, and from what is left without each component, say more: together they tell which cut
goes with which omission, and the likeliest of these pairs run on. Few components make few pairs:
other starts take the place of those that are wanting. Beside them EM goes on from where it led over
half of the rows.

Source: N. Ueda, R. Nakano, Z. Ghahramani and G. E. Hinton, Neural Computation 12 (2000) 2109, for
the moves; cuts in a core and a tail are for heavy-tailed clusters, which no plane divides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from fastem.covariance import Bounds, Family, Parameters
from fastem.moments import DEAD
from fastem.rows import MemoryRows
from fastem.search.objective import Objective
from fastem.search.perturbation import perturbed
from fastem.search.splitting import cores, put_in, splits, without
from fastem.search.spurious import SOUND

#: Steps that a cut, and what is left without a component, are given.
CUT_STEPS, LEFT_STEPS = 4, 3
#: Rows that are enough for these; of more than `WIDE` columns as many numbers, down to so few rows.
#: Of more than those fewer pairs run on.
ENOUGH, FEWEST = 4096, 1024
#: What is tried in each round, by the number of starts that met: of 190 problems with real data
#: a swap led higher in 60% where none did, in 48, 21, 15 and 3% where one, two, three and more did.
#: Of 398 such problems, three seeds each, the best known maximum was missed in 24% with 30 pairs
#: alone, in 22% with 45 and in 20% with 60, for 1.24 and 1.45 times the processor time. Of 1,188
#: fits of two to four components to 99 other real sets, it was in 7.8% with 15, 8 and 4 where two,
#: three and more starts met, in 7.0% with 18, 14 and 10, in 6.6% with 30 for a quarter more time.
TRIES = 45, 30, 18, 14, 10
#: Cuts that are judged for each try, at most: in very many columns few pairs run on.
CUTS = 4
#: The share of tries before halves of the rows are among them. Of 1,194 fits of real rows the best
#: known maximum was missed in 21% without halves, in 17% so, in 18 to 19% where halves came first.
ALONE = 1 / 3
#: Components, at most: the number of pairs grows with the square.
MOST_COMPONENTS = 64
#: Rounds, at most.
ROUNDS = 8
#: Columns from which fewer pairs run on, unless covariances are diagonal: a step costs their
#: square, and rows that are few beside columns tell maxima apart by chance.
WIDE = 16
#: Floating point operations of a pass from which swaps take no more steps than the starts did. Over
#: 20,000 rows of 100 columns EM converged from one start in seven, and two swaps took sixty. Over
#: 1,797 images of 40 columns, a fifth of this, a single start needs its swaps.
LONG = 3e8
#: Starts that a search usually has: of one that is asked for more or fewer as many times as many
#: pairs run on, but no fewer than this share.
USUAL, LEAST = 10, 0.3


class Effort(NamedTuple):
    """How much is tried.

    Parameters
    ----------
    share : float
        Of `TRIES`.
    steps : int
        That each pair has to come to something better.
    n_starts : int
        Which the search was asked for.
    n_met : int
        Starts that led to where swaps begin, beside the one: the more there are, the less is to be
        found.
    n_steps : int, optional
        That all starts took, over the same rows.
    """

    share: float
    steps: int
    n_starts: int = USUAL
    n_met: int = 0
    n_steps: int | None = None

    def tries(self, objective: Objective[MemoryRows], parameters: Parameters) -> int:
        """How many starts run on in a round, from those parameters."""
        times = max(LEAST, self.n_starts / USUAL)
        share = self.share * times
        if not objective.family.diagonal:
            share *= min(1.0, WIDE / objective.rows.n_features)
        tries = int(TRIES[min(int(self.n_met / times), len(TRIES) - 1)] * share)
        if self.n_steps is None:
            return tries
        is_long = objective.family.factor(parameters).work(objective.rows.n_samples) > LONG
        return min(tries, self.n_steps // self.steps) if is_long else tries


#: Over the rows of a race, and over all rows where that was on a sample of them. Of 512 fits of
#: 1,600 to 4,000 real rows half the pairs missed the best known maximum in 30%, all of them in 25%.
OVER_RACE, OVER_ALL = Effort(1.0, 30), Effort(1 / 3, 12)


class Trial(NamedTuple):
    """Where a run ended.

    Parameters
    ----------
    parameters : Parameters
    rank : (int, float)
        How sound that is, and the level.
    """

    parameters: Parameters
    rank: tuple[int, float]


#: Runs EM from each start, so many steps, as long as it may come up to a level. Starts may be drawn
#: ahead of what is asked for.
Runs = Callable[[Iterable[Parameters], int, float], Iterator[Trial]]


def improve(
    objective: Objective[MemoryRows],
    at: Trial,
    runs: Runs,
    effort: Effort,
    more: Iterable[Parameters] = (),
) -> Trial:
    """Swap components while that leads higher.

    Parameters
    ----------
    objective : Objective
    at : Trial
        Where EM converged.
    runs : callable
    effort : Effort
    more : iterable of Parameters
        Other starts, in place of pairs that are wanting.
    """
    tries = effort.tries(objective, at.parameters)
    if len(at.parameters.weights) < 2 or not tries:
        return at
    short = replace(objective, rows=thinned(objective.rows))
    others = _Others(more)
    for i in range(ROUNDS):
        starts = chain(_pairs(short, at.parameters, CUTS * tries), others)
        halves = perturbed(short, at.parameters, tries, np.random.default_rng(i))
        mixed = islice(_mixed(starts, halves, tries), tries)
        better = _better(short, at, runs, effort.steps, mixed, others)
        if better is None:
            break
        at = better
    return at


def _mixed(
    starts: Iterator[Parameters], halves: Iterator[Parameters], tries: int
) -> Iterator[Parameters]:
    """The likeliest pairs, which lead farthest; then pairs or others and halves, in turn."""
    yield from islice(starts, int(ALONE * tries))
    for start in starts:
        yield from islice(halves, 1)
        yield start
    yield from halves


def _better(
    short: Objective[MemoryRows],
    at: Trial,
    runs: Runs,
    steps: int,
    starts: Iterable[Parameters],
    others: _Others,
) -> Trial | None:
    """Where the first start leads that comes to something better."""
    sound, level = at.rank
    least = level + short.tol
    drawn = list[Parameters]()
    # A sound end is worth more than a higher one that is not.
    trials = runs(_noted(starts, drawn), steps, least if sound == SOUND else -np.inf)
    for n, tried in enumerate(trials, start=1):
        if tried.rank > (sound, least):  # a component may dwindle yet
            tried = next(runs([tried.parameters], short.max_iter, -np.inf), at)
        if tried.rank > (sound, least):
            others.put_back(drawn[:n])
            return tried
    return None


def _noted(starts: Iterable[Parameters], drawn: list[Parameters]) -> Iterator[Parameters]:
    for start in starts:
        drawn.append(start)
        yield start


class _Others(Iterator[Parameters]):
    """Starts of which those that were drawn ahead, and not tried, can be put back."""

    def __init__(self, starts: Iterable[Parameters]) -> None:
        self._left, self._drawn = iter(starts), list[Parameters]()

    def __next__(self) -> Parameters:
        self._drawn.append(next(self._left))
        return self._drawn[-1]

    def put_back(self, tried: list[Parameters]) -> None:
        known = set(map(id, tried))
        unused = [start for start in self._drawn if id(start) not in known]
        self._left, self._drawn = chain(unused, self._left), []


def _pairs(on: Objective[MemoryRows], parameters: Parameters, most: int) -> Iterator[Parameters]:
    """Starts after each omission and cut, of the first so many, the likeliest first."""
    family, bounds = on.family, on.bounds
    K = len(parameters.weights)
    if not (parameters.weights > DEAD).all():  # what is left without the other has no weights
        return
    without_one = (without(parameters, j, family, bounds) for j in range(K))
    left = [level for level, _ in on.each_after(without_one, LEFT_STEPS)]
    which, starts = [], []
    for i, start in islice(cuts(on.rows, parameters, family, bounds), most):
        which.append(i)
        starts.append(start)
    pairs = []
    for i, (level, cut) in zip(which, on.each_after(starts, CUT_STEPS), strict=True):
        # The parts come last, the others in their order.
        pairs += [(level + left[j], j - (0 <= i < j), cut) for j in range(K) if j != i]
    pairs.sort(key=lambda pair: -pair[0])
    for level, place, cut in pairs:
        if level > -np.inf:
            yield without(cut, place, family, bounds)


def thinned(rows: MemoryRows) -> MemoryRows:
    """Evenly spaced ones, if there are more than enough."""
    enough = max(FEWEST, ENOUGH * WIDE // max(WIDE, rows.n_features))
    step = rows.n_samples // enough
    return rows if step < 2 else rows.some(slice(None, None, step))


def cuts(
    rows: MemoryRows, parameters: Parameters, family: Family, bounds: Bounds
) -> Iterator[tuple[int, Parameters]]:
    """Starts of one component more, and which one is cut in two, or -1."""
    for axis in range(min(2, rows.n_features)):
        yield from enumerate(splits(parameters, family, bounds, axis))
    if not family.shared:  # else both parts would be the same for ever
        yield from enumerate(cores(parameters, family, bounds))
    density = family.factor(parameters).log_prob(rows.X, rows.units)
    farthest = (rows.X[density.argmin()] - rows.units.centre) * rows.units.scale
    few = 2 * (rows.n_features + 1) / rows.n_samples
    yield -1, put_in(parameters, farthest, min(few, 0.5), family, bounds)
