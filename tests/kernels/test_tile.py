"""Tiles: rows transposed and scaled, and densities turned into responsibilities."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp, softmax

from fastem.kernels.tile import (
    GROUP,
    LARGEST,
    LISTED,
    ROWS,
    SPARE,
    STRIDE,
    TILE_ROWS,
    TOTAL,
    WEIGHT,
    buffer,
    exponentiate,
    load,
    load_ordered,
    load_weights,
    normalise,
    padded,
    zero_underflowed,
)

NO_INDEX, NO_WEIGHT = np.empty(0, np.uint16), np.empty(0)
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def column(flat, start):
    return flat[int(start) : int(start) + TILE_ROWS]


def columns(flat, first, n):
    """So many columns of a buffer as an array (TILE_ROWS, n)."""
    return np.stack([column(flat, first + np.uint64(k) * STRIDE) for k in range(n)], axis=1)


def densities_of(values, weight=None):
    """A density buffer of log2 densities (TILE_ROWS, K)."""
    densities = buffer(SPARE + values.shape[1], values)
    for k in range(values.shape[1]):
        column(densities, LISTED + np.uint64(k) * STRIDE)[:] = values[:, k]
    load_weights(NO_WEIGHT if weight is None else weight, NO_INDEX, 0, TILE_ROWS, densities)
    return densities


@dtypes
def test_buffers_start_on_a_cache_line(dtype):
    for n_columns in range(1, 9):
        found = buffer(n_columns, np.empty(0, dtype))
        assert found.ctypes.data % 64 == 0
        assert (found.size, found.dtype) == (n_columns * int(STRIDE), dtype)


@dtypes
@pytest.mark.parametrize("D", [1, 2, 3, 4, 7, 200])
@pytest.mark.parametrize(("start", "stop"), [(0, TILE_ROWS), (TILE_ROWS, 700)])
def test_a_tile_holds_the_rows_in_its_units_and_its_first_row_beyond_them(start, stop, D, dtype):
    """Oracle: NumPy."""
    rng = np.random.default_rng(D)
    rows = (rng.normal(size=(700, D)) + 1e4).astype(dtype)
    centre, scale = np.full(D, 1e4), 2.0 ** rng.integers(-3, 4, D)
    tile = buffer(D, rows)
    load(rows, start, stop, centre, scale, tile)
    expected = ((rows[start:stop] - centre) * scale).astype(dtype)
    found = columns(tile, np.uint64(0), D)
    assert_array_equal(found[: stop - start], expected)
    assert (found[stop - start :] == expected[0]).all()


def test_rows_in_an_order_count_within_their_group():
    """Oracle: NumPy's indexing."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(GROUP + 600, 3))
    index = np.concatenate([rng.permutation(GROUP), rng.permutation(600)]).astype(np.uint16)
    weight = rng.exponential(size=len(rows))
    tile, densities = buffer(3, rows), buffer(SPARE, rows)
    start, stop = GROUP + TILE_ROWS, GROUP + 600
    load_ordered(rows, index, start, stop, np.zeros(3), np.ones(3), tile)
    load_weights(weight, index, start, stop, densities)
    places = GROUP + index[start:stop].astype(int)
    assert_array_equal(columns(tile, np.uint64(0), 3)[: stop - start], rows[places])
    assert_array_equal(column(densities, WEIGHT)[: stop - start], weight[places])
    assert not column(densities, WEIGHT)[stop - start :].any()


@dtypes
def test_exponentiate_and_normalise_are_scipys_softmax(dtype):
    """Oracle: SciPy's logsumexp and softmax."""
    rng = np.random.default_rng(0)
    bits = (rng.normal(size=(TILE_ROWS, 5)) * 40 - 300).astype(dtype)
    weight = rng.exponential(size=TILE_ROWS)
    densities = densities_of(bits, weight)
    assert exponentiate(5, densities, ROWS) == 0
    nats = bits.astype(float) * np.log(2)
    level = (column(densities, LARGEST) + np.log2(column(densities, TOTAL))) * np.log(2)
    tolerance = 1e-14 if dtype == np.float64 else 1e-6
    assert_allclose(level, logsumexp(nats, axis=1), rtol=tolerance)
    log_likelihood, entropy = normalise(5, densities, ROWS)
    resp = softmax(nats, axis=1)
    assert_allclose(log_likelihood * np.log(2), weight @ logsumexp(nats, axis=1), rtol=tolerance)
    assert_allclose(entropy * np.log(2), -weight @ np.log(resp.max(axis=1)), rtol=1e3 * tolerance)
    found = columns(densities, LISTED, 5)
    assert_allclose(found, weight[:, None] * resp, rtol=100 * tolerance, atol=tolerance)


@dtypes
@pytest.mark.parametrize("n", [1, 63, 64, 65, 300])
def test_a_tile_that_is_not_full_costs_its_rows_and_is_what_a_full_one_is(n, dtype):
    rng = np.random.default_rng(n)
    bits = (rng.normal(size=(TILE_ROWS, 3)) * 40 - 300).astype(dtype)
    weight = np.where(np.arange(TILE_ROWS) < n, rng.exponential(size=TILE_ROWS), 0.0)
    some, whole = densities_of(bits, weight), densities_of(bits, weight)
    n_rows = padded(n)
    assert n <= n_rows < n + 64
    assert exponentiate(3, some, n_rows) == exponentiate(3, whole, ROWS) == 0
    assert not column(some, TOTAL)[int(n_rows) :].any()
    tolerance = 1e-14 if dtype == np.float64 else 1e-6
    for found, expected in zip(normalise(3, some, n_rows), normalise(3, whole, ROWS), strict=True):
        assert_allclose(found, expected, rtol=tolerance)
    assert_array_equal(columns(some, LISTED, 3), columns(whole, LISTED, 3))


@dtypes
def test_rows_whose_densities_underflow_count_nothing(dtype):
    bits = np.zeros((TILE_ROWS, 2), dtype)
    bits[7] = -np.inf
    bits[9, 0] = -np.inf
    densities, tile = densities_of(bits), np.full(3 * int(STRIDE), np.inf, dtype)
    assert exponentiate(2, densities, ROWS) == 1
    zero_underflowed(3, tile, densities)
    assert np.isinf(np.delete(columns(tile, np.uint64(0), 3), 7, axis=0)).all()
    assert not columns(tile, np.uint64(0), 3)[7].any()
    log_likelihood, _ = normalise(2, densities, ROWS)
    assert -np.inf < log_likelihood < -1e37
    found = columns(densities, LISTED, 2)
    assert_array_equal(found[[7, 9, 0]], [[0, 0], [0, 1], [0.5, 0.5]])
