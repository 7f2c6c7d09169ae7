"""Runs that share a workspace: each to the bit what it comes to by itself."""

import numpy as np
import pytest

from fastem import em
from fastem.covariance import Bounds, Parameters, family_by_name
from fastem.em import Rule, Runs
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
            level, found = runs.short(start, steps)
            runs.run(found, RULE, 5)
            expected = em.run(
                rows, family, start, bounds=BOUNDS, rule=Rule(), max_iter=steps, accelerate=False
            )
            assert level == expected.trace[-1]
            for mine, theirs in zip(found, expected.parameters, strict=True):
                np.testing.assert_array_equal(mine, theirs)
