"""Orders of rows along Hilbert's curve, boxes around tiles, and the components they need."""

import numpy as np
import pytest
from factored import factored, separated
from numpy.testing import assert_allclose
from oracle import COVARIANCE_TYPES, log_joint

from fastem.kernels.tile import GROUP, ROWS
from fastem.ordering import Order

families = pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@dtypes
@pytest.mark.parametrize("D", [1, 2, 3, 5, 8, 23, 40])
@pytest.mark.parametrize("n", [1, 511, 513, GROUP + 700])
def test_every_row_is_in_its_group_once_and_in_the_box_of_its_tile(n, D, dtype):
    """Oracle: NumPy's minimum and maximum of the rows of each tile."""
    if n > GROUP and D > 8:
        n = 3000
    X, mixture = separated(n, 3, D, 5.0, dtype=dtype)
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
    _, units = factored(separated(9, 2, 2, 1.0)[1], "full", X)
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
        separated(9, 2, 2, 1.0)[1], "full", np.random.default_rng(0).normal(size=(9, 2))
    )
    with np.errstate(over="ignore"):
        order = Order.of(X, units)
    assert np.array_equal(np.sort(order.index), np.arange(3000))


# Lists --------------------------------------------------------------------------------------------


@families
def test_what_is_left_out_is_negligible_for_every_row(covariance_type):
    """Oracle: SciPy's densities of every component on every row."""
    X, mixture = separated(6000, 12, 2, 5.0, covariance_type)
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
