"""Restarts: every start is accounted for, the best is kept, and chance and budgets are honoured."""

from pathlib import Path

import numpy as np
import oracle
import pytest

import fastem
from fastem import em
from fastem.covariance import FAMILIES, Bounds, Parameters, singular
from fastem.data import Data
from fastem.rows import MemoryRows
from fastem.search import race
from fastem.search.objective import Objective
from fastem.search.race import FIRST_ROUND
from fastem.search.samples import MIN_SAMPLE, Samples
from fastem.units import Units

MEANS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0], [5.0, 5.0]])
X, LABELS = oracle.sample(
    np.random.default_rng(0), 500, np.full(5, 0.2), MEANS, np.ones(5), "spherical"
)
OUTCOMES = {"dropped", "finished", "chosen", "collapsed"}

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize("init", ["k-means++", "random", "random-subsets", "hierarchical"])
@pytest.mark.parametrize("n_init", [1, 2, 3, 7, 20])
def test_every_start_has_a_record(init, n_init):
    fitted = fastem.fit(X, 5, n_init=n_init, init=init, random_state=0)
    assert [r.index for r in fitted.restarts] == list(range(n_init))
    assert {r.outcome for r in fitted.restarts} <= OUTCOMES
    assert sum(r.outcome == "chosen" for r in fitted.restarts) == 1
    for r in fitted.restarts:
        assert r.n_iter > 0
        assert np.isfinite(r.trace).all()


def test_the_chosen_start_is_the_best_of_those_not_collapsed():
    fitted = fastem.fit(X, 5, n_init=20, init="random", random_state=1)
    chosen = next(r for r in fitted.restarts if r.outcome == "chosen")
    others = [r.log_likelihood for r in fitted.restarts if r.outcome in ("dropped", "finished")]
    assert chosen.log_likelihood >= max(others) - 1e-6
    assert oracle.adjusted_rand_index(fitted.mixture.predict(X), LABELS) > 0.95


def test_the_first_starts_of_a_seed_are_the_same_for_any_n_init():
    few, many = (fastem.fit(X, 8, n_init=n, random_state=3) for n in (2, 12))
    for i in range(2):
        assert many.restarts[i].trace[:5] == few.restarts[i].trace[:5]


@pytest.mark.parametrize("max_iter", [1, 3, 20])
def test_max_iter_binds_every_start(max_iter):
    with_limit = fastem.fit(X, 6, n_init=6, random_state=0, max_iter=max_iter, tol=1e-12)
    assert with_limit.n_iter <= max_iter
    for r in with_limit.restarts:
        if r.outcome in ("dropped", "collapsed", "finished"):
            assert r.n_iter <= max_iter


def test_poor_starts_are_given_fewer_steps():
    fitted = fastem.fit(X, 8, n_init=16, init="random", random_state=0, tol=1e-9)
    steps = {o: [r.n_iter for r in fitted.restarts if r.outcome == o] for o in OUTCOMES}
    assert min(steps["dropped"]) <= FIRST_ROUND
    assert max(steps["chosen"]) > min(steps["dropped"])


def test_races_run_on_a_sample_when_rows_are_many():
    big, labels = oracle.sample(
        np.random.default_rng(1), 3 * MIN_SAMPLE, np.full(5, 0.2), MEANS, np.ones(5), "spherical"
    )
    fitted = fastem.fit(big, 5, random_state=0, n_init=4)
    assert oracle.adjusted_rand_index(fitted.mixture.predict(big), labels) > 0.98
    samples = Samples(Data.of(big, None), np.random.SeedSequence(0))
    sample = samples.of(FAMILIES["full"], 5)
    assert sample.n_samples == MIN_SAMPLE
    assert samples.of(FAMILIES["tied"], 5) is sample
    assert samples.of(FAMILIES["spherical"], 5).n_samples == MIN_SAMPLE


# Collapse --------------------------------------------------------------------------------------


def line(*points):
    """Starts of two spherical components in one dimension, at each pair of points."""
    return [
        Parameters(np.array([0.5, 0.5]), np.array(pair, dtype=float)[:, None], np.full(2, spread))
        for pair, spread in points
    ]


def test_a_collapsed_start_loses_to_any_that_is_sound():
    rng = np.random.default_rng(0)
    rows = np.r_[rng.normal(0, 1, 100), rng.normal(8, 1, 100), np.full(4, 3.3)][:, None]
    sample = MemoryRows(rows, None, Units(np.zeros(1), np.ones(1)))
    starts = line(((3.3, 3.0), 1e-6), ((0.0, 8.0), 1.0), ((3.3, 4.0), 1e-6))
    starts[0] = starts[0]._replace(covariances=np.array([1e-6, 30.0]))
    starts[2] = starts[2]._replace(covariances=np.array([1e-6, 20.0]))
    floor = Bounds(np.zeros(1), 1e-40)
    winner, restarts, *_ = race(Objective(sample, FAMILIES["spherical"], floor, 1e-8, 200), starts)
    assert [r.outcome for r in restarts] == ["collapsed", "chosen", "collapsed"]
    assert restarts[0].log_likelihood > restarts[1].log_likelihood
    np.testing.assert_allclose(np.sort(winner.means[:, 0]), [0, 8], atol=0.5)


@pytest.mark.parametrize("family", oracle.COVARIANCE_TYPES)
def test_collapsed_names_the_components_on_the_floor(family):
    variances = np.array([1.0, 1e-6, 1.0])
    expanded = oracle.expand_covariances(variances, "spherical", 3, 2)
    covariances = {
        "full": expanded,
        "tied": expanded[1],
        "diag": np.array([[1, 1], [1, 1e-6], [1, 1]]),
        "spherical": variances,
    }[family]
    at = Parameters(np.full(3, 1 / 3), np.zeros((3, 2)), covariances)
    found = singular(at, FAMILIES[family], Bounds(np.zeros(2), 1e-6))
    assert found.tolist() == ([True] * 3 if family == "tied" else [False, True, False])
    assert not singular(at, FAMILIES[family], Bounds(np.zeros(2), 1e-8)).any()


def test_a_fit_whose_starts_all_collapse_says_so():
    rows = np.repeat(np.arange(3.0), 20)[:, None]
    fitted = fastem.fit(rows, 3, random_state=0)
    assert fitted.status.code == "collapsed"
    np.testing.assert_allclose(np.sort(fitted.mixture.means[:, 0]), [0, 1, 2])
    np.testing.assert_allclose(fitted.mixture.weights, 1 / 3)
    assert sum(r.outcome == "chosen" for r in fitted.restarts) == 1


# Larger samples --------------------------------------------------------------------------------


def two_maxima():
    """Three clusters in a row and starts of two components at either way to join two of them."""
    rng = np.random.default_rng(0)
    few = np.r_[rng.normal(0, 1, 300), rng.normal(8, 1, 300), rng.normal(16.3, 1, 300)][:, None]
    many = np.r_[rng.normal(0, 1, 3000), rng.normal(8.3, 1, 3000), rng.normal(16.3, 1, 3000)][
        :, None
    ]
    means = (-0.0, 12.3), (4.1, 16.3)
    starts = [
        Parameters(np.array([0.5, 0.5]), np.array(pair)[:, None], np.array([1.0, 18.0])[::turn])
        for pair, turn in zip(means, (1, -1), strict=True)
    ]
    return few, many, starts


def objective(rows, shortfall):
    units = Units(np.zeros(1), np.ones(1))
    bounds = Bounds(np.zeros(1), 1e-10)
    rows = MemoryRows(rows, None, units)
    return Objective(rows, FAMILIES["spherical"], bounds, 1e-8, 200, shortfall=shortfall)


def level(on, start):
    """Where EM from that start ends, in nats a row."""
    rule = em.Rule.expected_gain(on.tol, on.rows.precision)
    run = em.run(on.rows, on.family, start, bounds=on.bounds, rule=rule, max_iter=on.max_iter)
    return run.trace[-1]


@pytest.mark.parametrize("shortfall", [0.0, 1.0])
def test_more_rows_decide_between_maxima_that_few_cannot_tell_apart(shortfall):
    """Oracle: the level of each maximum over the larger rows, run to by itself."""
    few, many, starts = two_maxima()
    small, large = objective(few, shortfall), objective(many, 0.0)
    levels = [[level(where, start) for start in starts] for where in (small, large)]
    first, better = (int(np.argmax(found)) for found in levels)
    assert first != better, levels
    winner, restarts, *_ = race(small, starts, [large])
    chosen = next(r.index for r in restarts if r.outcome == "chosen")
    assert chosen == (better if shortfall else first)
    density = FAMILIES["spherical"].factor(winner)
    reached = large.rows.summarise(density).log_likelihood / len(many)
    assert reached == pytest.approx(levels[1][chosen], abs=1e-7)


def heap(at, share):
    """Two clusters, and ten more of 190 rows in a heap; of other rows a share is there as well.

    The start has a component on the heap.
    """
    rng = np.random.default_rng(0)

    def clusters(n):
        return np.r_[rng.normal(0, 1, n), rng.normal(8, 1, 2 * n)]

    few = np.r_[clusters(60), rng.normal(at, 0.05, 10)][:, None]
    others = np.r_[clusters(600), rng.normal(at, 0.05, round(1800 * share))][:, None]
    means = np.array([[0.0], [8.0], [at]])
    start = Parameters(np.array([0.3, 0.6, 0.1]), means, np.array([1.0, 1.0, 0.01]))
    return few, others, start


def test_a_component_that_other_rows_do_not_bear_out_gives_way():
    """Oracle: the likelihood of the others where the race ends without them."""
    few, others, start = heap(1.0, 0.0)
    small, holdout = objective(few, 1.0), objective(others, 0.0).rows
    spurious, *_ = race(small, [start])
    assert spurious.weights.min() * len(few) == pytest.approx(10, abs=3)
    sound, restarts, *_ = race(small, [start], holdout=lambda n: holdout)
    assert sound.weights.min() > 0.05

    def level(parameters):
        return holdout.summarise(FAMILIES["spherical"].factor(parameters)).log_likelihood

    assert level(sound) > level(spurious)
    assert restarts[0].n_iter > len(restarts[0].trace)  # what it took counts


def test_a_component_that_other_rows_bear_out_stays():
    """Oracle: the bits of the race without the others, which show the heap as well."""
    few, others, start = heap(20.0, 0.05)
    small, holdout = objective(few, 1.0), objective(others, 0.0).rows
    without, proven = race(small, [start])[0], race(small, [start], holdout=lambda n: holdout)[0]
    assert all(np.array_equal(a, b) for a, b in zip(without, proven, strict=True))


def test_a_start_that_collapsed_onto_a_row_is_mended():
    """Oracle: the truth. The row is an outlier, and every start has a component on it."""
    few, others, start = heap(1.0, 0.0)
    few = np.r_[few[:-10], [[40.0]]]
    means = np.array([[0.0], [8.0], [40.0]])
    small, holdout = objective(few, 1.0), objective(others, 0.0).rows
    for other in None, lambda n: holdout:
        mended, (record,), *_ = race(small, [start._replace(means=means)], holdout=other)
        assert record.outcome == "chosen"
        assert not singular(mended, FAMILIES["spherical"], small.bounds).any()


def test_a_collapse_over_more_rows_is_seen():
    """Oracle: the rows. Ten of the few are a cluster, which in the many is one row, repeated."""
    few, _, start = heap(40.0, 0.0)
    many = np.r_[np.repeat(few[:-10], 10, axis=0), np.full((100, 1), 40.0)]
    small, large = objective(few, 1.0), objective(many, 0.0)
    sound, (record,), *_ = race(small, [start])
    assert record.outcome == "chosen"
    assert not singular(sound, FAMILIES["spherical"], small.bounds).any()

    nowhere = None  # to go on there would be an error
    at_floor, *_ = race(small, [start], [large, nowhere])
    assert singular(at_floor, FAMILIES["spherical"], large.bounds).any()


def test_no_other_rows_are_asked_for_where_every_component_has_many():
    few, _, start = heap(20.0, 0.0)
    many = objective(np.repeat(few, 20, axis=0), 1.0)
    assert (start.weights * 3800 > 100).all()
    race(many, [start], holdout=lambda n: pytest.fail("they were asked for"))


def test_tied_rows_make_no_component_where_shapes_are_equal():
    """Of faithful's whole minutes four are equal: in a line, with a volume of next to nothing."""
    faithful = np.loadtxt(DATA / "faithful.csv", delimiter=",", skiprows=1)
    fit = fastem.fit(faithful, 4, covariance_type="VEV", n_init=2, random_state=0)
    assert fit.mixture.weights.min() * len(faithful) > 6
    assert fit.log_likelihood == pytest.approx(-1109.77, abs=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_a_sound_end_is_found_where_most_starts_come_to_few_rows(seed):
    """Eight components for 150 irises: nine of ten starts end with one on a handful of rows."""
    iris = np.loadtxt(DATA / "iris.csv", delimiter=",", skiprows=1, usecols=range(4))
    fit = fastem.fit(iris, 8, random_state=seed)
    assert fit.mixture.weights.min() * 150 >= 10  # twice D + 1
    assert fit.converged
