"""Passes over rows of many columns, with products by BLAS: against the kernels of few columns."""

import numba
import numpy as np
import pytest
from factored import factored
from numpy.testing import assert_allclose
from oracle import moments, random_mixture, sample

import fastem
from fastem.density import accumulator
from fastem.kernels.tile import ROWS
from fastem.kernels.wide import COLUMNS

dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])
NAMES = "log_likelihood", "classification_entropy", "counts", "first", "second"


def problem(n, K, D, covariance_type="full", dtype=np.float64, separation=1.0):
    """Rows of a mixture, and the mixture."""
    rng = np.random.default_rng([n, K, D])
    mixture = random_mixture(rng, K, D, covariance_type)
    mixture = mixture._replace(means=separation * mixture.means)
    return sample(rng, n, *mixture, covariance_type)[0].astype(dtype), mixture


def both(monkeypatch, X, mixture, covariance_type="full", weight=None):
    """What is found with products by BLAS, and what without them."""
    density, units = factored(mixture, covariance_type, X)
    found = []
    for columns in 1, np.inf:
        monkeypatch.setattr(accumulator, "COLUMNS", columns)
        rowwise = (
            density.log_prob(X, units),
            density.responsibilities(X, units),
            density.predict(X, units),
        )
        found.append((density.summarise(X, weight, units), rowwise))
    return found


def check(monkeypatch, X, mixture, covariance_type="full", weight=None):
    (got, ours), (expected, theirs) = both(monkeypatch, X, mixture, covariance_type, weight)
    single = X.dtype == np.float32
    tolerance = 1e-4 if single else 1e-12
    assert got.n_rows == expected.n_rows
    for name in NAMES:
        mine, other = np.asarray(getattr(got, name)), np.asarray(getattr(expected, name))
        scale = max(abs(other).max(), 1e-300)
        assert abs(mine - other).max() <= tolerance * max(scale, got.n_rows), name
    assert np.array_equal(got.second, got.second.swapaxes(1, 2))
    assert_allclose(ours[0], theirs[0], rtol=1e-5 if single else 1e-12)
    # A responsibility is known as well as its logarithm is, in units of 1.
    accuracy = 1e-6 if single else 1e-14
    assert_allclose(ours[1], theirs[1], rtol=0, atol=accuracy * max(1, abs(theirs[0]).max()))
    decided = np.sort(theirs[1], axis=1)
    clear = decided[:, -1] > 0.51 if decided.shape[1] > 1 else np.ones(len(X), bool)
    assert (ours[2] == theirs[2])[clear].all()
    return got


@dtypes
@pytest.mark.parametrize("D", [1, 2, 31, 32, 33, 63, 65, 127, 129, 200, 300, 500])
def test_any_number_of_columns(monkeypatch, D, dtype):
    check(monkeypatch, *problem(700, 2, D, dtype=dtype))


@dtypes
@pytest.mark.parametrize("n", [1, 127, 128, 129, int(ROWS) - 1, int(ROWS), int(ROWS) + 1, 1500])
def test_any_number_of_rows(monkeypatch, n, dtype):
    check(monkeypatch, *problem(n, 3, 40, dtype=dtype))


@dtypes
def test_rows_that_share_in_one_component_only(monkeypatch, dtype):
    X, mixture = problem(1500, 5, 70, dtype=dtype, separation=30.0)
    check(monkeypatch, X, mixture)


def test_moments_are_the_oracles():
    """Oracle: NumPy's moments."""
    X, mixture = problem(900, 2, 300)
    density, units = factored(mixture, "full", X)
    assert X.shape[1] >= COLUMNS
    got = density.summarise(X, None, units)
    rows = (X - units.centre) * units.scale
    covariances = mixture.covariances * units.scale[:, None] * units.scale
    expected = moments(rows, mixture.weights, density.means, covariances, "full", diagonal=False)
    assert_allclose(got.counts, expected.counts, rtol=1e-9)
    for name in "first", "second":
        ours, theirs = getattr(got, name), getattr(expected, name)
        assert abs(ours - theirs).max() <= 1e-9 * abs(theirs).max()


@dtypes
@pytest.mark.parametrize("covariance_type", ["full", "tied"])
def test_weights_of_0_and_of_all_sizes(monkeypatch, covariance_type, dtype):
    X, mixture = problem(1300, 3, 50, covariance_type, dtype)
    weight = np.random.default_rng(0).choice([0.0, 1e-150, 0.5, 2.0, 1e3], size=len(X))
    check(monkeypatch, X, mixture, covariance_type, weight)


def test_rows_so_far_out_that_their_squares_overflow(monkeypatch):
    X, mixture = problem(1500, 3, 40)
    X[::7] *= 1e160
    check(monkeypatch, X, mixture)


def test_an_offset_and_scales():
    """Oracle: the same rows near 0. Powers of two, so that they are the same to the bit."""
    X, mixture = problem(800, 2, COLUMNS)
    base = fastem.Mixture(*mixture).summarise(X)
    for scale in 2.0**-500, 2.0**500:
        density, units = factored(mixture, "full", X)
        moved, _ = factored(mixture, "full", X)
        there = type(units)(units.centre * scale, units.scale / scale)
        assert np.array_equal(
            density.summarise(X, None, units).second, moved.summarise(X * scale, None, there).second
        )
    grid = np.round(X * 2**10) / 2**10  # 1e8 is added without rounding
    means = np.round(mixture.means * 2**10) / 2**10
    near = fastem.Mixture(mixture.weights, means, mixture.covariances)
    far = fastem.Mixture(mixture.weights, means + 1e8, mixture.covariances)
    here, there = near.summarise(grid), far.summarise(grid + 1e8)
    assert_allclose(there.second, here.second, rtol=1e-12, atol=1e-12 * abs(base.second).max())
    assert_allclose(there.log_likelihood, here.log_likelihood, rtol=1e-13)


@dtypes
def test_bits_are_the_same_for_any_number_of_threads(dtype):
    X, mixture = problem(5000, 2, COLUMNS + 5, dtype=dtype)
    density, units = factored(mixture, "full", X)
    before, found = numba.get_num_threads(), []
    try:
        for n_threads in range(1, before + 1):
            numba.set_num_threads(n_threads)
            found.append(density.summarise(X, None, units))
    finally:
        numba.set_num_threads(before)
    found.append(density.summarise(X, None, units, parallel=False))
    for other in found[1:]:
        for name in NAMES:
            assert np.array_equal(getattr(found[0], name), getattr(other, name)), name
