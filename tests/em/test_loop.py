"""The loop and its stopping rules: against plain EM by the oracle and against long runs."""

import numpy as np
import oracle
import pytest

from fastem import em
from fastem.covariance import Bounds, Parameters, family
from fastem.em.acceleration import QuasiNewton
from fastem.em.convergence import Change, ExpectedGain
from fastem.rows import MemoryRows
from fastem.units import Units

TYPES = oracle.COVARIANCE_TYPES


class Never:
    def update(self, level, point, image, density):
        return False


def rows_of(X, sample_weight=None):
    D = X.shape[1]
    return MemoryRows(np.ascontiguousarray(X), sample_weight, Units(np.zeros(D), np.ones(D)))


def bounds_of(X):
    return Bounds(np.zeros(X.shape[1]), 1e-12)


def overlapping(kind="full", n=3000, seed=1, spread=1.2):
    rng = np.random.default_rng(seed)
    X = np.concatenate([rng.normal(0, 1, (n // 2, 2)), rng.normal(spread, 1, (n // 2, 2))])
    means = np.array([[-1.0, -1.0], [2.0, 2.0]])
    covariances = {"full": np.array([np.eye(2)] * 2), "tied": np.eye(2), "diag": np.ones((2, 2))}
    return X, Parameters(np.full(2, 0.5), means, covariances.get(kind, np.ones(2)))


def run(X, start, kind="full", rule=None, **more):
    options = {"max_iter": 5000, "bounds": bounds_of(X), "rule": rule or Never()} | more
    return em.run(rows_of(X), family(kind), start, **options)


@pytest.mark.parametrize("kind", TYPES)
def test_plain_steps_are_the_oracles(kind):
    X, start = overlapping(kind)
    found = run(X, start, kind, max_iter=9, accelerate=False)
    expected, trace = oracle.em(X, *start, kind, 9)
    assert found.outcome == "exhausted"
    assert found.n_iter == 9
    np.testing.assert_allclose(found.trace, trace, rtol=1e-12)
    for mine, theirs in zip(found.parameters, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10)


@pytest.mark.parametrize("accelerate", [False, True])
@pytest.mark.parametrize("max_iter", [1, 2, 3, 10, 31])
def test_max_iter_steps_are_taken_and_the_last_point_is_evaluated(max_iter, accelerate):
    X, start = overlapping()
    found = run(X, start, max_iter=max_iter, accelerate=accelerate)
    assert found.n_iter == max_iter
    assert len(found.trace) <= max_iter + 1
    level = oracle.log_likelihood(X, *found.parameters) / len(X)
    assert found.trace[-1] == pytest.approx(level, rel=1e-12)
    assert found.moments.log_likelihood == pytest.approx(level * len(X), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("accelerate", [False, True])
@pytest.mark.parametrize("kind", TYPES)
def test_the_likelihood_never_falls(kind, accelerate, dtype):
    for seed in range(4):
        X, start = overlapping(kind, seed=seed, spread=2.0)
        found = run(X.astype(dtype), start, kind, max_iter=150, accelerate=accelerate)
        slack = 2 * np.finfo(dtype).eps * (1 + np.abs(found.trace).max())
        assert np.diff(found.trace).min() >= -slack


def watched(n_iter, level, point):
    """Keeps a run in the loop, pass by pass."""


def test_a_leap_that_lowers_the_likelihood_is_taken_back(monkeypatch):
    """Every leap is sabotaged: what is left must be plain EM."""
    X, start = overlapping()
    leaps = []

    def step(self, density, moments, image=None):
        leaps.append(len(leaps))
        K = len(start.weights)
        return Parameters(np.full(K, 1 / K), start.means + 50.0, start.covariances)

    monkeypatch.setattr(QuasiNewton, "step", step)
    found = run(X, start, max_iter=21, on_pass=watched)
    _, trace = oracle.em(X, *start, "full", 11)
    assert found.n_iter == 21
    assert len(leaps) == 10
    np.testing.assert_allclose(found.trace, trace, rtol=1e-12)


@pytest.mark.parametrize("max_iter", range(2, 9))
def test_a_failed_leap_at_the_end_never_becomes_the_result(monkeypatch, max_iter):
    X, start = overlapping()
    bad = Parameters(start.weights, start.means + 50.0, start.covariances)
    monkeypatch.setattr(QuasiNewton, "step", lambda self, density, moments, image: bad)
    found = run(X, start, max_iter=max_iter, on_pass=watched)
    assert found.n_iter == max_iter
    assert found.trace[-1] == max(found.trace)
    assert np.abs(found.parameters.means).max() < 10


def test_the_caller_hears_of_every_accepted_pass_and_may_stop():
    X, start = overlapping()
    heard = []

    def on_pass(n_iter, level, parameters):
        heard.append((n_iter, level, parameters))
        return n_iter >= 5

    found = run(X, start, on_pass=on_pass)
    assert found.outcome == "stopped"
    assert [level for _, level, _ in heard] == list(found.trace)
    assert heard[0][0] == 0
    assert heard[0][2] is start
    assert heard[-1][2] is found.parameters


# Stopping --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("accelerate", [False, True])
@pytest.mark.parametrize(
    ("kind", "tol"), [("full", 1e-6), ("full", 1e-4), ("diag", 1e-6), ("tied", 1e-6)]
)
def test_what_2000_more_passes_gain_is_below_tol(kind, tol, accelerate, dtype):
    X, start = overlapping(kind, spread=2.0)
    X = X.astype(dtype)
    rule = ExpectedGain(tol, float(np.finfo(dtype).eps))
    found = run(X, start, kind, rule, accelerate=accelerate, max_iter=20000)
    assert found.outcome == "converged"
    further = run(X.astype(float), found.parameters, kind, accelerate=False, max_iter=2000)
    gain = further.trace[-1] - further.trace[0]
    assert gain < 2 * tol  # near a maximum the rule is exact to first order
    if dtype == np.float64 and not accelerate:
        assert gain > tol / 20  # and it does not dawdle: it stops soon after it may


def test_the_rule_foretells_the_gain_of_a_linear_map():
    """A mean creeps to its place at a rate c: the gain left is known in closed form."""
    c, tol = 0.99, 1e-7
    kind, eye = family("spherical"), np.ones(1)
    rule = ExpectedGain(tol, 1e-16)
    distance = 1.0
    for n in range(3000):
        point = Parameters(eye, np.array([[distance]]), eye)
        image = Parameters(eye, np.array([[c * distance]]), eye)
        stopped = rule.update(-distance, point, image, kind.factor(point))
        if n >= 1:
            # The step is (1 - c) e in units of the deviation; the gain left (1 - c) e^2 / 2.
            left = (1 - c) * distance**2 / 2
            largest = left / c ** (2 * min(n, 2))
            assert rule.expected == pytest.approx(largest, rel=1e-6)
        if stopped:
            break
        distance *= c
    assert largest < tol < largest / c**2


def test_tol_0_never_stops():
    X, start = overlapping(n=200)
    assert run(X, start, rule=ExpectedGain(0.0, 2e-16), max_iter=400).outcome == "exhausted"
    assert run(X, start, rule=Change(0.0), max_iter=400).n_iter == 400


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("accelerate", [False, True])
def test_a_tol_below_rounding_still_ends(accelerate, dtype):
    X, start = overlapping(n=400, spread=5.0)
    rule = ExpectedGain(1e-300, float(np.finfo(dtype).eps))
    found = run(X.astype(dtype), start, rule=rule, accelerate=accelerate, max_iter=3000)
    assert found.outcome == "converged"


def test_change_is_scikit_learns_rule():
    X, start = overlapping()
    found = run(X, start, rule=Change(1e-4), accelerate=False)
    changes = np.abs(np.diff(found.trace))
    # There, the M step that follows the small change is taken before the check.
    assert changes[-2] < 1e-4
    assert (changes[:-2] >= 1e-4).all()
