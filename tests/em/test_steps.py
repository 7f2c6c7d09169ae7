"""Steps in compiled code: the bits of those in Python, whose own tests are in test_loop."""

import numba
import numpy as np
import pytest

import fastem
from fastem import em
from fastem.compiler.threads import is_reentrant
from fastem.covariance import (
    FAMILIES,
    Bounds,
    Fixed,
    Parameters,
    WithFixed,
    WithNoise,
    WithPrior,
    family_by_name,
)
from fastem.em.workspace import OverWhole, Workspace
from fastem.kernels import em_passes as kernel
from fastem.noise import Noise
from fastem.rows import MemoryRows
from fastem.rows.incomplete import IncompleteRows, LabelledRows
from fastem.units import Units

COMPILED = [name for name, kind in FAMILIES.items() if kind.covariances_of is not None]
K, D = 3, 2


def sample(n=400, D=D, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, D)) + 1.7 * rng.integers(0, K, n)[:, None]


def as_it_is(kind, X, units):
    return kind


def run(X, name="full", *, rule=None, weight=None, wrapped=as_it_is, rows=MemoryRows, **more):
    D = X.shape[1]
    units = Units(np.full(D, 0.5), np.full(D, 2.0))
    rows, kind = rows(np.ascontiguousarray(X), weight, units), family_by_name(name)
    means = np.random.default_rng(1).normal(size=(K, D))
    shape = kind.shape(K, D)
    unit = np.ones(shape) if kind.diagonal else np.broadcast_to(np.eye(D), shape)
    share = 0.2 if wrapped is with_noise else 0.0
    start = Parameters(np.full(K, (1 - share) / K), means, unit)
    rule = em.Rule.expected_gain(1e-6, rows.precision) if rule is None else rule
    options = {"max_iter": 1000, "bounds": Bounds(np.zeros(D), 1e-10)} | more
    return em.run(rows, wrapped(kind, X, units), start, rule=rule, **options)


def with_prior(kind, X, units):
    scale = units.scale
    spread = np.cov(X.T).reshape(len(scale), -1) * np.outer(scale, scale)
    return WithPrior.of(kind, K, len(X), units.enter(X.mean(axis=0)), spread, units)


def with_noise(kind, X, units):
    return WithNoise(kind, Noise(0.2, X.min(axis=0) - 3, X.max(axis=0) + 3), units.log_jacobian)


def in_python(*args, **options):
    """The oracle: the same run in Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fastem.em.workspace.Workspace.of", lambda *_: None)
        return run(*args, **options)


def assert_same(found, expected):
    for name in "outcome", "n_iter", "trace":
        assert getattr(found, name) == getattr(expected, name)
    for mine, theirs in zip(found.parameters, expected.parameters, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for name, theirs in vars(expected.moments).items():
        if not name.startswith("_"):
            np.testing.assert_array_equal(getattr(found.moments, name), theirs)
    assert found.state.expected_gain == expected.state.expected_gain


@pytest.fixture
def calls(monkeypatch):
    """How each call of compiled code ended."""
    ends, run_passes = [], kernel.run_passes

    def noted(*args):
        found = run_passes(*args)
        ends.append(found[0])
        return found

    monkeypatch.setattr(kernel, "run_passes", noted)
    return ends


@pytest.mark.parametrize("accelerate", [True, False])
@pytest.mark.parametrize("name", [name for name in COMPILED if name not in ("E", "V")])
def test_bits_are_those_of_python(name, accelerate, calls):
    X = sample()
    ridge = np.array([1e-3, 2e-3]) if FAMILIES[name].per_column else np.full(D, 1e-3)
    options = {"accelerate": accelerate, "bounds": Bounds(ridge, 1e-10)}
    found = run(X, name, **options)
    assert found.outcome == "converged"
    assert set(calls) == {kernel.DONE}
    assert_same(found, in_python(X, name, **options))


@pytest.mark.parametrize("accelerate", [True, False])
@pytest.mark.parametrize("name", [name for name in COMPILED if name not in ("E", "V")])
def test_a_prior(name, accelerate, calls):
    """To rounding: Python divides by the sum of the counts, compiled code by that of weights."""
    options = {"accelerate": accelerate, "wrapped": with_prior, "max_iter": 40}
    found, expected = run(sample(), name, **options), in_python(sample(), name, **options)
    assert set(calls) == {kernel.DONE}
    assert found.outcome == expected.outcome
    np.testing.assert_allclose(found.trace, expected.trace, rtol=1e-11)
    for mine, theirs in zip(found.parameters, expected.parameters, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("accelerate", [True, False])
@pytest.mark.parametrize("name", [name for name in COMPILED if name not in ("E", "V")])
def test_noise(name, accelerate, calls):
    X = np.r_[sample(), np.random.default_rng(2).uniform(-9, 9, (100, D))]
    options = {"accelerate": accelerate, "wrapped": with_noise}
    found = run(X, name, **options)
    assert found.outcome == "converged"
    assert set(calls) == {kernel.DONE}
    assert 0.05 < 1 - found.parameters.weights.sum() < 0.3
    assert_same(found, in_python(X, name, **options))


@pytest.mark.parametrize("name", ["full", "tied", "spherical"])
@pytest.mark.parametrize(
    ("n", "dtype"), [(20_000, "float64"), (60_000, "float64"), (400, "float32")]
)
def test_noise_beside_slots_threads_and_single_precision(name, n, dtype, calls):
    X, weight = sample(n).astype(dtype), 1.0 + np.arange(n) % 7
    options = {"weight": weight, "max_iter": 25, "wrapped": with_noise}
    found = run(X, name, **options)
    assert_same(found, in_python(X, name, **options))
    assert kernel.DONE in calls


def test_noise_that_no_row_is_dwindles_alike(calls):
    """Its weight falls by a thousand in each step: it is not lost at once."""
    X = np.r_[np.full((50, D), 0.0), np.full((50, D), 1.0)] + 1e-3 * sample(100)
    bounds = Bounds(np.full(D, 1e-6), 1e-10)
    options = {"wrapped": with_noise, "bounds": bounds, "rule": em.Rule(), "max_iter": 4}
    found = run(X, "tied", **options)
    assert_same(found, in_python(X, "tied", **options))
    assert calls == [kernel.DONE]


def with_gaps(X, seed=3):
    X, rng = X.copy(), np.random.default_rng(seed)
    X[np.arange(0, len(X), 4), rng.integers(X.shape[1], size=-(-len(X) // 4))] = np.nan
    return X


@pytest.mark.parametrize("wrapped", [as_it_is, with_noise])
@pytest.mark.parametrize("name", ["full", "tied", "diag", "VEV"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rows_that_lack_columns(name, wrapped, dtype, calls):
    X = sample(D=3).astype(dtype)
    limits = X.min(axis=0).astype(float), X.max(axis=0).astype(float)

    def rows(given, weight, units):
        return IncompleteRows(with_gaps(given), weight, units, limits)

    options = {"rows": rows, "wrapped": wrapped, "max_iter": 40}
    found = run(X, name, **options)
    assert calls.count(kernel.PASS) >= len(found.trace)
    assert_same(found, in_python(X, name, **options))


@pytest.mark.parametrize("noisy", [False, True])
def test_rows_that_are_of_some_components(noisy, calls):
    X, possible = sample(), np.r_[np.eye(K, dtype=bool), [[1, 1, 0], [1, 1, 1]]].astype(bool)
    limits, set_of = (X.min(axis=0), X.max(axis=0)), np.arange(len(X)) % len(possible)

    def rows(given, weight, units):
        return LabelledRows(given, weight, units, limits, possible, set_of)

    options = {"rows": rows, "max_iter": 40} | ({"wrapped": with_noise} if noisy else {})
    found = run(X, **options)
    assert calls.count(kernel.PASS) >= len(found.trace)
    assert_same(found, in_python(X, **options))


def test_of_many_such_rows_python_makes_the_steps(monkeypatch, calls):
    monkeypatch.setattr("fastem.em.workspace.FEW_WORK", 1.0)
    limits = np.full(D, -9.0), np.full(D, 9.0)
    run(sample(), rows=lambda *own: IncompleteRows(*own, limits), max_iter=3)
    assert calls == []


@pytest.mark.parametrize("name", ["E", "V", "full"])
def test_a_single_column(name):
    X = sample(D=1)
    assert_same(run(X, name), in_python(X, name))


@pytest.mark.parametrize("name", ["spherical", "tied", "EII", "EEI"])
def test_averages_over_more_columns(name):
    X = sample(D=11)
    assert_same(run(X, name), in_python(X, name))


@pytest.mark.parametrize("name", ["full", "diag"])
def test_several_slots_and_weights(name):
    X, weight = sample(20_000), 1.0 + np.arange(20_000) % 7
    assert_same(run(X, name, weight=weight), in_python(X, name, weight=weight))


@pytest.mark.parametrize("name", ["full", "tied", "diag", "spherical", "VEV"])
@pytest.mark.parametrize(
    ("n", "dtype"), [(60_000, "float64"), (60_000, "float32"), (400, "float32")]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_passes_that_threads_share_and_rows_in_single_precision(name, n, dtype, weighted, calls):
    """Extrapolated steps are taken back on the way."""
    X, weight = sample(n).astype(dtype), 1.0 + np.arange(n) % 7 if weighted else None
    options = {"weight": weight, "max_iter": 25}
    found = run(X, name, **options)
    assert_same(found, in_python(X, name, **options))
    assert calls == [kernel.DONE]


@pytest.fixture
def passes(monkeypatch):
    """What was passed to compiled steps as their passes."""
    seen, original = [], OverWhole.passes_now

    def passes_now(workspace):
        seen.append(original(workspace))
        return seen[-1]

    monkeypatch.setattr(OverWhole, "passes_now", passes_now)
    return seen


def test_threads_share_a_pass_where_there_are_several(passes, calls):
    X, before = sample(60_000), numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = run(X, max_iter=25)
    finally:
        numba.set_num_threads(before)
    shared = run(X, max_iter=25)
    assert_same(alone, shared)
    one, several = passes
    assert one.address == several.address > 0
    assert one.launcher == 0
    assert (several.launcher > 0) == (before > 1 and is_reentrant())


@pytest.mark.parametrize("n_threads", [1, 2])
def test_passes_on_a_work_queue_are_calls_of_their_own_where_threads_pay(
    n_threads, passes, monkeypatch, calls
):
    X = sample(60_000)
    expected = run(X, max_iter=25)
    calls.clear()
    monkeypatch.setattr("fastem.em.workspace.is_reentrant", lambda: False)
    monkeypatch.setattr("fastem.em.workspace.n_threads", lambda work: n_threads)
    assert_same(run(X, max_iter=25), expected)
    assert passes[-1].launcher == 0
    assert (passes[-1].address == 0) == (n_threads > 1)
    if n_threads > 1:
        assert calls.count(kernel.PASS) >= len(expected.trace)
    else:
        assert calls == [kernel.DONE]


@pytest.mark.parametrize("most", [256, 3, 0])
def test_a_call_is_no_longer_than_a_second(most, monkeypatch, calls):
    """Of passes that take longer each Python makes every one, in pieces."""
    X, expected = sample(), run(sample(), max_iter=8)
    work = family_by_name("full").factor(expected.parameters).work(len(X))
    monkeypatch.setattr("fastem.em.workspace.PIECE_WORK", (most + 0.5) * work)
    calls.clear()
    assert_same(run(X, max_iter=8), expected)
    if most:
        assert calls == [kernel.DONE] * -(-len(expected.trace) // most)
    else:
        assert calls.count(kernel.PASS) >= len(expected.trace)


def test_where_slots_may_not_stand_in_memory_together(monkeypatch, calls):
    X, expected = sample(60_000), run(sample(60_000), max_iter=5)
    calls.clear()
    plan = "fastem.density.accumulator.partition.plan"
    monkeypatch.setattr(plan, lambda *sizes: (3 + K * (1 + D + D * D), 15 * 512, 2))
    found = run(X, max_iter=5)
    assert calls == []
    np.testing.assert_allclose(found.trace, expected.trace, rtol=1e-13)


@pytest.mark.parametrize("accelerate", [True, False])
@pytest.mark.parametrize("max_iter", [0, 1, 2, 7, 8, 9])
def test_a_run_that_is_cut_short(max_iter, accelerate, calls):
    options = {"max_iter": max_iter, "accelerate": accelerate, "rule": em.Rule()}
    found = run(sample(), **options)
    assert found.outcome == "exhausted"
    assert_same(found, in_python(sample(), **options))
    assert calls == [kernel.DONE]


@pytest.mark.parametrize("name", ["full", "spherical"])
@pytest.mark.parametrize("most", [1, 3])
def test_passes_of_a_call_change_nothing(name, most, monkeypatch, calls):
    monkeypatch.setattr(Workspace, "most", most)
    found = run(sample(), name)
    assert_same(found, in_python(sample(), name))
    assert len(calls) == -(-len(found.trace) // most)


def test_being_watched_changes_nothing():
    told = []
    assert_same(run(sample(), on_pass=told.append), run(sample()))


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        (em.Rule.expected_gain(1e-6, 2e-16, to_beat=0.0), "hopeless"),
        (em.Rule.expected_gain(1e-6, 2e-16, least_weight=0.2), "dwindled"),
        (em.Rule.expected_gain(0.0, 2e-16, least_weight=0.2), "dwindled"),
        (em.Rule.change(1e-4), "converged"),
        (em.Rule.change(1e-1, -4.0), "converged"),
    ],
)
@pytest.mark.parametrize("accelerate", [True, False])
def test_rules(rule, outcome, accelerate, calls):
    found = run(sample(), rule=rule, accelerate=accelerate)
    assert found.outcome == outcome
    assert_same(found, in_python(sample(), rule=rule, accelerate=accelerate))
    assert calls == [kernel.DONE]


@pytest.mark.parametrize("name", COMPILED)
def test_eigenvalues_on_the_floor_are_raised(name, calls):
    """A component collapses on its way, or all lie in a plane from the beginning.

    What raises them is compiled at the first: no other call comes back for it.
    """
    D = 1 if name in ("E", "V") else 2
    kind, X = FAMILIES[name], np.r_[sample(D=D), np.full((9, D), 9.0)]
    if kind.shared and not kind.diagonal:
        X = sample(D=1) @ np.ones((1, D))
    rule = em.Rule.expected_gain(1e-9, 2e-16)
    assert_same(run(X, name, rule=rule), in_python(X, name, rule=rule))
    if name in ("full", "VVV", "tied", "EEE"):
        assert calls.count(kernel.MAXIMISE) + calls.count(kernel.PROJECT) == 1


def test_a_covariance_that_cannot_be_factored_is_an_error_here_as_there():
    X = np.ones((50, 2))
    for made in run, in_python:
        with pytest.raises(np.linalg.LinAlgError, match="covariance 0"):
            made(X, "full", bounds=Bounds(np.zeros(2), 0.0))


def test_where_it_is_not_for(calls):
    """What is held."""
    X = sample()
    held = np.arange(K) == 1
    values = Parameters(np.full(K, 1 / K), np.zeros((K, D)), np.stack([np.eye(D)] * K))
    fixed = Fixed(values, held, held, held)
    run(X, wrapped=lambda kind, X, units: WithFixed(kind, fixed, units), max_iter=5)
    assert calls == []


def test_the_estimator_runs_here(calls):
    fastem.GaussianMixture(2, random_state=0).fit(sample())
    assert set(calls) == {kernel.DONE}
