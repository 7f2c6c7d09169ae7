"""Acceleration: the same stationary points as plain EM, in fewer passes."""

import numpy as np
import oracle
import pytest

import fastem
from fastem.covariance import Bounds, Parameters, family_by_name
from fastem.em import Rule, run
from fastem.em.steps import Step
from fastem.kernels import quasi_newton
from fastem.rows import MemoryRows
from fastem.units import Units

TYPES = oracle.COVARIANCE_TYPES
BOUNDS = Bounds(np.zeros(2), 1e-10)


def rows_of(X):
    return MemoryRows(X, None, Units(np.zeros(2), np.ones(2)))


def slow(seed=0, n=4000):
    """Two clusters that overlap so much that EM creeps."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(0, 1, (n // 2, 2)), rng.normal(1.4, 1.2, (n // 2, 2))])


@pytest.mark.parametrize("kind", TYPES)
def test_accelerated_and_plain_end_at_the_same_stationary_point(kind):
    X = slow()
    means = [[0.0, 0.0], [2.0, 2.0]]
    options = {"covariance_type": kind, "means_init": means, "tol": 1e-12, "max_iter": 50000}
    fast = fastem.fit(X, 2, **options)
    plain = fastem.fit(X, 2, accelerate=False, **options)
    assert fast.converged
    assert plain.converged
    assert fast.trace[-1] == pytest.approx(plain.trace[-1], abs=1e-10)
    for mine, theirs in zip(fast.mixture._parameters, plain.mixture._parameters, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)


@pytest.mark.parametrize("kind", TYPES)
def test_an_em_step_of_the_oracle_moves_an_accelerated_result_nowhere(kind):
    X = slow()
    means = [[0.0, 0.0], [2.0, 2.0]]
    fitted = fastem.fit(X, 2, covariance_type=kind, means_init=means, tol=1e-13, max_iter=50000)
    before = fitted.mixture._parameters
    after, _ = oracle.em(X, *before, kind, 1)
    for mine, theirs in zip(before, after, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=3e-6)


@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_a_slow_problem_takes_far_fewer_passes(kind):
    options = {"covariance_type": kind, "means_init": [[0.0, 0.0], [2.0, 2.0]], "max_iter": 50000}
    fast = fastem.fit(slow(), 2, **options)
    plain = fastem.fit(slow(), 2, accelerate=False, **options)
    assert plain.n_iter > 100
    assert fast.n_iter < plain.n_iter / 3
    assert fast.trace[-1] > plain.trace[-1] - 1e-6


@pytest.mark.parametrize("kind", TYPES)
def test_an_extrapolated_point_is_inside_the_family(kind, monkeypatch):
    """Weights sum to 1 and covariances are positive definite wherever it lies."""
    X = slow(n=400)
    kind, extrapolated, project = family_by_name(kind), [], Step.project

    def noted(self, state):
        project(self, state)
        extrapolated.append(state.parameters(kind))

    monkeypatch.setattr(Step, "project", noted)
    monkeypatch.setattr("fastem.em.workspace.Workspace.of", lambda *_: None)
    unit = {"full": np.array([np.eye(2)] * 2), "tied": np.eye(2), "diag": np.ones((2, 2))}
    covariances = unit.get(kind.name, np.ones(2))
    start = Parameters(np.array([0.99, 0.01]), np.array([[0.0, 0.0], [4.0, 4.0]]), covariances)
    run(rows_of(X), kind, start, bounds=BOUNDS, rule=Rule(), max_iter=60)
    assert len(extrapolated) > 10
    for point in extrapolated:
        assert point.weights.sum() == pytest.approx(1)
        assert (point.weights >= 0).all()
        assert np.isfinite(kind.factor(point).factors).all()


def test_a_fixed_point_is_left_nowhere():
    """There every step is 0."""
    X = np.random.default_rng(0).normal(size=(50, 2))
    point = Parameters(np.ones(1), X.mean(axis=0)[None], np.cov(X.T, bias=True)[None])
    found = run(rows_of(X), family_by_name("full"), point, bounds=BOUNDS, rule=Rule(), max_iter=9)
    np.testing.assert_allclose(found.parameters.means, point.means, atol=1e-12)


def test_a_collapsing_fit_does_not_break_the_extrapolation():
    X = np.r_[slow(n=400), np.full((4, 2), 20.0)]
    for dtype in np.float64, np.float32:
        fitted = fastem.fit(
            X.astype(dtype), 3, means_init=[[0, 0], [2, 2], [19, 19]], tol=1e-9, max_iter=3000
        )
        assert fitted.status.code == "collapsed"
        assert np.isfinite(fitted.trace).all()


def test_a_saddle_is_left_sooner():
    """Two components that nearly coincide: EM leaves slowly, and nothing may draw it back."""
    X = slow()
    near = X.mean(axis=0) + np.array([[-1e-3, 0.0], [1e-3, 0.0]])
    options = {"means_init": near, "covariances_init": [np.cov(X.T)] * 2, "tol": 0}
    fast = fastem.fit(X, 2, max_iter=150, **options)
    plain = fastem.fit(X, 2, max_iter=600, accelerate=False, **options)
    single = fastem.fit(X, 1)
    away = single.trace[-1] + 1e-2
    assert fast.trace[-1] > away
    assert plain.trace[-1] > away
    assert 3 * np.argmax(fast.trace > away) < np.argmax(plain.trace > away)


def test_it_keeps_no_more_steps_than_there_are_statistics():
    """Its scratch is as long as a point: more steps would be written beyond the end of it."""
    _, order, size = quasi_newton.Memory.empty(6).pairs.shape
    assert order <= size == 6
