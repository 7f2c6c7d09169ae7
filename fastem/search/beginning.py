"""Where EM over all rows begins: at given parameters, or at the winner of a race on a sample."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from fastem import validation
from fastem.covariance import Bounds, Family, Parameters, singular
from fastem.data import Data
from fastem.lazy import lazy
from fastem.mixture import change_units, to_units
from fastem.options import Options
from fastem.progress import Watch
from fastem.results import Restart
from fastem.rows import MemoryRows
from fastem.search.given_labels import GivenLabels, begin_with_labels
from fastem.search.objective import Objective
from fastem.search.race import race
from fastem.search.samples import Sample, Samples, child, seed_sequence
from fastem.search.starts import STARTS, Start, UserStart, nearest_means, noise_start
from fastem.units import Units


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
        validation.choice(self.options.init, "init", STARTS)

    @classmethod
    def of(
        cls, data: Data, options: Options, random_state: int | np.random.Generator | None
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
            self._cleared[sample] = noise_start.clear(self.samples, sample, self.options.noise)
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

    @property
    def seeds(self) -> list[np.random.SeedSequence]:
        """One for each start."""
        return [child(self.seed, 1 + i) for i in range(self.options.n_init)]

    def _draw(self, sample: Sample, n_components: int) -> list[Start]:
        make = STARTS[self.options.init]
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
) -> tuple[Parameters, tuple[Restart, ...]]:
    """A start within the bounds of the objective, and what became of those tried."""
    restarts: tuple[Restart, ...] = ()
    if user_start.means is not None and user_start.covariances is not None:
        found = to_units(user_start.complete(), family, objective.rows.units)
        if starts.options.is_noisy and user_start.noise is None:
            _, noise = starts.clear(starts.samples.of(family, n_components), n_components)
            found = found._replace(weights=found.weights * (1.0 - noise))
    elif labels is not None and user_start.means is None:
        generators = [np.random.default_rng(seed) for seed in starts.seeds]
        found, restarts = begin_with_labels(labels, objective, family, starts.data, generators)
    else:
        found, units, restarts = _searched(starts, n_components, family, user_start, watch)
        found = change_units(found, family, units, objective.rows.units)
    if singular(found, objective.family, objective.bounds).any():
        # EM would keep it within the bounds: from there the likelihood never falls.
        bounds = Bounds(np.zeros_like(objective.bounds.ridge), objective.bounds.floor)
        found = objective.family.maximise(objective.family.moments(found), bounds)
    return found, restarts


def _searched(
    starts: Starts, n_components: int, family: Family, user_start: UserStart, watch: Watch
) -> tuple[Parameters, Units, tuple[Restart, ...]]:
    """The winner of a race, or what rows of a sample add to given means; and their units."""
    samples, n_samples = starts.samples, starts.data.n_samples
    sample = samples.of(family, n_components)
    units = sample.units

    def over(rows: MemoryRows) -> Objective:
        # At the maximum over m rows the level of all rows is some p / 2m below its own maximum,
        # for p parameters: what is worth having on the sample is a small share of that.
        n_parameters = family.n_parameters(n_components, rows.n_features)
        is_part = rows.n_samples < n_samples
        shortfall = n_parameters / (2 * rows.n_samples) if is_part else 0.0
        return Objective.of(rows, family, starts.options, shortfall)

    def parameters(start: Start) -> Parameters:
        own = start.parameters(first.family, first.bounds)
        return user_start.override(own, first.family, units)

    first = over(sample)
    if user_start.means is not None:
        clear, noise = starts.clear(sample, n_components)
        nearest = nearest_means(clear, units.enter(user_start.means))
        return parameters(replace(nearest, noise=noise)), units, ()
    drawn = starts.on(sample, n_components)
    winner, restarts = race(
        first,
        [parameters(start) for start in drawn],
        map(over, samples.larger(sample)),
        held=(lambda n: samples.holdout(n, units)) if sample.n_samples < n_samples else None,
        finalists=[i for i, start in enumerate(drawn) if start.finalist],
        on_pass=watch.race(units),
    )
    return winner, units, restarts
