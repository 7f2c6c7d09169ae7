"""Passes that gather the rows which share in a component: against passes that gather none."""

import numpy as np
import pytest
from factored import factored
from numpy.testing import assert_allclose
from oracle import moments, random_mixture, sample

from fastem.density import accumulator
from fastem.kernels.tile import ROWS
from fastem.ordering import Order

dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def separated_rows(n, K, D, separation, covariance_type="full", dtype=np.float64):
    """Rows of a mixture with means so many standard deviations from each other, and the mixture."""
    rng = np.random.default_rng([n, K, D])
    mixture = random_mixture(rng, K, D, covariance_type)
    mixture = mixture._replace(means=rng.normal(size=(K, D)) * separation / np.sqrt(2 * D))
    return sample(rng, n, *mixture, covariance_type)[0].astype(dtype), mixture


def both(monkeypatch, X, mixture, covariance_type="full", weight=None):
    """The pass that gathers, whatever the number of columns, and the one that does not."""
    density, units = factored(mixture, covariance_type, X)
    monkeypatch.setattr(accumulator, "WIDE", 0)
    gathered = density.summarise(X, weight, units)
    monkeypatch.setattr(accumulator, "WIDE", np.inf)
    return gathered, density.summarise(X, weight, units)


def check(monkeypatch, X, mixture, covariance_type="full", weight=None):
    got, expected = both(monkeypatch, X, mixture, covariance_type, weight)
    single = X.dtype == np.float32
    tolerance = 1e-4 if single else 1e-12
    assert got.n_rows == expected.n_rows
    assert_allclose(got.log_likelihood, expected.log_likelihood, rtol=1e-6 if single else 1e-14)
    for name in "counts", "first", "second":
        ours, theirs = getattr(got, name), getattr(expected, name)
        parts = np.maximum(abs(theirs), abs(theirs).max() * 1e-3)
        assert (abs(ours - theirs) <= tolerance * parts).all(), name
    return got


@dtypes
@pytest.mark.parametrize("separation", [1.0, 6.0, 12.0, 40.0])
@pytest.mark.parametrize("D", [1, 2, 3, 4, 7, 24, 33])
def test_moments_are_those_of_all_rows(monkeypatch, D, separation, dtype):
    check(monkeypatch, *separated_rows(1500, 6, D, separation, dtype=dtype))


def test_moments_are_the_oracles(monkeypatch):
    """Oracle: NumPy's moments of all rows."""
    X, mixture = separated_rows(2000, 5, 26, 12.0)
    density, units = factored(mixture, "full", X)
    got = density.summarise(X, None, units)
    assert X.shape[1] * X.itemsize >= accumulator.WIDE
    rows = (X - units.centre) * units.scale
    covariances = mixture.covariances * units.scale[:, None] * units.scale
    expected = moments(rows, mixture.weights, density.means, covariances, "full", diagonal=False)
    assert_allclose(got.counts, expected.counts, rtol=1e-12)
    assert_allclose(got.second, expected.second, rtol=0, atol=1e-12 * abs(expected.second).max())


@pytest.mark.parametrize("n", [1, 15, 16, 17, int(ROWS) - 1, int(ROWS), int(ROWS) + 1])
def test_any_number_of_rows(monkeypatch, n):
    check(monkeypatch, *separated_rows(n, 4, 5, 20.0))


def test_few_and_many_rows_in_one_tile(monkeypatch):
    """One component has most rows of each tile, the others a dozen, or none."""
    X, mixture = separated_rows(3000, 5, 6, 30.0)
    mixture = mixture._replace(weights=np.array([0.93, 0.03, 0.02, 0.02, 1e-300]))
    rng = np.random.default_rng(0)
    labels = rng.choice(4, p=[0.93, 0.03, 0.02, 0.02], size=3000)
    X = mixture.means[labels] + 0.1 * rng.normal(size=X.shape)
    got = check(monkeypatch, X, mixture)
    assert (got.counts[:4] == np.bincount(labels)).all()
    assert got.counts[4] < 1e-200


def test_weights(monkeypatch):
    X, mixture = separated_rows(1500, 4, 9, 15.0)
    weight = np.random.default_rng(0).choice([1e-150, 0.5, 2.0, 1e3], size=1500)
    check(monkeypatch, X, mixture, weight=weight)


def test_rows_in_an_order(monkeypatch):
    X, mixture = separated_rows(3000, 6, 3, 20.0)
    density, units = factored(mixture, "full", X)
    monkeypatch.setattr(accumulator, "MUST_SAVE", np.inf)
    monkeypatch.setattr(accumulator, "WIDE", 0)
    gathered = density.summarise(X, None, units, order=Order.of(X, units))
    monkeypatch.setattr(accumulator, "WIDE", np.inf)
    expected = density.summarise(X, None, units)
    assert_allclose(gathered.counts, expected.counts, rtol=1e-12)
    assert_allclose(gathered.second, expected.second, rtol=1e-12, atol=1e-9)


def test_one_covariance_for_all(monkeypatch):
    check(monkeypatch, *separated_rows(1500, 4, 9, 15.0, "tied"), "tied")


def test_rows_so_far_out_that_their_squares_overflow(monkeypatch):
    X, mixture = separated_rows(1500, 4, 9, 15.0)
    X[::7] *= 1e160
    check(monkeypatch, X, mixture)


def test_what_is_left_out_is_left_out(monkeypatch):
    """A row that shares in one component only adds to no other, where the dense pass adds a bit."""
    X, mixture = separated_rows(600, 2, 3, 14.0)
    got, dense = both(monkeypatch, X, mixture)
    assert not np.array_equal(got.second, dense.second)
    assert_allclose(got.second, dense.second, rtol=1e-12, atol=1e-12 * abs(dense.second).max())
