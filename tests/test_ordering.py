"""Orders of rows, and passes that leave components out: against the pass that leaves none out."""

import dataclasses

import numba
import numpy as np
import pytest
from factored import factored, separated
from numpy.testing import assert_allclose
from oracle import COVARIANCE_TYPES

from fastem.ordering import Order
from fastem.rows import MemoryRows
from fastem.search.hierarchy import Forest
from fastem.search.samples import Sample

families = pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])
FIELDS = "counts", "first", "second"


@pytest.fixture
def always(monkeypatch):
    """Use every order, whether it pays or not."""
    monkeypatch.setattr("fastem.density.accumulator.MUST_SAVE", np.inf)


def both(X, mixture, covariance_type="full", weight=None):
    """The pass over the rows as they come, that in order, and the order."""
    density, units = factored(mixture, covariance_type, X)
    order = Order.of(X, units)
    dense = density.summarise(X, weight, units)
    return dense, density.summarise(X, weight, units, order=order), order, density


def check(X, mixture, covariance_type="full", weight=None):
    """Hold the pass in order to the one over the rows as they come; returns the share computed."""
    dense, pruned, order, density = both(X, mixture, covariance_type, weight)
    single = X.dtype == np.float32
    total = weight.sum() if weight is not None else len(X)
    assert pruned.n_rows == pytest.approx(total, rel=1e-14)
    assert_allclose(pruned.log_likelihood, dense.log_likelihood, rtol=1e-6 if single else 1e-14)
    assert_allclose(
        pruned.classification_entropy,
        dense.classification_entropy,
        rtol=1e-5 if single else 1e-12,
        atol=1e-12 * total,
    )
    for name in FIELDS:
        got, expected = getattr(pruned, name), getattr(dense, name)
        # Sums cancel in `first`, never more than their parts: a standard deviation a row.
        parts = np.maximum(abs(expected), abs(expected).max() * 1e-3)
        assert (abs(got - expected) <= (1e-4 if single else 1e-12) * parts).all(), name
    return order.share(*density.cast(X.dtype))


# Orders -------------------------------------------------------------------------------------------


@families
@dtypes
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("D", [1, 2, 3, 6])
def test_moments_are_those_of_the_pass_that_computes_all(
    D, weighted, covariance_type, dtype, always
):
    """Oracle: the pass over the rows as they come."""
    X, mixture = separated(5000, 20, D, 10.0, covariance_type, dtype)
    weight = np.random.default_rng(1).exponential(size=len(X)) if weighted else None
    share = check(X, mixture, covariance_type, weight)
    assert share < 1


@pytest.mark.parametrize("separation", [0.1, 1.0, 4.0, 8.0, 30.0, 1e4])
def test_any_separation(separation, always):
    """Oracle: as above."""
    check(*separated(20_000, 40, 2, separation))


def test_a_far_offset_and_columns_of_other_scales(always):
    """Oracle: as above."""
    X, mixture = separated(5000, 20, 2, 10.0)
    check(X + 1e8, mixture._replace(means=mixture.means + 1e8))
    scale = np.array([1e-100, 1e100])
    product = scale[:, None] * scale
    scaled = mixture._replace(
        means=mixture.means * scale, covariances=mixture.covariances * product
    )
    check(X * scale, scaled)


def test_rows_far_from_everything(always):
    """Oracle: as above, with rows at all distances up to where squares overflow."""
    X, mixture = separated(6000, 20, 2, 10.0)
    X[::50] *= np.logspace(0, 8, 120)[:, None]
    check(X, mixture)
    density, units = factored(mixture, "full", X)
    X[7] = 1e200, -1e200
    dense = density.summarise(X, None, units)
    pruned = density.summarise(X, None, units, order=Order.of(X, units))
    assert_allclose(pruned.counts, dense.counts, rtol=1e-12)
    assert_allclose(pruned.log_likelihood, dense.log_likelihood, rtol=1e-14)


def test_small_and_absent_components(always):
    """Oracle: as above."""
    X, mixture = separated(5000, 20, 2, 10.0)
    weights = mixture.weights.copy()
    weights[:3] = 0.0, 1e-7, 1e-3
    check(X, mixture._replace(weights=weights / weights.sum()))


@families
def test_noise_is_a_component_like_any_other(covariance_type, always):
    """Oracle: as above."""
    X, mixture = separated(5000, 20, 2, 10.0, covariance_type)
    X[:50] *= 100
    density, units = factored(mixture, covariance_type, X)
    noisy = dataclasses.replace(density, log_noise=-30.0)
    order = Order.of(X, units)
    dense, pruned = noisy.summarise(X, None, units), noisy.summarise(X, None, units, order=order)
    assert dense.counts[-1] > 40
    assert_allclose(pruned.counts, dense.counts, rtol=1e-12)
    assert_allclose(pruned.log_likelihood, dense.log_likelihood, rtol=1e-14)
    assert order.share(*noisy.cast(X.dtype)) < 0.8


# When, and by whom --------------------------------------------------------------------------------


def test_the_same_bits_for_any_number_of_threads(always):
    """Oracle: one thread."""
    X, mixture = separated(40_000, 20, 2, 10.0)
    density, units = factored(mixture, "full", X)
    before, found = numba.get_num_threads(), set()
    try:
        for number in range(1, numba.config.NUMBA_NUM_THREADS + 1):
            numba.set_num_threads(number)
            order = Order.of(X, units)
            got = density.summarise(X, None, units, order=order)
            found.add((got.log_likelihood, got.second.tobytes(), order.index.tobytes()))
    finally:
        numba.set_num_threads(before)
    assert len(found) == 1


@pytest.mark.parametrize(("separation", "pays"), [(0.1, False), (30.0, True)])
def test_an_order_is_used_where_it_pays(separation, pays):
    """Oracle: the bits of the pass over the rows as they come."""
    dense, got, _, _ = both(*separated(20_000, 40, 2, separation))
    assert np.array_equal(got.second, dense.second) != pays


@pytest.mark.parametrize(
    ("n", "K", "ordered"), [(40_000, 12, True), (40_000, 4, False), (700, 12, False)]
)
def test_rows_to_race_on_are_ordered_if_they_are_many(n, K, ordered):
    """Oracle: the bits of the pass over the rows as they come, which are others."""

    def no_rows(n):
        raise AssertionError

    X, mixture = separated(n, K, 2, 30.0)
    density, units = factored(mixture, "full", X)
    once = MemoryRows(X, None, units).summarise(density)
    often = Sample(X, None, units, Forest(no_rows)).summarise(density)
    assert np.array_equal(once.second, often.second) != ordered
