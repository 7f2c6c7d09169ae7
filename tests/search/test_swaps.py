"""Swaps, and the other starts that are tried where few components leave few of them."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from fastem import em
from fastem.covariance import FAMILIES, Bounds, Parameters
from fastem.data import Data
from fastem.options import Options
from fastem.rows import MemoryRows
from fastem.search import swaps
from fastem.search.beginning import Starts
from fastem.search.objective import Objective
from fastem.search.starts import Start
from fastem.units import Units

DATA = Path(__file__).parents[1] / "data"
#: The best maximum known of two components with one covariance.
BEST = -1413.51


@pytest.fixture(scope="module")
def crabs():
    X = np.ascontiguousarray(np.load(DATA / "crabs.npz")["X"], float)
    rows = MemoryRows(X, None, Units.standard(X))
    bounds = Bounds(np.zeros(X.shape[1]), 1e-10)
    return Objective(rows, FAMILIES["tied"].at(rows.units), bounds, 1e-8, 500)


def starts_of(X, **options):
    return Starts.of(Data.of(X), Options(**options), 0)


def parted(on, seed):
    """Where EM from random labels ends."""
    rows = np.ascontiguousarray((on.rows.X - on.rows.units.centre) * on.rows.units.scale)
    labels = np.random.default_rng(seed).integers(2, size=len(rows)).astype(np.int32)
    start = Start.grouped(rows, np.ones(len(rows)), labels, 2)
    return ended(on, start.parameters(on.family, on.bounds), on.max_iter, -np.inf)


def ended(on, start, steps, to_beat):
    rule = em.Rule.expected_gain(on.tol, on.rows.precision, to_beat)
    run = on.runs.run(start, rule, steps)
    return swaps.Trial(run.parameters, (2, run.trace[-1]))


def runs_of(on):
    """Runs one by one, drawn when they are asked for."""

    def runs(starts, steps, to_beat):
        return (ended(on, start, steps, to_beat) for start in starts)

    return runs


def test_from_the_lowest_end_swaps_and_halves_lead_to_the_best(crabs):
    n = len(crabs.rows.X)
    low = min((parted(crabs, seed) for seed in range(40)), key=lambda end: end.rank)
    assert low.rank[1] * n < BEST - 10

    found = swaps.improve(crabs, low, runs_of(crabs), swaps.OVER_RACE)
    assert found.rank[1] * n == pytest.approx(BEST, abs=0.01)


def test_other_starts_are_tried_where_pairs_are_wanting(crabs):
    """Of two components with one covariance there are six pairs; halves take turns with others."""
    low = min((parted(crabs, seed) for seed in range(40)), key=lambda end: end.rank)
    tried = []

    def runs(starts, steps, to_beat):
        for start in starts:
            tried.append(start)
            yield swaps.Trial(start, (2, -np.inf))

    more = iter([low.parameters] * 100)
    assert swaps.improve(crabs, low, runs, swaps.OVER_RACE, more) is low
    n_alone, others = (
        int(swaps.ALONE * swaps.TRIES[0]),
        [start is low.parameters for start in tried],
    )
    assert len(tried) == swaps.TRIES[0]
    assert not any(others[:3])
    assert all(others[6:n_alone])
    assert sum(others[n_alone:]) == (len(tried) - n_alone) // 2


@pytest.mark.parametrize("ahead", [2, 5, 8])
def test_it_makes_no_difference_how_many_starts_are_drawn_ahead(crabs, ahead):
    """Other starts that are drawn and not tried come again in the next round."""
    low = min((parted(crabs, seed) for seed in range(40)), key=lambda end: end.rank)
    # None leads higher but one, from which the rounds begin anew: six others are tried before it.
    others = [
        Parameters(low.parameters.weights, low.parameters.means + i, low.parameters.covariances)
        for i in range(40)
    ]

    def course(ahead):
        tried = []

        def runs(starts, steps, to_beat):
            starts = iter(starts)
            while some := list(islice(starts, ahead)):
                for start in some:
                    which = [i for i, other in enumerate(others) if other is start]
                    tried.append((which, start.means.tobytes()))
                    higher = which == [6] and to_beat > -np.inf
                    yield swaps.Trial(start, (2, low.rank[1] + 1.0 if higher else -np.inf))

        def again(starts, steps, to_beat):
            if to_beat == -np.inf:  # to the end, from what led higher
                return iter([swaps.Trial(next(iter(starts)), (2, low.rank[1] + 1.0))])
            return runs(starts, steps, to_beat)

        swaps.improve(crabs, low, again, swaps.OVER_RACE, iter(others))
        return tried

    alone = course(1)
    assert course(ahead) == alone
    which = [i for ones, _ in alone for i in ones]
    assert which == sorted(set(which))
    assert len(which) > 7


@pytest.mark.parametrize("tries", [1, 100])
def test_few_tries_have_few_cuts(crabs, tries, monkeypatch):
    """Tied components are cut across two axes, and one is put at the farthest row."""
    low, made, cuts = parted(crabs, 0), [], swaps.cuts

    def noted(*arguments):
        for cut in cuts(*arguments):
            made.append(cut)
            yield cut

    monkeypatch.setattr(swaps, "cuts", noted)
    monkeypatch.setattr(swaps, "TRIES", (tries,) * 5)

    def runs(starts, *_):
        return (swaps.Trial(start, (2, -np.inf)) for start in starts)

    swaps.improve(crabs, low, runs, swaps.OVER_RACE)
    assert len(made) == min(2 * 2 + 1, swaps.CUTS * tries)


def tries(on, **effort):
    family, D = on.family, on.rows.n_features
    shape = family.shape(2, D)
    at = Parameters(np.full(2, 0.5), np.zeros((2, D)), np.broadcast_to(np.eye(D), shape).copy())
    return swaps.OVER_RACE._replace(**effort).tries(on, at)


def test_more_pairs_are_tried_for_more_starts_and_fewer_where_these_met(crabs):
    assert tries(crabs) == swaps.TRIES[0]
    fewest = int(swaps.LEAST * swaps.TRIES[0])
    assert tries(crabs, n_starts=1) == tries(crabs, n_starts=3) == fewest
    assert tries(crabs, n_starts=40) == 4 * swaps.TRIES[0]
    assert tries(crabs, n_met=2) == swaps.TRIES[2]
    assert tries(crabs, n_starts=40, n_met=9) == 4 * swaps.TRIES[2]
    assert tries(crabs, n_met=1000) == swaps.TRIES[-1]


def test_where_a_pass_takes_long_swaps_take_no_more_steps_than_the_starts(crabs, monkeypatch):
    steps = swaps.OVER_RACE.steps
    assert tries(crabs, n_steps=4 * steps) == swaps.TRIES[0]
    monkeypatch.setattr(swaps, "LONG", 1.0)
    assert tries(crabs, n_steps=4 * steps + 1) == 4
    assert tries(crabs, n_steps=steps - 1) == 0
    assert tries(crabs, n_steps=1000 * steps) == tries(crabs) == swaps.TRIES[0]


def test_there_are_more_starts_than_n_init_but_for_one():
    X = np.random.default_rng(0).normal(size=(60, 2))
    several, one = starts_of(X, n_init=3), starts_of(X, n_init=1)
    sample = several.samples.of(FAMILIES["full"], 2)
    drawn = list(islice(several.more(sample, 2), 4))
    again = list(islice(starts_of(X, n_init=3).more(sample, 2), 4))
    for mine, theirs in zip(drawn, again, strict=True):
        np.testing.assert_array_equal(mine.about, theirs.about)
    assert len({start.about.tobytes() for start in drawn}) == 4
    assert list(one.more(sample, 2)) == []


def test_many_columns_are_no_reason_to_try_less_where_covariances_are_diagonal():
    rng = np.random.default_rng(0)
    truth = (np.arange(600) % 3).astype(np.int32)
    X = rng.normal(size=(600, 600)) + 0.3 * rng.normal(size=(3, 600))[truth]
    rows = MemoryRows(X, None, Units.standard(X))
    diag = FAMILIES["diag"].at(rows.units)
    on = Objective(rows, diag, Bounds(np.zeros(600), 1e-10), 1e-8, 500)
    standard = np.ascontiguousarray((X - rows.units.centre) * rows.units.scale)

    def end(labels):
        start = Start.grouped(standard, np.ones(600), labels.astype(np.int32), 3)
        return ended(on, start.parameters(diag, on.bounds), on.max_iter, -np.inf)

    best = end(truth)
    # Two clusters are one component's, and the third one is cut in two.
    cut = end(np.where(truth < 2, 0, 1 + (X[:, 0] > 0)))
    assert cut.rank[1] < best.rank[1] - 0.01

    found = swaps.improve(on, cut, runs_of(on), swaps.OVER_RACE)
    assert found.rank[1] == pytest.approx(best.rank[1], abs=1e-6)
