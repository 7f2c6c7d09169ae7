"""Where EM over all rows begins: at given parameters, or at the winner of a race on a sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fastem.covariance import Bounds, Family, Parameters, collapsed
from fastem.data import Sample
from fastem.mixture import change_units, to_units
from fastem.objective import Objective
from fastem.problem import Problem
from fastem.progress import Watch
from fastem.results import Restart
from fastem.rows import MemoryRows
from fastem.search.race import race
from fastem.search.starts import STARTS, Start, nearest_means, noise_start

#: Starts on a sample converge to within this share of what the sample's maximum is off.
RACE_SHARE = 0.01


def begin(problem: Problem, watch: Watch) -> tuple[Parameters, tuple[Restart, ...]]:
    """A start within the bounds, in the units of all rows, and what became of those tried."""
    start, restarts = _begin(problem, watch)
    rows = problem.rows
    bounds = problem.options.bounds(rows)
    return _feasible(start, problem.family.at(rows.units), bounds), restarts


def _begin(problem: Problem, watch: Watch) -> tuple[Parameters, tuple[Restart, ...]]:
    given, kind, units = problem.given, problem.family, problem.rows.units
    complete = given.means is not None and given.covariances is not None
    if complete and (given.noise is not None or not problem.options.is_noisy):
        return to_units(given.complete(), kind, units), ()
    sample = problem.sample
    clear, noise = _cleared(problem)
    if complete:
        start = to_units(given.complete(), kind, units)
        return start._replace(weights=start.weights * (1.0 - noise)), ()
    objective = _course(problem, sample)
    if given.means is not None:
        begun = [replace(nearest_means(clear, sample.units.enter(given.means)), noise=noise)]
    else:
        begun = _drawn(problem, clear, noise)
    starts = [
        given.override(
            s.parameters(objective.family, objective.bounds), objective.family, sample.units
        )
        for s in begun
    ]
    winner, restarts = starts[0], tuple[Restart, ...]()
    if given.means is None:
        finalists = [i for i, start in enumerate(begun) if start.finalist]
        further = (_course(problem, rows) for rows in problem.larger_samples)
        winner, restarts = race(
            objective,
            starts,
            further,
            held=problem.held if sample.n_samples < problem.data.n_samples else None,
            finalists=finalists,
            on_pass=watch.race(sample.units),
        )
    return change_units(winner, kind, sample.units, units), restarts


def _cleared(problem: Problem) -> tuple[Sample, float]:
    """The rows of the sample that are clear of noise, and the share of the noise."""
    if not problem.options.is_noisy:
        return problem.sample, 0.0
    return noise_start.clear(
        problem.data,
        problem.sample,
        problem.options.noise,
        problem.n_components,
        problem.stream(0),
    )


def _course(problem: Problem, rows: MemoryRows) -> Objective:
    """Over a sample, or all rows.

    At the maximum over m rows the level of all rows is some p / 2m below its own maximum, for p
    parameters: what is worth having on the sample is a small share of that.
    """
    options, family = problem.options, problem.family.at(rows.units)
    shortfall = 0.0
    if rows.n_samples < problem.data.n_samples:
        n_parameters = family.n_parameters(problem.n_components, rows.n_features)
        shortfall = n_parameters / (2 * rows.n_samples)
    return Objective(
        rows,
        family,
        options.bounds(rows),
        max(options.tol, RACE_SHARE * shortfall),
        options.max_iter,
        options.accelerate,
        shortfall,
    )


def _drawn(problem: Problem, clear: Sample, noise: float) -> list[Start]:
    """Starts that race: beside noise half of them of the rows that are clear of it.

    The others are of all rows, since a sparse cluster may have been taken for noise.
    """
    options, K, sample = problem.options, problem.n_components, problem.sample
    make = STARTS[options.init]
    generators = [np.random.default_rng(problem.stream(1 + i)) for i in range(options.n_init)]

    def draw() -> list[Start]:
        if not noise:
            return make(sample, K, generators)
        cleared, whole = make(clear, K, generators[::2]), []
        if generators[1::2]:
            whole = make(sample, K, generators[1::2])
        starts = [replace(start, noise=noise) for start in cleared]
        return starts + [replace(start, noise=noise_start.LEAST_SHARE) for start in whole]

    return problem.data.once(("starts", options.init, K, id(sample)), draw)


def _feasible(start: Parameters, kind: Family, bounds: Bounds) -> Parameters:
    """A start within the bounds, where EM keeps it: so the likelihood never falls."""
    if not collapsed(start, kind, bounds).any():
        return start
    statistics = kind.moments(start)
    return kind.maximise(statistics, Bounds(np.zeros_like(bounds.ridge), bounds.floor))
