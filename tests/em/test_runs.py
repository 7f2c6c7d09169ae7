"""Runs that share a workspace: each to the bit what it comes to by itself."""

import numpy as np
import pytest

from fastem import em
from fastem.covariance import Bounds, Parameters, family_by_name
from fastem.em import Rule, Runs, side_by_side
from fastem.rows import MemoryRows
from fastem.units import Units

RULE = Rule.expected_gain(1e-8, 1e-15)
BOUNDS = Bounds(np.zeros(2), 1e-10)


@pytest.fixture(scope="module")
def X():
    """Overlapping clusters, and four rows that are equal: a component there needs the floor."""
    rng = np.random.default_rng(1)
    return np.r_[rng.normal(size=(60, 2)), rng.standard_t(2, size=(60, 2)) + 2, np.full((4, 2), 9)]


def rows_of(X, sample_weight=None):
    return MemoryRows(X, sample_weight, Units(np.zeros(X.shape[1]), np.ones(X.shape[1])))


def starts_of(X, family, n_starts, n_components):
    rng = np.random.default_rng(0)
    shape = family.shape(n_components, X.shape[1])
    spread = np.full(shape, X.var()) if family.diagonal else np.broadcast_to(np.cov(X.T), shape)
    for _ in range(n_starts):
        means = X[rng.choice(len(X), n_components, replace=False)]
        yield Parameters(np.full(n_components, 1 / n_components), means, spread.copy())


def alone(rows, family, start, max_iter, accelerate=True):
    options = {"bounds": BOUNDS, "rule": RULE, "max_iter": max_iter, "accelerate": accelerate}
    return em.run(rows, family, start, **options)


def assert_same(found, expected):
    assert found.outcome == expected.outcome
    assert found.n_iter == expected.n_iter
    assert found.trace == expected.trace
    for mine, theirs in zip(found.parameters, expected.parameters, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(found.moments.statistics, expected.moments.statistics)
    assert found.moments.log_likelihood == expected.moments.log_likelihood


@pytest.mark.parametrize("name", ["full", "tied", "diag", "VEV", "VVE"])
@pytest.mark.parametrize("accelerate", [True, False])
def test_they_are_what_each_is_alone(X, name, accelerate):
    family, rows = family_by_name(name), rows_of(X)
    runs = Runs(rows, family, BOUNDS, accelerate)
    starts = [*starts_of(X, family, 4, 4), *starts_of(X, family, 2, 3)]
    # All are made before one is looked at: none may write over what an earlier one returned.
    found = [runs.run(start, RULE, 200) for start in starts]
    for start, run in zip(starts, found, strict=True):
        assert_same(run, alone(rows, family, start, 200, accelerate))
    assert len({run.n_iter for run in found}) > 1


def test_they_go_on_from_where_they_were_left(X):
    family, rows = family_by_name("full"), rows_of(X, np.linspace(0.0, 2.0, len(X)))
    runs = Runs(rows, family, BOUNDS)
    for start in starts_of(X, family, 3, 3):
        left, again = runs.run(start, RULE, 10), alone(rows, family, start, 10)
        found = runs.run(left.state.resumed(), RULE, 40)
        assert found.n_iter > 10
        assert_same(found, alone(rows, family, again.state.resumed(), 40))


@pytest.mark.parametrize("name", ["full", "tied", "VVE", "spherical"])
@pytest.mark.parametrize("compiled", [True, False])
def test_short_ones_are_plain_runs_by_no_rule(X, name, compiled, monkeypatch):
    """From several starts, with other numbers of components and other runs between them."""
    if not compiled:
        monkeypatch.setattr("fastem.em.workspace.Workspace.of", lambda *_: None)
    family, rows = family_by_name(name), rows_of(X)
    runs = Runs(rows, family, BOUNDS)
    for start in [*starts_of(X, family, 2, 4), *starts_of(X, family, 2, 3)]:
        for steps in 0, 3, 4:
            ((level, found),) = runs.short([start], steps)
            runs.run(found, RULE, 5)
            expected = em.run(
                rows, family, start, bounds=BOUNDS, rule=Rule(), max_iter=steps, accelerate=False
            )
            assert level == expected.trace[-1]
            for mine, theirs in zip(found, expected.parameters, strict=True):
                np.testing.assert_array_equal(mine, theirs)


@pytest.fixture(params=[1, 2])
def abreast(request, monkeypatch):
    """Whether threads make runs at once: of rows as few as these it would not pay."""
    n = request.param
    monkeypatch.setattr(side_by_side, "n_threads", lambda work: n if work > 2e5 else 1)
    made, compiled = [], side_by_side.SideBySide.__call__

    def noted(self, work, calls):
        made.append(len(calls))
        return compiled(self, work, calls)

    monkeypatch.setattr(side_by_side.SideBySide, "__call__", noted)
    yield made
    assert bool(made) == (n > 1)


@pytest.mark.parametrize("name", ["full", "tied", "diag", "spherical", "VEV", "VVE"])
@pytest.mark.parametrize("accelerate", [True, False])
def test_several_at_once_are_what_each_is_alone(X, name, accelerate, abreast):
    """Where a component is on equal rows too, so that a run is made anew with the floor."""
    family, rows = family_by_name(name), rows_of(X, np.linspace(0.5, 2.0, len(X)))
    starts = list(starts_of(X, family, 13, 4))
    found = list(Runs(rows, family, BOUNDS, accelerate).each(starts, RULE, 200))
    for start, run in zip(starts, found, strict=True):
        assert_same(run, alone(rows, family, start, 200, accelerate))
    assert len({run.n_iter for run in found}) > 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["full", "diag"])
def test_short_ones_at_once_are_what_each_is_alone(X, name, dtype, abreast):
    family, rows = family_by_name(name), rows_of(X.astype(dtype))
    runs, starts = Runs(rows, family, BOUNDS), list(starts_of(X, family, 9, 3))
    for steps in 0, 60:
        for start, (level, found) in zip(starts, runs.short(starts, steps), strict=True):
            expected = em.run(
                rows, family, start, bounds=BOUNDS, rule=Rule(), max_iter=steps, accelerate=False
            )
            assert level == expected.trace[-1]
            for mine, theirs in zip(found, expected.parameters, strict=True):
                np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("weighted", [False, True])
def test_short_ones_over_other_rows_are_runs_over_those(X, weighted, abreast):
    family, rng = family_by_name("full"), np.random.default_rng(0)
    rows = rows_of(X, rng.uniform(1, 2, len(X)) if weighted else None)
    parts = [rows.some(np.sort(rng.permutation(len(X))[:100])) for _ in range(7)]
    (start,) = starts_of(X, family, 1, 3)
    found = Runs(parts[0], family, BOUNDS).short_over(iter(parts), start, 60)
    for part, (level, parameters) in zip(parts, found, strict=True):
        ((expected, own),) = Runs(part, family, BOUNDS).short([start], 60)
        assert level == expected
        for mine, theirs in zip(parameters, own, strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_groups_grow_for_who_asks_may_want_the_first_alone(X, monkeypatch):
    monkeypatch.setattr(side_by_side, "n_threads", lambda work: 2 if work > 2e5 else 1)
    family, drawn = family_by_name("full"), []

    def starts():
        for start in starts_of(X, family, 40, 3):
            drawn.append(start)
            yield start

    runs = Runs(rows_of(X), family, BOUNDS).each(starts(), RULE, 200)
    seen = []
    for _ in runs:
        seen.append(len(drawn))
    assert seen == [2] * 2 + [6] * 4 + [14] * 8 + [22] * 8 + [30] * 8 + [38] * 8 + [40] * 2


def test_who_is_told_of_passes_is_told_of_one_run_after_another(X, abreast, monkeypatch):
    family, told = family_by_name("full"), []
    starts = list(starts_of(X, family, 3, 3))
    runs = Runs(rows_of(X), family, BOUNDS)
    for i, run in enumerate(
        runs.each(starts, RULE, 100, lambda told_of: told.append(told_of.level))
    ):
        assert told[-len(run.trace) :] == list(run.trace)
        assert len(told) >= i + 1
    list(runs.each(starts, RULE, 200))  # these are not


def test_many_threads_make_more_runs_at_once_and_large_points_fewer(X, monkeypatch):
    family, found = family_by_name("full"), []
    (start,) = starts_of(X, family, 1, 3)
    for n_threads, most in (1, 2**15), (2, 2**15), (20, 2**15), (20, 100), (20, 20):
        monkeypatch.setattr(
            side_by_side, "n_threads", lambda work, n=n_threads: n if work > 2e5 else 1
        )
        monkeypatch.setattr(side_by_side, "MOST_NUMBERS", most)
        drawn = []
        starts = (drawn.append(i) or start for i in range(60))
        runs = Runs(rows_of(X), family, BOUNDS).each(starts, RULE, 200)
        sizes = []
        for i, _ in enumerate(runs):
            sizes.append(len(drawn) - i)
        found.append(max(sizes))
    # Statistics have 3 (1 + 2 + 4) numbers.
    assert found == [1, 8, 20, 4, 1]
