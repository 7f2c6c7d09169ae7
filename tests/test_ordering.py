"""Orders of rows, and passes that leave components out: against the pass that leaves none out."""

import dataclasses

import numba
import numpy as np
import pytest
from factored import factored
from numpy.testing import assert_allclose
from oracle import COVARIANCE_TYPES, log_joint, random_mixture, sample

from fastem.kernels.tile import GROUP, ROWS
from fastem.ordering import Order
from fastem.rows import MemoryRows
from fastem.search.samples import Sample

families = pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])
FIELDS = "counts", "first", "second"


def apart(n, K, D, separation, covariance_type="full", dtype=np.float64, seed=0):
    """Rows of a mixture with means about so many standard deviations apart, and the mixture."""
    rng = np.random.default_rng([seed, n, K, D])
    mixture = random_mixture(rng, K, D, covariance_type)
    means = rng.normal(size=(K, D)) * separation * K ** (1 / D)
    mixture = mixture._replace(means=means)
    return sample(rng, n, *mixture, covariance_type)[0].astype(dtype), mixture


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


@dtypes
@pytest.mark.parametrize("D", [1, 2, 3, 5, 8, 23, 40])
@pytest.mark.parametrize("n", [1, 511, 513, GROUP + 700])
def test_every_row_is_in_its_group_once_and_in_the_box_of_its_tile(n, D, dtype):
    """Oracle: NumPy's minimum and maximum of the rows of each tile."""
    if n > GROUP and D > 8:
        n = 3000
    X, mixture = apart(n, 3, D, 5.0, dtype=dtype)
    _, units = factored(mixture, "full", X)
    order = Order.of(X, units)
    index = order.index.astype(int) + np.arange(n) // GROUP * GROUP
    assert np.array_equal(np.sort(index), np.arange(n))
    assert np.array_equal(index // GROUP, np.arange(n) // GROUP)
    moved = ((X - units.centre) * units.scale).astype(dtype).astype(float)[index]
    starts = np.arange(0, n, int(ROWS))
    low, high = np.minimum.reduceat(moved, starts), np.maximum.reduceat(moved, starts)
    centre, half = order.boxes[:, 0], order.boxes[:, 1]
    assert_allclose(centre - half, low, rtol=1e-14, atol=1e-14)
    assert_allclose(centre + half, high, rtol=1e-14, atol=1e-14)


def test_neighbouring_rows_share_a_tile():
    """Oracle: tiles of rows as they come, each as wide as the data."""
    X = np.random.default_rng(0).uniform(size=(GROUP, 2))
    _, units = factored(apart(9, 2, 2, 1.0)[1], "full", X)
    boxes = Order.of(X, units).boxes / units.scale
    areas = 4 * boxes[:, 1].prod(axis=1)
    assert areas.sum() < 2.5  # they cover a square of 1, 128 times were they of rows as they come


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((3000, 2)),
        np.array([[1e300, -1e300]]).repeat(3000, 0) * np.linspace(-1, 1, 3000)[:, None],
        np.array([[5e-324, 1.0]]).repeat(3000, 0) * np.arange(3000)[:, None],
        np.concatenate([np.zeros((2999, 2)), [[1e30, -1e30]]]),
    ],
    ids=["equal", "vast", "subnormal", "outlier"],
)
def test_hostile_columns_are_ordered_as_well_as_may_be(X):
    """Oracle: each row once."""
    _, units = factored(
        apart(9, 2, 2, 1.0)[1], "full", np.random.default_rng(0).normal(size=(9, 2))
    )
    with np.errstate(over="ignore"):
        order = Order.of(X, units)
    assert np.array_equal(np.sort(order.index), np.arange(3000))


# Lists --------------------------------------------------------------------------------------------


@families
def test_what_is_left_out_is_negligible_for_every_row(covariance_type):
    """Oracle: SciPy's densities of every component on every row."""
    X, mixture = apart(6000, 12, 2, 5.0, covariance_type)
    density, units = factored(mixture, covariance_type, X)
    order = Order.of(X, units)
    listed, n_listed = order.lists(*density.cast(X.dtype))
    joint = log_joint(X, *mixture, covariance_type)[order.index] / np.log(2)
    joint -= joint.max(axis=1, keepdims=True)
    for t in range(len(n_listed)):
        out = np.setdiff1d(np.arange(12), listed[t, : n_listed[t]])
        assert (joint[t * 512 : t * 512 + 512][:, out] < -64).all()
    assert n_listed.mean() < 11


# Passes -------------------------------------------------------------------------------------------


@families
@dtypes
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("D", [1, 2, 3, 6])
def test_moments_are_those_of_the_pass_that_computes_all(
    D, weighted, covariance_type, dtype, always
):
    """Oracle: the pass over the rows as they come."""
    X, mixture = apart(5000, 20, D, 10.0, covariance_type, dtype)
    weight = np.random.default_rng(1).exponential(size=len(X)) if weighted else None
    share = check(X, mixture, covariance_type, weight)
    assert share < 1


@pytest.mark.parametrize("separation", [0.1, 1.0, 4.0, 8.0, 30.0, 1e4])
def test_any_separation(separation, always):
    """Oracle: as above."""
    check(*apart(20_000, 40, 2, separation))


def test_a_far_offset_and_columns_of_other_scales(always):
    """Oracle: as above."""
    X, mixture = apart(5000, 20, 2, 10.0)
    check(X + 1e8, mixture._replace(means=mixture.means + 1e8))
    scale = np.array([1e-100, 1e100])
    product = scale[:, None] * scale
    scaled = mixture._replace(
        means=mixture.means * scale, covariances=mixture.covariances * product
    )
    check(X * scale, scaled)


def test_rows_far_from_everything(always):
    """Oracle: as above, with rows at all distances up to where squares overflow."""
    X, mixture = apart(6000, 20, 2, 10.0)
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
    X, mixture = apart(5000, 20, 2, 10.0)
    weights = mixture.weights.copy()
    weights[:3] = 0.0, 1e-7, 1e-3
    check(X, mixture._replace(weights=weights / weights.sum()))


@families
def test_noise_is_a_component_like_any_other(covariance_type, always):
    """Oracle: as above."""
    X, mixture = apart(5000, 20, 2, 10.0, covariance_type)
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
    X, mixture = apart(40_000, 20, 2, 10.0)
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
    dense, got, _, _ = both(*apart(20_000, 40, 2, separation))
    assert np.array_equal(got.second, dense.second) != pays


@pytest.mark.parametrize(
    ("n", "K", "ordered"), [(40_000, 12, True), (40_000, 4, False), (700, 12, False)]
)
def test_rows_to_race_on_are_ordered_if_they_are_many(n, K, ordered):
    """Oracle: the bits of the pass over the rows as they come, which are others."""

    def no_dendrogram():
        raise AssertionError

    X, mixture = apart(n, K, 2, 30.0)
    density, units = factored(mixture, "full", X)
    once = MemoryRows(X, None, units).summarise(density)
    often = Sample(X, None, units, no_dendrogram).summarise(density)
    assert np.array_equal(once.second, often.second) != ordered
