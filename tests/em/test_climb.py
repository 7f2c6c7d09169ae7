"""Passes made many at a time in compiled code: the bits of the loop, whose tests are in test_loop.

A run that is watched stays in the loop: it is the oracle.
"""

import numpy as np
import pytest

import fastem
from fastem import em
from fastem.covariance import FAMILIES, Bounds, Parameters, family
from fastem.em import climb as climbing
from fastem.kernels import climb as kernel
from fastem.kernels import convergence
from fastem.rows import MemoryRows
from fastem.units import Units

AVERAGED = [name for name, kind in FAMILIES.items() if kind.averages is not None]
ELLIPSOIDAL = {"full", "VVV", "tied", "EEE"}
K, D = 3, 2


def sample(n=400, D=D, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, D)) + 1.7 * rng.integers(0, K, n)[:, None]


def run(X, kind="full", *, watched=False, tol=1e-6, to_beat=-np.inf, weight=None, **more):
    D = X.shape[1]
    units = Units(np.full(D, 0.5), np.full(D, 2.0))
    rows, kind = MemoryRows(np.ascontiguousarray(X), weight, units), family(kind)
    means = np.random.default_rng(1).normal(size=(K, D))
    shape = kind.shape(K, D)
    unit = np.ones(shape) if kind.diagonal else np.broadcast_to(np.eye(D), shape)
    start = Parameters(np.full(K, 1 / K), means, unit)
    rule = em.ExpectedGain(tol, rows.precision, to_beat)
    options = {"max_iter": 1000, "bounds": Bounds(np.zeros(D), 1e-10)} | more
    on_pass = (lambda n_iter, level, point: None) if watched else None
    return em.run(rows, kind, start, rule=rule, on_pass=on_pass, **options), rule


def assert_same(found, oracle):
    (run, rule), (other, judged) = found, oracle
    assert (run.outcome, run.n_iter, run.trace) == (other.outcome, other.n_iter, other.trace)
    for mine, theirs in zip(run.parameters, other.parameters, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for name in (
        "about",
        "n_rows",
        "log_likelihood",
        "classification_entropy",
        "counts",
        "first",
        "second",
    ):
        np.testing.assert_array_equal(getattr(run.moments, name), getattr(other.moments, name))
    assert (rule.expected, rule.hopeless) == (judged.expected, judged.hopeless)


@pytest.fixture
def climbs(monkeypatch):
    """How each climb ended."""
    ends = []

    def noted(*args):
        ends.append(kernel.climb(*args))
        return ends[-1]

    class Noting:
        climb = staticmethod(noted)

        def __getattr__(self, name):
            return getattr(kernel, name)

    monkeypatch.setattr(climbing, "kernel", Noting())
    return ends


@pytest.mark.parametrize("accelerate", [True, False])
@pytest.mark.parametrize("name", [name for name in AVERAGED if name not in ("E", "V")])
def test_bits_are_those_of_the_loop(name, accelerate, climbs):
    X = sample()
    options = {"accelerate": accelerate, "bounds": Bounds(np.array([1e-3, 2e-3]), 1e-10)}
    if name in ("spherical", "VII", "EII"):
        options["bounds"] = Bounds(np.full(D, 1e-3), 1e-10)
    assert_same(run(X, name, **options), run(X, name, watched=True, **options))
    assert set(climbs[:-1]) <= {kernel.PAUSED}
    assert climbs[-1] == convergence.CONVERGED


@pytest.mark.parametrize("name", ["E", "V", "full"])
def test_a_single_column(name):
    X = sample(D=1)
    assert_same(run(X, name), run(X, name, watched=True))


@pytest.mark.parametrize("name", ["spherical", "tied", "EII", "EEI"])
def test_averages_over_more_columns(name):
    X = sample(D=11)
    assert_same(run(X, name), run(X, name, watched=True))


@pytest.mark.parametrize("name", ["full", "diag"])
def test_several_slots_and_weights(name):
    X, weight = sample(3000), 1.0 + np.arange(3000) % 7
    assert_same(run(X, name, weight=weight), run(X, name, weight=weight, watched=True))


@pytest.mark.parametrize("accelerate", [True, False])
@pytest.mark.parametrize("max_iter", [0, 1, 2, 7, 8, 9])
def test_a_run_that_is_cut_short(max_iter, accelerate, climbs):
    options = {"max_iter": max_iter, "accelerate": accelerate, "tol": 0.0}
    assert_same(run(sample(), **options), run(sample(), watched=True, **options))
    assert climbs == [kernel.EXHAUSTED]


@pytest.mark.parametrize("name", ["full", "spherical"])
def test_pauses_change_nothing(name, monkeypatch, climbs):
    monkeypatch.setattr(climbing, "MOST_PASSES", 3)
    assert_same(run(sample(), name), run(sample(), name, watched=True))
    assert climbs.count(kernel.PAUSED) >= 2


def test_a_run_that_cannot_win_any_more(climbs):
    assert_same(run(sample(), to_beat=0.0), run(sample(), to_beat=0.0, watched=True))
    assert climbs == [convergence.HOPELESS]


@pytest.mark.parametrize("name", ["full", "tied", "diag"])
def test_eigenvalues_on_the_floor_are_raised_in_the_loop(name, climbs):
    """A component collapses on its way, or all lie in a plane from the beginning."""
    X = np.r_[sample(), np.full((9, D), 9.0)]
    if name == "tied":
        X = sample(D=1) @ np.ones((1, D))
    assert_same(run(X, name, tol=1e-9), run(X, name, tol=1e-9, watched=True))
    if name in ELLIPSOIDAL:
        assert set(climbs) & {kernel.BEFORE_FLOOR, kernel.LEAPT_TO_FLOOR}


def test_where_it_is_not_for(climbs):
    """Other families, numbers and rules, and passes that threads share."""
    X = sample()
    fastem.fit(X, 2, covariance_type="VEV", random_state=0, n_init=1)
    fastem.fit(X.astype(np.float32), 2, random_state=0, n_init=1)
    fastem.fit(X, 2, noise=True, random_state=0, n_init=1)
    fastem.fit(X, 2, prior=True, random_state=0, n_init=1)
    fastem.GaussianMixture(2, random_state=0).fit(X)
    run(sample(60_000), tol=1e-2)
    assert climbs == []
