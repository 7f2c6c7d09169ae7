"""The search over all rows that follows a race on a sample."""

import numpy as np
import pytest

import fastem
from fastem.covariance import FAMILIES, Parameters
from fastem.rows import MemoryRows
from fastem.search import over_all
from fastem.search.samples import MIN_SAMPLE
from fastem.units import Units


@pytest.fixture(scope="module")
def overlapping():
    """Rows in whose maxima a sample of them errs."""
    rng = np.random.default_rng(1)
    means = rng.uniform(-1.43, 1.43, (10, 3)) * 10 ** (1 / 3)
    return means[rng.integers(10, size=8000)] + rng.normal(size=(8000, 3))


def fit(X, **options):
    return fastem.fit(X, 10, covariance_type="diag", random_state=0, **options)


def test_it_ends_higher_than_the_race_alone(overlapping, monkeypatch):
    both = fit(overlapping)
    monkeypatch.setattr(over_all, "MOST_ROWS", MIN_SAMPLE)
    alone = fit(overlapping)
    assert both.log_likelihood > alone.log_likelihood + 1.0
    chosen = [next(r for r in f.restarts if r.outcome == "chosen") for f in (both, alone)]
    assert chosen[0].n_iter > chosen[1].n_iter  # its steps are counted


def clusters(n, D, K, separation):
    """Overlapping ones, their means and their covariances."""
    rng = np.random.default_rng(n + D + K)
    means = rng.uniform(-1, 1, (K, D)) * K ** (1 / D) * separation / 2
    labels = rng.choice(K, n, p=rng.dirichlet(np.full(K, 4.0)))
    spreads = np.eye(D) + 0.35 * rng.normal(size=(K, D, D))
    X = np.empty((n, D))
    for k in range(K):
        X[labels == k] = means[k] + rng.normal(size=((labels == k).sum(), D)) @ spreads[k].T
    return X, means, spreads @ spreads.swapaxes(1, 2)


@pytest.mark.parametrize("seed", [0, 3])
def test_of_more_rows_many_are_searched_and_all_of_them_decide(seed, monkeypatch):
    """Oracle: a start at the true means. The race alone ends 1,272 nats lower."""
    X, means, _ = clusters(200_000, 2, 9, 2.5)
    options = {"covariance_type": "tied", "random_state": seed}
    best = fastem.fit(X, 9, means_init=means, **options)
    fitted = fastem.fit(X, 9, **options)
    assert fitted.log_likelihood > best.log_likelihood - 1.0
    monkeypatch.setattr(over_all, "MOST_COMPONENTS", 0)
    alone = fastem.fit(X, 9, **options)
    assert fitted.log_likelihood > alone.log_likelihood + 1000
    (chosen,), (before,) = (
        [r for r in f.restarts if r.outcome == "chosen"] for f in (fitted, alone)
    )
    assert chosen.n_iter > before.n_iter


def test_a_component_that_dwindles_over_many_rows_is_put_elsewhere():
    """Oracle: a start at the truth. It ended with eighteen rows, 1,697 nats lower."""
    X, means, covariances = clusters(100_000, 6, 10, 1.7)
    best = fastem.fit(X, 10, means_init=means, covariances_init=covariances)
    fitted = fastem.fit(X, 10, random_state=0)
    assert fitted.log_likelihood > best.log_likelihood - 1.0


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_callback_ends_it(overlapping, share):
    told = []
    fit(overlapping, callback=lambda event: told.append(event.stage))
    last, n = int(share * len(told)), []

    def stop(event):
        n.append(event)
        return len(n) >= last

    stopped = fit(overlapping, callback=stop)
    assert stopped.status.code == "stopped"
    assert len(n) <= last + 1
    assert np.isfinite(stopped.log_likelihood)


@pytest.mark.parametrize("family", ["tied", "EII", "EEI"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_single_rows_that_no_sample_holds_are_found(family, seed):
    """Oracle: a start at both. Without them a fit ends 17,000 nats lower, and more."""
    X = np.random.default_rng(5).normal(size=(20_000, 2))
    X[[3, 11]] = [[200, 0], [0, -300]]
    options = {"covariance_type": family, "random_state": seed}
    one = np.eye(2) if family == "tied" else np.ones((3, 2))
    there = {"means_init": [[0, 0], [200, 0], [0, -300]], "covariances_init": one}
    best = fastem.fit(X, 3, **there, **options)
    found = fastem.fit(X, 3, **options)
    assert found.log_likelihood == pytest.approx(best.log_likelihood)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rare_rows_stand_beside_a_sample_each_as_it_counts(weighted, dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 2)).astype(dtype)
    X[:30] += 50  # far from both components
    X[30:140] += 20  # a component's
    weight = rng.uniform(0.5, 2.0, 20_000) if weighted else None
    units = Units.of(X)
    rows, sample = MemoryRows(X, weight, units), MemoryRows(X[::5], None, units)
    means = units.enter(np.array([[0.0, 0.0], [20.0, 20.0]]))
    parameters = Parameters(np.array([0.9995, 0.0005]), means, units.scale**2 * np.ones((2, 2)))
    found = over_all.with_rare(rows, parameters, FAMILIES["diag"], sample)
    assert found.dtype == dtype
    assert 140 <= found.n_samples - len(X[::5]) <= 110 + over_all.FARTHEST
    assert found.units is units
    assert len(np.unique(found.X, axis=0)) == found.n_samples
    counts = np.ones(20_000) if weight is None else weight
    assert found.sample_weight.sum() == pytest.approx(counts.sum())
    for row in range(140):
        (place,) = np.flatnonzero((X[row] == found.X).all(axis=1))
        assert found.sample_weight[place] == counts[row]
