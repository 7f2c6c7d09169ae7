"""Units: exact, robust, and the same working rows whatever the data is measured in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose

from fastem.units import LOOKED_AT, Units, location_and_spread

COLUMNS = {
    "normal": np.random.default_rng(0).normal(5, 3, 999),
    "constant": np.full(999, 7.25),
    "zero": np.zeros(999),
    "tied": np.repeat([1.0, 2.0, 3.0], [100, 799, 100]),
    "tied at zero": np.repeat([0.0, 4.0], [900, 99]),
    "outlier": np.append(np.random.default_rng(1).normal(size=998), 1e30),
    "tiny": np.random.default_rng(2).normal(size=999) * 1e-300,
    "subnormal": np.full(999, 1e-310),
    "huge": np.random.default_rng(3).uniform(-1, 1, 999) * 1e308,
    "one row": np.array([3.0]),
    "two rows": np.array([3.0, 5.0]),
}
columns = pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)


def working_rows(X, units):
    return (X - units.centre) * units.scale


@columns
def test_scales_are_powers_of_two_and_float64_is_not_moved(column):
    """Oracle: frexp."""
    units = Units.of(column[:, np.newaxis])
    assert np.array_equal(np.frexp(units.scale)[0], [0.5])
    assert np.array_equal(units.centre, [0.0])


@pytest.mark.parametrize("name", sorted(COLUMNS.keys() - {"huge"}))
def test_the_spread_becomes_one_within_a_factor_of_two(name):
    """Oracle: `location_and_spread` of the working rows."""
    column = COLUMNS[name]
    X = column[:, np.newaxis]
    _, spread = location_and_spread(working_rows(X, Units.of(X)))
    if len(np.unique(column)) > 1:
        assert 0.5 <= spread < 1
    centre, spread = location_and_spread(working_rows(X, Units.standard(X)))
    assert centre == 0
    assert_allclose(spread, 1, rtol=1e-12)


@pytest.mark.parametrize("name", sorted(COLUMNS.keys() - {"tiny", "subnormal", "huge"}))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("exponent", [-80, -1, 1, 20])
def test_powers_of_two_of_the_data_change_no_bit_of_the_working_rows(name, dtype, exponent):
    """Oracle: the working rows at scale 1."""
    X = COLUMNS[name][:, np.newaxis].astype(dtype)
    other = X * dtype(2.0**exponent)
    assert np.array_equal(working_rows(X, Units.of(X)), working_rows(other, Units.of(other)))


def test_the_robust_spread_of_normal_rows_is_their_standard_deviation():
    X = np.random.default_rng(0).normal(5, 3, size=(100_000, 2))
    centre, spread = location_and_spread(X)
    assert_allclose(centre, 5, atol=0.1)
    assert_allclose(spread, 3, rtol=0.03)


def test_one_outlier_hides_nothing():
    """Oracle: the units without it."""
    X = np.random.default_rng(0).normal(size=(5001, 2))
    with_outlier = X.copy()
    with_outlier[17] = 1e30, -1e300
    assert np.array_equal(Units.of(X).scale, Units.of(with_outlier).scale)


def test_where_quartiles_are_tied_the_standard_deviation_stands_in():
    column = COLUMNS["tied at zero"]
    _, spread = location_and_spread(column[:, np.newaxis])
    assert_allclose(spread, np.sqrt((column**2).mean()), rtol=1e-12)


def test_a_constant_column_is_measured_by_its_size():
    centre, spread = location_and_spread(np.array([[7.25, 0.0, -3.0]] * 5))
    assert np.array_equal(centre, [7.25, 0.0, -3.0])
    assert np.array_equal(spread, [7.25, 1.0, 3.0])


def test_one_scale_for_all_columns():
    """Oracle: the widest column alone."""
    X = np.random.default_rng(0).normal(size=(999, 3)) * [1, 10, 100]
    wide = Units.of(X[:, 2:])
    assert np.array_equal(Units.of(X, per_column=False).scale, np.repeat(wide.scale, 3))
    wide = Units.standard(X[:, 2:])
    assert np.array_equal(Units.standard(X, per_column=False).scale, np.repeat(wide.scale, 3))


def test_float32_is_centred():
    """Oracle: the median, and the error of rounding to float32."""
    exact = np.random.default_rng(0).normal(size=(999, 2)) + 2.0**12
    X = exact.astype(np.float32)
    units = Units.of(X)
    assert np.array_equal(units.centre, np.median(X, axis=0))
    rows = working_rows(X, units)
    assert np.array_equal(rows.astype(np.float32), rows)


def test_sorted_data_is_looked_at_from_end_to_end():
    """Oracle: the same data shuffled."""
    X = np.linspace(0, 1, 10 * LOOKED_AT)[:, np.newaxis]
    shuffled = np.random.default_rng(0).permutation(X)
    assert_allclose(location_and_spread(X), location_and_spread(shuffled), rtol=0.05)


def test_log_jacobian_and_array():
    """Oracle: the definitions."""
    X = np.random.default_rng(0).normal(size=(99, 3)) * [1e-100, 1, 1e100]
    units = Units.of(X)
    assert_allclose(units.log_jacobian, np.log(units.scale).sum(), rtol=1e-12)
    assert np.array_equal(units.array, [units.centre, units.scale])


ROWS = arrays(
    st.sampled_from([np.float64, np.float32]),
    array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.floats(-(2.0**60), 2.0**60, width=32),
)


@settings(deadline=None)
@given(X=ROWS, per_column=st.booleans())
def test_enter_and_leave_are_inverse(X, per_column):
    units = Units.of(X, per_column=per_column)
    assert np.isfinite(units.scale).all()
    assert (units.scale > 0).all()
    means = X.astype(float)
    there_and_back = units.leave(units.enter(means))
    if X.dtype == np.float64:
        assert np.array_equal(there_and_back, means)
    else:
        size = np.abs(means).max() + np.abs(units.centre).max()
        assert_allclose(there_and_back, means, rtol=0, atol=4e-16 * size)
    standard = Units.standard(X, per_column=per_column)
    there_and_back = standard.leave(standard.enter(means))
    size = np.abs(means).max() + np.abs(standard.centre).max()
    assert_allclose(there_and_back, means, rtol=0, atol=1e-15 * size)
