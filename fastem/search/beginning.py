"""Where EM over all rows begins: at given parameters, or at the winner of a race on a sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

import numpy as np

from fastem import em
from fastem.covariance import Bounds, Family, Parameters, singular
from fastem.data import Data
from fastem.lazy import lazy
from fastem.mixture import change_units, to_units
from fastem.noise import Noise
from fastem.options import Options
from fastem.progress import Watch
from fastem.results import Restart
from fastem.rows import MemoryRows
from fastem.search import over_all, swaps
from fastem.search.contest import End, contest, watcher
from fastem.search.given_labels import GivenLabels, begin_with_labels
from fastem.search.objective import LEFT, Objective
from fastem.search.race import Outcome, race
from fastem.search.runner import chosen_of, prolonged
from fastem.search.samples import Sample, Samples, child, seed_sequence
from fastem.search.starts import (
    Start,
    UserStart,
    draw,
    kinds,
    nearest_means,
    noise_start,
    standard_rows,
)
from fastem.words import Seed

#: Rows are many beside those of a race where they are so many times as many.
LARGER = 2
#: Kinds of starts that are tried beside the `n_init` ones, in turn.
RANDOM = "random-subsets", "random"


@dataclass(frozen=True, eq=False)
class Starts:
    """Starts by one seed, and the rows they race on: what all fits of one call share.

    Parameters
    ----------
    data : Data
    options : Options
    seed : SeedSequence
    is_seeded : bool
        Whether the user chose the seed.
    """

    data: Data
    options: Options
    seed: np.random.SeedSequence
    is_seeded: bool = True
    _cleared: dict[Sample, tuple[Sample, float]] = field(default_factory=dict, init=False)
    _drawn: dict[tuple[Sample, int], list[Start]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Check that there are such starts."""
        kinds(self.options.init)

    @classmethod
    def of(
        cls,
        data: Data,
        options: Options,
        random_state: Seed,
    ) -> Starts:
        """Those that come from a random state, as users give it."""
        return cls(data, options, seed_sequence(random_state), random_state is not None)

    @lazy
    def samples(self) -> Samples:
        """The rows that they race on."""
        return Samples(self.data, child(self.seed, 0))

    def clear(self, sample: Sample, n_components: int) -> tuple[Sample, float]:
        """The rows of a sample that are clear of noise, if not too few; and the noise's share."""
        if not self.options.is_noisy:
            return sample, 0.0
        if sample not in self._cleared:
            marks = self.options.noise
            marks = True if isinstance(marks, Noise) else marks
            self._cleared[sample] = noise_start.clear(self.samples, sample, marks)
        rest, noise = self._cleared[sample]
        enough = max(2 * n_components, sample.n_features + 1)
        return rest if rest.n_samples >= enough else sample, noise

    def on(self, sample: Sample, n_components: int) -> list[Start]:
        """Starts on a sample: beside noise half of them on the rows that are clear of it.

        The others are on all rows, since a sparse cluster may have been taken for noise.
        """
        if (sample, n_components) not in self._drawn:
            self._drawn[sample, n_components] = self._draw(sample, n_components)
        return self._drawn[sample, n_components]

    def more(self, sample: Sample, n_components: int) -> Iterator[Start]:
        """Random starts beside those, without end; none where one start is all that is wanted."""
        n_init = self.options.n_init
        clear, noise = self.clear(sample, n_components)
        for i in count() if n_init > 1 else ():
            rng = np.random.default_rng(child(self.seed, 1 + n_init + i))
            (start,) = draw(RANDOM[i % len(RANDOM)], clear, n_components, [rng])
            yield replace(start, noise=noise)

    @property
    def seeds(self) -> list[np.random.SeedSequence]:
        """One for each start."""
        return [child(self.seed, 1 + i) for i in range(self.options.n_init)]

    def _draw(self, sample: Sample, n_components: int) -> list[Start]:
        make = partial(draw, self.options.init)
        generators = [np.random.default_rng(seed) for seed in self.seeds]
        clear, noise = self.clear(sample, n_components)
        if not noise:
            return make(sample, n_components, generators)
        cleared, whole = make(clear, n_components, generators[::2]), []
        if generators[1::2]:
            whole = make(sample, n_components, generators[1::2])
        starts = [replace(start, noise=noise) for start in cleared]
        return starts + [replace(start, noise=noise_start.LEAST_SHARE) for start in whole]


def begin(
    starts: Starts,
    n_components: int,
    family: Family,
    objective: Objective,
    user_start: UserStart,
    watch: Watch,
    labels: GivenLabels | None = None,
) -> tuple[Parameters | em.State, tuple[Restart, ...]]:
    """A start within the bounds of the objective, and what became of those tried.

    Where all rows had to decide between several it is the state in which that left the best one.
    """
    if user_start.means is not None and user_start.covariances is not None:
        begun = to_units(user_start.complete(), family, objective.rows.units)
        if starts.options.is_noisy and user_start.noise is None:
            _, noise = starts.clear(starts.samples.of(family, n_components), n_components)
            begun = begun._replace(weights=begun.weights * (1.0 - noise))
        return _feasible(begun, objective), ()
    if labels is not None and user_start.means is None:
        generators = [np.random.default_rng(seed) for seed in starts.seeds]
        begun, restarts = begin_with_labels(labels, objective, family, starts.data, generators)
        return _feasible(begun, objective), restarts
    ended = _searched(starts, n_components, family, user_start, watch)
    units = starts.samples.of(family, n_components).units
    n_samples, goes_on = starts.data.n_samples, n_components <= over_all.MOST_COMPONENTS
    goes_on = goes_on and ended.objective is not None and ended.objective.is_sample
    if goes_on and n_samples > over_all.MOST_ROWS:
        ended = _improved(starts, n_components, family, ended, watch)

    def entered(parameters: Parameters) -> Parameters:
        return _feasible(change_units(parameters, family, units, objective.rows.units), objective)

    start: Parameters | em.State
    start, restarts = entered(ended.winner), ended.restarts
    if ended.near:
        others = [end._replace(parameters=entered(end.parameters)) for end in ended.near]
        start, restarts = _decided(objective, start, others, n_samples, restarts, watch)
    if not goes_on or n_samples > over_all.MOST_ROWS:
        return start, restarts
    assert ended.objective is not None
    found = over_all.improve(
        objective,
        ended.objective,
        start,
        n_samples,
        _effort(starts, ended),
        entered,
        partial(change_units, family=family, old=objective.rows.units, new=units),
        watcher(watch.race(objective.rows.units), chosen_of(restarts).index),
    )
    return found.parameters, prolonged(restarts, found.n_iter)


def _improved(
    starts: Starts, n_components: int, family: Family, ended: Outcome, watch: Watch
) -> Outcome:
    """The outcome of a race after a search over many rows, where all would take too long.

    All rows are to decide between where swaps led and where the race did.
    """
    assert ended.objective is not None
    sample, chosen = ended.objective.rows, chosen_of(ended.restarts)
    many = starts.samples.like(sample, over_all.MOST_ROWS)
    if many.n_samples < LARGER * sample.n_samples:
        return ended
    found = over_all.improve(
        _over(many, starts, n_components, family),
        ended.objective,
        ended.winner,
        many.n_samples,
        _effort(starts, ended),
        _same,
        _same,
        watcher(watch.race(sample.units), chosen.index),
    )
    restarts = prolonged(ended.restarts, found.n_iter)
    if not found.moved:  # those that are near have not come as far: they would lose a contest
        return ended._replace(restarts=restarts)
    near = [End(chosen.index, ended.winner, chosen.log_likelihood), *ended.near]
    return ended._replace(winner=found.parameters, near=near, restarts=restarts)


def _effort(starts: Starts, ended: Outcome) -> swaps.Effort:
    """How many swaps are tried over all rows, or many, after a race on fewer."""
    return swaps.OVER_ALL._replace(n_starts=starts.options.n_init, n_met=ended.met)


def _same(parameters: Parameters) -> Parameters:
    """Those parameters: their units are the same."""
    return parameters


def _decided(
    objective: Objective,
    winner: Parameters,
    near: list[End],
    n_samples: int,
    restarts: tuple[Restart, ...],
    watch: Watch,
) -> tuple[Parameters | em.State, tuple[Restart, ...]]:
    """The best of some ends over all rows, and what became of the starts then."""
    first = chosen_of(restarts)
    ends = [End(first.index, winner, first.log_likelihood), *near]
    (place, best), *_ = contest(objective, ends, n_samples, watch.race(objective.rows.units))
    if place > 0:
        outcomes = {first.index: "finished", ends[place].start: "chosen"}
        restarts = tuple(
            replace(restart, outcome=outcomes.get(restart.index, restart.outcome))
            for restart in restarts
        )
    goes_on = best.outcome == "exhausted" and best.n_iter < objective.max_iter
    return best.state.resumed() if goes_on else best.parameters, restarts


def _feasible(start: Parameters, objective: Objective) -> Parameters:
    """A start within the bounds, where EM would keep it: from there the likelihood never falls."""
    if not singular(start, objective.family, objective.bounds).any():
        return start
    bounds = Bounds(np.zeros_like(objective.bounds.ridge), objective.bounds.floor)
    return objective.family.maximise(objective.family.moments(start), bounds)


def _searched(
    starts: Starts, n_components: int, family: Family, user_start: UserStart, watch: Watch
) -> Outcome:
    """What a race comes to, or what rows of a sample add to given means."""
    samples, n_samples = starts.samples, starts.data.n_samples
    sample = samples.of(family, n_components)
    units = sample.units

    def parameters(start: Start) -> Parameters:
        own = start.parameters(first.family, first.bounds)
        return user_start.override(own, first.family, units)

    over = partial(_over, starts=starts, n_components=n_components, family=family)
    first = over(sample)
    if user_start.means is not None:
        clear, noise = starts.clear(sample, n_components)
        nearest = nearest_means(clear, units.enter(user_start.means))
        return Outcome(parameters(replace(nearest, noise=noise)), (), [])
    if n_components == 1 and not starts.options.is_noisy:  # one maximum, a step from anywhere
        whole = Start.grouped(*standard_rows(sample), np.zeros(sample.n_samples, np.int32), 1)
        return Outcome(parameters(whole), (), [])
    drawn = starts.on(sample, n_components)
    return race(
        first,
        [parameters(start) for start in drawn],
        map(over, samples.larger(sample)),
        holdout=(lambda n: samples.holdout(n, units)) if sample.n_samples < n_samples else None,
        finalists=[i for i, start in enumerate(drawn) if start.finalist],
        more=map(parameters, starts.more(sample, n_components)),
        on_pass=watch.race(units),
    )


def _over(rows: MemoryRows, starts: Starts, n_components: int, family: Family) -> Objective:
    """The objective over some rows, or all, in memory."""
    # At the maximum over m rows the level of all rows is some p / 2m below its own maximum,
    # for p parameters: what is worth having on the sample is a small share of that.
    n_parameters = family.n_parameters(n_components, rows.n_features)
    is_part = rows.n_samples < starts.data.n_samples
    shortfall = n_parameters / (2 * rows.n_samples) if is_part else 0.0
    # Over all rows the last run goes on from where the race ends.
    least = 0.0 if is_part else LEFT / rows.n_samples
    return Objective.of(rows, family, starts.options, shortfall, least)
