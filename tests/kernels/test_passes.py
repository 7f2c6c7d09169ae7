"""One pass over the rows: moments against the oracle's, and the same bits however it is run."""

import numba
import numpy as np
import pytest
from factored import factored, in_data_units
from numpy.testing import assert_allclose
from oracle import COVARIANCE_TYPES, moments, random_mixture, responsibilities, sample

from fastem.kernels import passes
from fastem.kernels.tile import SPARE, STRIDE, TILE_ROWS, buffer

PRECISION = {np.float64: 1e-12, np.float32: 1e-5}
DIAGONAL = "diag", "spherical"

families = pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
dtypes = pytest.mark.parametrize("dtype", PRECISION)


def problem(n, K, D, covariance_type="full", dtype=np.float64, seed=0):
    """Rows of one mixture, and another one to look at them with."""
    rng = np.random.default_rng([seed, n, K, D])
    X, _ = sample(rng, n, *random_mixture(rng, K, D, covariance_type), covariance_type)
    return X.astype(dtype), random_mixture(rng, K, D, covariance_type)


def check(X, mixture, covariance_type="full", sample_weight=None):
    """Hold one pass against the oracle's, at the precision of X."""
    density, units = factored(mixture, covariance_type, X)
    got = density.summarise(X, sample_weight, units)
    about, first, second = in_data_units(got, units)
    rows, diagonal = X.astype(float), covariance_type in DIAGONAL
    near = type(mixture)(mixture.weights, about, mixture.covariances)
    expected = moments(rows, *near, covariance_type, diagonal, sample_weight)
    resp = responsibilities(rows, *mixture, covariance_type)
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    tolerance = PRECISION[X.dtype.type]
    n = expected.n_rows
    assert_allclose(got.n_rows, n, rtol=1e-14)
    assert_allclose(about, mixture.means, rtol=tolerance, atol=tolerance)
    likelihood = expected.log_likelihood
    assert_allclose(got.log_likelihood, likelihood, rtol=tolerance, atol=tolerance * n)
    classification_entropy = -weight @ np.log(resp.max(axis=1))
    assert_allclose(
        got.classification_entropy, classification_entropy, rtol=tolerance, atol=tolerance * n
    )
    assert_allclose(got.counts, expected.counts, rtol=tolerance, atol=tolerance * n)
    assert_allclose(first, expected.first, rtol=0, atol=tolerance * n * X.shape[1])
    assert_allclose(second, expected.second, rtol=0, atol=4 * tolerance * n * X.shape[1])
    if not diagonal:
        assert np.array_equal(second, second.swapaxes(1, 2))
    return got


# Shapes -----------------------------------------------------------------------------------------


@families
@dtypes
@pytest.mark.parametrize("D", [*range(1, 14), 18, 23, 33])
def test_any_number_of_columns(D, covariance_type, dtype):
    check(*problem(600, 3, D, covariance_type, dtype), covariance_type)


@families
@dtypes
@pytest.mark.parametrize("D", [1, 2, 3, 4, 5, 8, 11, 24, 50])
def test_rows_that_do_not_fill_a_tile(D, covariance_type, dtype):
    check(*problem(130, 3, D, covariance_type, dtype), covariance_type)


def test_few_rows_and_many_are_looked_at_alike():
    """The loops of a pass end with the rows of a tile."""
    X, mixture = problem(448, 3, 6)
    density, units = factored(mixture, "full", X)
    few = density.summarise(X, None, units)
    many = density.summarise(np.concatenate([X] * 2), None, units)
    for name in "log_likelihood", "counts", "first", "second":
        ours, theirs = 2 * np.asarray(getattr(few, name)), getattr(many, name)
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12 * abs(np.asarray(theirs)).max())


@pytest.mark.parametrize("K", range(1, 41))
def test_any_number_of_components(K):
    check(*problem(700, K, 3))


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
def test_many_columns(covariance_type):
    check(*problem(530, 2, 200, covariance_type), covariance_type)


@families
def test_many_components(covariance_type):
    check(*problem(1500, 500, 2, covariance_type), covariance_type)


@families
@dtypes
@pytest.mark.parametrize("n", [1, 511, 512, 513, 5000])
def test_any_number_of_rows(n, covariance_type, dtype):
    check(*problem(n, 4, 5, covariance_type, dtype), covariance_type)


def test_no_rows_give_zeros():
    """Oracle: an empty sum."""
    X, mixture = problem(10, 3, 4)
    density, units = factored(mixture, "full", X)
    empty = density.summarise(X[:0], None, units)
    whole = density.summarise(X, None, units)
    for name in "n_rows", "log_likelihood", "classification_entropy", "counts", "first", "second":
        assert not np.any(getattr(empty, name))
        assert np.array_equal(getattr(empty + whole, name), getattr(whole, name))


# Sample weights ---------------------------------------------------------------------------------


@families
@dtypes
def test_weighted_rows(covariance_type, dtype):
    X, mixture = problem(1300, 4, 5, covariance_type, dtype)
    weight = np.random.default_rng(0).exponential(size=len(X))
    check(X, mixture, covariance_type, weight)


def same(a, b, rtol=0.0):
    for name in "n_rows", "log_likelihood", "classification_entropy", "counts", "first", "second":
        x, y = getattr(a, name), getattr(b, name)
        assert_allclose(x, y, rtol=rtol, atol=rtol * np.abs(y).max(), err_msg=name)


@families
def test_weights_of_one_are_no_weights(covariance_type):
    X, mixture = problem(1300, 4, 5, covariance_type)
    density, units = factored(mixture, covariance_type, X)
    same(density.summarise(X, np.ones(1300), units), density.summarise(X, None, units))


@families
def test_a_row_of_weight_two_is_the_row_twice(covariance_type):
    X, mixture = problem(900, 4, 5, covariance_type)
    density, units = factored(mixture, covariance_type, X)
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    weighted = density.summarise(X, weight.astype(float), units)
    repeated = density.summarise(np.repeat(X, weight, axis=0), None, units)
    same(weighted, repeated, rtol=1e-13)


# Scales and offsets -----------------------------------------------------------------------------


def scaled(X, mixture, factor):
    """Rows and mixture in other units."""
    weights, means, covariances = mixture
    other = type(mixture)(weights, means * factor, covariances * factor * factor)
    return X * X.dtype.type(factor), other


@families
@pytest.mark.parametrize("offset", [1e4, 1e8])
def test_an_offset_costs_no_digits(offset, covariance_type):
    X, mixture = problem(700, 3, 4, covariance_type)
    check(X + offset, mixture._replace(means=mixture.means + offset), covariance_type)


@families
def test_an_offset_of_float32_costs_what_rounding_the_rows_costs(covariance_type):
    X, mixture = problem(700, 3, 4, covariance_type)
    shifted = (X + 2.0**13).astype(np.float32)
    check(shifted, mixture._replace(means=mixture.means + 2.0**13), covariance_type)


@families
@pytest.mark.parametrize("exponent", [-498, -40, 1, 40, 498])
def test_powers_of_two_of_the_data_change_no_bit(exponent, covariance_type):
    """Oracle: the same rows at scale 1."""
    X, mixture = problem(700, 3, 4, covariance_type)
    power = 2.0**exponent
    density, units = factored(mixture, covariance_type, X)
    small = density.summarise(X, None, units)
    X, mixture = scaled(X, mixture, power)
    density, units = factored(mixture, covariance_type, X)
    large = density.summarise(X, None, units)
    shift = len(X) * X.shape[1] * np.log(power)
    for name in "about", "classification_entropy", "counts", "first", "second":
        assert np.array_equal(getattr(small, name), getattr(large, name))
    assert_allclose(large.log_likelihood, small.log_likelihood - shift, rtol=1e-13)


@families
@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_the_ends_of_the_floating_point_range(scale, covariance_type):
    """Oracle: the pass at scale 1."""
    X, mixture = problem(700, 3, 4, covariance_type)
    expected = check(X, mixture, covariance_type)
    _, units = factored(mixture, covariance_type, X)
    about, first, second = in_data_units(expected, units)
    X, mixture = scaled(X, mixture, scale)
    density, units = factored(mixture, covariance_type, X)
    got = density.summarise(X, None, units)
    shift = len(X) * X.shape[1] * np.log(scale)
    assert_allclose(got.log_likelihood, expected.log_likelihood - shift, rtol=1e-12)
    assert_allclose(got.counts, expected.counts, rtol=1e-12)
    got_about, got_first, got_second = in_data_units(got, units)
    assert_allclose(got_about / scale, about, rtol=1e-12)
    assert_allclose(got_first / scale, first, rtol=1e-11, atol=1e-11)
    assert_allclose(got_second / scale / scale, second, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag"])
def test_columns_of_very_different_scales(covariance_type):
    """Oracle: the pass over columns of like scales."""
    X, mixture = problem(700, 3, 4, covariance_type)
    scale = np.array([1e-100, 1.0, 1e60, 1e5])
    product = scale * scale if covariance_type == "diag" else scale[:, np.newaxis] * scale
    expected = check(X, mixture, covariance_type)
    X = X * scale
    mixture = type(mixture)(mixture.weights, mixture.means * scale, mixture.covariances * product)
    density, units = factored(mixture, covariance_type, X)
    got = density.summarise(X, None, units)
    shift = len(X) * np.log(scale).sum()
    assert_allclose(got.log_likelihood, expected.log_likelihood - shift, rtol=1e-12)
    assert_allclose(got.counts, expected.counts, rtol=1e-12)


# Extremes ---------------------------------------------------------------------------------------


@families
@dtypes
def test_a_component_of_weight_zero_counts_nothing(covariance_type, dtype):
    X, mixture = problem(700, 3, 4, covariance_type, dtype)
    got = check(X, mixture._replace(weights=np.array([0.4, 0.0, 0.6])), covariance_type)
    assert got.counts[1] == 0
    assert not got.first[1].any()
    assert not got.second[1].any()


@families
@dtypes
def test_rows_beyond_the_range_of_squares_count_nothing_but_likelihood(covariance_type, dtype):
    """Oracle: the pass without them."""
    X, mixture = scaled(*problem(700, 3, 4, covariance_type, dtype), 2.0**-20)
    density, units = factored(mixture, covariance_type, X)
    far = np.sign(X[:100]) * dtype(1e200 if dtype is np.float64 else 1e25)
    far[:50] = np.sign(X[:50]) * np.finfo(dtype).max  # in their units these are infinite
    with_far = density.summarise(np.concatenate([far, X]), None, units)
    without = density.summarise(X, None, units)
    assert with_far.n_rows == 800
    assert -np.inf < with_far.log_likelihood < -1e37
    for name in "classification_entropy", "counts", "first", "second":
        got, expected = getattr(with_far, name), getattr(without, name)
        tolerance = PRECISION[dtype] * np.abs(expected).max()
        assert_allclose(got, expected, rtol=PRECISION[dtype], atol=tolerance)


@families
def test_float32_agrees_with_float64(covariance_type):
    """Oracle: the float64 pass over the same rows."""
    X, mixture = problem(3000, 5, 6, covariance_type, np.float32)
    X = X + np.float32(100)
    mixture = mixture._replace(means=mixture.means + 100)
    density, units = factored(mixture, covariance_type, X)
    single = density.summarise(X, None, units)
    density, units = factored(mixture, covariance_type, X.astype(float))
    double = density.summarise(X.astype(float), None, units)
    assert_allclose(single.log_likelihood, double.log_likelihood, rtol=1e-5)
    assert_allclose(single.counts, double.counts, rtol=1e-5, atol=1e-5 * len(X))


# Threads ----------------------------------------------------------------------------------------


@pytest.fixture
def threads():
    before = numba.get_num_threads()
    yield numba.set_num_threads
    numba.set_num_threads(before)


def bits(moments):
    arrays = (getattr(moments, name) for name in vars(moments))
    return b"".join(np.asarray(array).tobytes() for array in arrays)


@dtypes
@pytest.mark.parametrize("covariance_type", ["full", "diag"])
def test_the_same_bits_for_any_number_of_threads_and_in_every_run(
    covariance_type, dtype, threads, monkeypatch
):
    """Oracle: the serial loop."""
    X, mixture = problem(30_000, 8, 6, covariance_type, dtype)
    density, units = factored(mixture, covariance_type, X)
    weight = np.random.default_rng(0).exponential(size=len(X))
    loop = passes.summarise
    monkeypatch.setattr(passes, "summarise", lambda work, *args: loop.serial(0, *args))
    serial = bits(density.summarise(X, weight, units))
    monkeypatch.setattr(passes, "summarise", lambda work, *args: loop.parallel(0, *args))
    for number in range(1, numba.config.NUMBA_NUM_THREADS + 1):
        threads(number)
        for _ in range(3):
            assert bits(density.summarise(X, weight, units)) == serial
    monkeypatch.undo()
    assert bits(density.summarise(X, weight, units)) == serial
    assert bits(density.summarise(X, weight, units, parallel=False)) == serial


# Labels -----------------------------------------------------------------------------------------


@dtypes
@pytest.mark.parametrize("n", [1, 63, TILE_ROWS])
def test_the_first_of_the_likeliest_listed_components_is_a_rows_label(n, dtype):
    """Oracle: argmax. Many are equal, and some rows are infinitely far from all."""
    rng = np.random.default_rng(n)
    listed, densities = np.array([2, 3, 7, 9, 11], np.uint32), buffer(SPARE + 5, np.empty(0, dtype))
    columns = densities.reshape(-1, int(STRIDE))[SPARE:, :n]
    columns[:4] = rng.integers(-3, 0, (4, n))
    columns[:, rng.random(n) < 0.1] = -np.inf
    labels = np.full(n, -7, np.int32)
    passes.label(listed, 4, densities, labels)
    np.testing.assert_array_equal(labels, listed[columns[:4].argmax(axis=0)])
