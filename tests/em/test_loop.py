"""The loop and its stopping rules: against plain EM by the oracle and against long runs."""

import numpy as np
import oracle
import pytest

from fastem import em
from fastem.covariance import Bounds, Parameters, family_by_name
from fastem.em import Rule, State
from fastem.em.steps import Step
from fastem.rows import MemoryRows
from fastem.units import Units

TYPES = oracle.COVARIANCE_TYPES


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
    options = {"max_iter": 5000, "bounds": bounds_of(X), "rule": rule or Rule()} | more
    return em.run(rows_of(X), family_by_name(kind), start, **options)


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


@pytest.fixture
def sabotaged(monkeypatch):
    """Every extrapolated point is a bad one; receives how often there was one."""
    projected = []

    def project(self, state):
        projected.append(state.n_iter)
        K, D = state.shape
        state.point[:] = state.em_step
        state.point[:K] = 1 / K
        state.point[K : K + K * D] += 50.0

    monkeypatch.setattr(Step, "project", project)
    monkeypatch.setattr("fastem.em.workspace.Workspace.of", lambda *_: None)
    return projected


def test_an_extrapolation_that_lowers_the_likelihood_is_taken_back(sabotaged):
    """What is left must be plain EM."""
    X, start = overlapping()
    found = run(X, start, max_iter=21)
    _, trace = oracle.em(X, *start, "full", 21 - len(sabotaged))
    assert found.n_iter == 21
    assert len(sabotaged) == 10
    np.testing.assert_allclose(found.trace, trace, rtol=1e-12)


@pytest.mark.parametrize("max_iter", range(2, 9))
def test_a_failed_extrapolation_at_the_end_never_becomes_the_result(sabotaged, max_iter):
    X, start = overlapping()
    found = run(X, start, max_iter=max_iter)
    assert found.n_iter == max_iter
    assert found.trace[-1] == max(found.trace)
    assert np.abs(found.parameters.means).max() < 10


def test_the_caller_hears_of_every_accepted_pass_and_may_stop():
    X, start = overlapping()
    heard = []

    def on_pass(told):
        heard.append(told)
        return told.n_iter >= 5

    found = run(X, start, on_pass=on_pass)
    assert found.outcome == "stopped"
    assert [told.level for told in heard] == list(found.trace)
    assert heard[0].n_iter == 0
    for told, expected in (heard[0], start), (heard[-1], found.parameters):
        for mine, theirs in zip(told.parameters, expected, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    alone = run(X, start, max_iter=heard[-1].n_iter + 1)
    assert alone.trace[: len(found.trace)] == found.trace


@pytest.mark.parametrize("step", ["compiled", "Python"])
@pytest.mark.parametrize("accelerate", [False, True])
def test_a_run_goes_on_from_a_state_to_the_same_bits(monkeypatch, step, accelerate):
    """Oracle: the run uninterrupted."""
    if step == "Python":
        monkeypatch.setattr("fastem.em.workspace.Workspace.of", lambda *_: None)
    X, start = overlapping(spread=2.0)
    rule, kept = Rule.expected_gain(1e-9, 2e-16), []

    def keep(state):
        kept.append(State(*(copied(part) for part in state)))

    whole = run(X, start, rule=rule, accelerate=accelerate, keep=keep)
    assert len(kept) == len(whole.trace)
    for state in kept[:: len(kept) // 4]:
        assert_same(run(X, state, rule=rule, accelerate=accelerate), whole)


def copied(part):
    return part.copy() if isinstance(part, np.ndarray) else type(part)(*map(copied, part))


def assert_same(found, expected):
    assert (found.outcome, found.n_iter, found.trace) == (
        expected.outcome,
        expected.n_iter,
        expected.trace,
    )
    for mine, theirs in zip(found.parameters, expected.parameters, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_run_that_goes_on_from_other_parameters_counts_on():
    """Oracle: the two runs one after the other."""
    X, start = overlapping()
    other = start._replace(means=start.means[::-1] + 0.1)
    first = run(X, start, max_iter=7)
    trace = first.trace
    state = first.state.replaced(family_by_name("full"), other, Rule())
    assert (state.n_iter, state.n_replaced, state.outcome) == (7, 1, "running")
    both = run(X, state, max_iter=15)
    second = run(X, other, max_iter=8)
    assert both.trace == trace + second.trace
    assert both.n_iter == 15
    for mine, theirs in zip(both.parameters, second.parameters, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_rows_of_other_weights_are_no_rows_to_go_on_over():
    X, start = overlapping()
    state = run(X, start, max_iter=2).state.replaced(family_by_name("full"), start, Rule())
    with pytest.raises(ValueError, match=r"other sample weights: .* was 3000 and is 2999"):
        run(X[:-1], state)


# Stopping --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("accelerate", [False, True])
@pytest.mark.parametrize(
    ("kind", "tol"), [("full", 1e-6), ("full", 1e-4), ("diag", 1e-6), ("tied", 1e-6)]
)
def test_what_2000_more_passes_gain_is_below_tol(kind, tol, accelerate, dtype):
    X, start = overlapping(kind, spread=2.0)
    X = X.astype(dtype)
    rule = Rule.expected_gain(tol, float(np.finfo(dtype).eps))
    found = run(X, start, kind, rule, accelerate=accelerate, max_iter=20000)
    assert found.outcome == "converged"
    further = run(X.astype(float), found.parameters, kind, accelerate=False, max_iter=2000)
    gain = further.trace[-1] - further.trace[0]
    assert gain < 2 * tol  # near a maximum the rule is exact to first order
    if dtype == np.float64 and not accelerate:
        assert gain > tol / 20  # and it does not dawdle: it stops soon after it may


@pytest.mark.parametrize("left", [5e-6, 2.5e-6])
def test_a_run_that_goes_on_from_good_parameters_ends_no_sooner_than_it_may(left):
    """Oracle: the end of a long run. At first the slow directions hardly show in the steps."""
    rng = np.random.default_rng([0, 2, 3])
    means, roots = 1.5 * rng.normal(size=(3, 2)), 0.3 * rng.normal(size=(3, 2, 2)) + np.eye(2)
    labels = rng.integers(0, 3, 16_000)
    X = means[labels] + np.einsum("nij,nj->ni", roots[labels], rng.normal(size=(16_000, 2)))
    start = Parameters(np.full(3, 1 / 3), means, roots @ roots.swapaxes(1, 2))
    told, tol = [], 1e-6
    best = run(X, start, rule=Rule.expected_gain(1e-11, 2e-16), on_pass=told.append).trace[-1]
    near = next(each for each in told if best - each.level < left)
    assert best - near.level > 1.2 * tol
    found = run(X, near.parameters, rule=Rule.expected_gain(tol, 2e-16))
    assert best - found.trace[-1] < 1.2 * tol


def test_tol_0_never_stops():
    X, start = overlapping(n=200)
    assert run(X, start, rule=Rule.expected_gain(0.0, 2e-16), max_iter=400).outcome == "exhausted"
    assert run(X, start, rule=Rule.change(0.0), max_iter=400).n_iter == 400


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("accelerate", [False, True])
def test_a_tol_below_rounding_still_ends(accelerate, dtype):
    X, start = overlapping(n=400, spread=5.0)
    rule = Rule.expected_gain(1e-300, float(np.finfo(dtype).eps))
    found = run(X.astype(dtype), start, rule=rule, accelerate=accelerate, max_iter=3000)
    assert found.outcome == "converged"


def test_change_is_scikit_learns_rule():
    X, start = overlapping()
    found = run(X, start, rule=Rule.change(1e-4), accelerate=False)
    changes = np.abs(np.diff(found.trace))
    # There, the M step that follows the small change is taken before the check.
    assert changes[-2] < 1e-4
    assert (changes[:-2] >= 1e-4).all()
