"""Densities row by row against SciPy's `multivariate_normal`, by way of the oracle."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from factored import factored
from numpy.testing import assert_allclose
from oracle import COVARIANCE_TYPES, log_joint, log_prob, random_mixture, responsibilities, sample

import fastem
from fastem.density.partition import (
    FEW_ROW_BYTES,
    MAX_SLOTS,
    MIN_SLOTS,
    PRUNABLE_COMPONENTS,
    SLOT_BYTES,
    SLOT_ROW_BYTES,
    SLOT_TILES,
    SLOT_WORK,
    most_slots,
    plan,
    slot_tiles,
)
from fastem.kernels import passes
from fastem.kernels.tile import TILE_ROWS
from fastem.kernels.wide import COLUMNS, STRIP

DIMENSIONS = [*range(1, 19), 23, 24, 31, 32, 33, 47, 64, 65]
PRECISION = {np.float64: 1e-12, np.float32: 1e-5}
#: Distances of rows from the middle of the mixture, in its standard deviations.
DISTANCES = 0.0, 1.0, 10.0, 100.0, 1e4

families = pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
dtypes = pytest.mark.parametrize("dtype", PRECISION)


def problem(D, K, covariance_type, dtype, n=60):
    """A mixture, and rows near it and far from it."""
    rng = np.random.default_rng(100 * D + K)
    mixture = random_mixture(rng, K, D, covariance_type)
    X, _ = sample(rng, n, *mixture, covariance_type)
    directions = rng.normal(size=(n, D))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    X[n // 2 :] += np.resize(DISTANCES, n - n // 2)[:, np.newaxis] * directions[n // 2 :]
    return mixture, np.ascontiguousarray(X, dtype)


def tolerance(X, mixture, dtype):
    """What rounding leaves uncertain of each row's log density: in proportion to its terms."""
    squares = ((X.astype(float)[:, np.newaxis] - mixture.means) ** 2).sum(axis=2).max(axis=1)
    return PRECISION[dtype] * (X.shape[1] + squares)


# Every dimension, family and precision ---------------------------------------------------------


@families
@dtypes
@pytest.mark.parametrize("D", DIMENSIONS)
def test_log_prob_is_that_of_scipy(D, covariance_type, dtype):
    K = 1 + 7 * D % 40
    mixture, X = problem(D, K, covariance_type, dtype)
    density, units = factored(mixture, covariance_type, X)
    got = density.log_prob(X, units)
    expected = log_prob(X.astype(float), *mixture, covariance_type)
    assert got.dtype == np.float64
    assert (abs(got - expected) <= tolerance(X, mixture, dtype)).all()
    far = expected < -1e3
    assert_allclose(got[far], expected[far], rtol=PRECISION[dtype])


@families
@dtypes
@pytest.mark.parametrize("D", [1, 2, 3, 4, 5, 8, 17])
def test_responsibilities_are_those_of_scipy_and_sum_to_one(D, covariance_type, dtype):
    mixture, X = problem(D, 5, covariance_type, dtype)
    density, units = factored(mixture, covariance_type, X)
    resp = density.responsibilities(X, units)
    expected = responsibilities(X.astype(float), *mixture, covariance_type)
    assert resp.dtype == dtype
    assert (abs(resp - expected).max(axis=1) <= tolerance(X, mixture, dtype)).all()
    assert_allclose(resp.sum(axis=1), 1, rtol=4 * np.finfo(dtype).eps)
    labels = density.predict(X, units)
    assert labels.dtype == np.int32
    assert np.array_equal(resp[np.arange(len(X)), labels], resp.max(axis=1))


@pytest.mark.parametrize("K", [*range(1, 41), 500])
def test_any_number_of_components(K):
    mixture, X = problem(3, K, "full", np.float64)
    density, units = factored(mixture, "full", X)
    expected = log_prob(X, *mixture)
    assert_allclose(density.log_prob(X, units), expected, rtol=1e-12)
    labels = log_joint(X, *mixture).argmax(axis=1)
    assert np.array_equal(density.predict(X, units), labels)


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
def test_many_columns(covariance_type):
    mixture, X = problem(200, 3, covariance_type, np.float64)
    density, units = factored(mixture, covariance_type, X)
    expected = log_prob(X, *mixture, covariance_type)
    assert_allclose(density.log_prob(X, units), expected, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 511, 512, 513, 1500])
def test_any_number_of_rows(n):
    mixture, X = problem(3, 4, "full", np.float64, n)
    density, units = factored(mixture, "full", X)
    assert_allclose(density.log_prob(X, units), log_prob(X, *mixture), rtol=1e-12)
    labels = log_joint(X, *mixture).argmax(axis=1)
    assert np.array_equal(density.predict(X, units), labels)


def test_no_rows():
    """Oracle: the shapes."""
    mixture, X = problem(3, 4, "full", np.float64)
    density, units = factored(mixture, "full", X)
    assert density.log_prob(X[:0], units).shape == (0,)
    assert density.responsibilities(X[:0], units).shape == (0, 4)
    assert density.predict(X[:0], units).shape == (0,)


# Extremes ---------------------------------------------------------------------------------------


@families
@dtypes
def test_rows_beyond_the_range_of_squares_are_finite(covariance_type, dtype):
    """Oracle: there is no NaN, and rows near by are what they are without the far ones."""
    mixture, X = problem(3, 4, covariance_type, dtype)
    density, units = factored(mixture, covariance_type, X)
    near = X[:30].copy()
    X[30:] = np.sign(X[30:]) * (1e200 if dtype is np.float64 else 1e25)
    X[-1] = np.finfo(dtype).max / 64
    out = density.log_prob(X, units), density.responsibilities(X, units)
    assert np.isfinite(out[0]).all()
    assert np.isfinite(out[1]).all()
    assert (out[0][30:] < -1e37).all()
    assert np.array_equal(out[0][:30], density.log_prob(near, units))
    assert np.array_equal(out[1][:30], density.responsibilities(near, units))
    assert set(density.predict(X, units)) <= set(range(4))


@pytest.mark.parametrize("distance", [1e10, 1e30, 1e100, 1e149])
def test_far_rows_keep_their_density_and_component(distance):
    """Oracle: the squared distance, and the component of the largest variance."""
    mixture, X = problem(2, 3, "spherical", np.float64)
    density, units = factored(mixture, "spherical", X)
    far = np.array([[distance, 0.0], [-distance, distance]])
    widest = mixture.covariances.argmax()
    squares = np.array([1.0, 2.0]) * distance**2 / mixture.covariances[widest]
    assert_allclose(density.log_prob(far, units), -squares / 2, rtol=1e-8)
    assert np.array_equal(density.predict(far, units), [widest, widest])
    assert np.array_equal(density.responsibilities(far, units), [np.arange(3) == widest] * 2)


@families
@dtypes
def test_a_component_of_weight_zero_is_absent(covariance_type, dtype):
    """Oracle: SciPy, which takes the logarithm of 0 as it is."""
    mixture, X = problem(3, 4, covariance_type, dtype)
    mixture = mixture._replace(weights=np.array([0.5, 0.0, 0.3, 0.2]))
    density, units = factored(mixture, covariance_type, X)
    expected = log_prob(X.astype(float), *mixture, covariance_type)
    assert (abs(density.log_prob(X, units) - expected) <= tolerance(X, mixture, dtype)).all()
    assert (density.responsibilities(X, units)[:, 1] == 0).all()
    assert 1 not in density.predict(X, units)


@dtypes
def test_an_offset_costs_no_digits(dtype):
    """Oracle: SciPy on the rows as rounding left them."""
    offset = 1e8 if dtype is np.float64 else 2.0**13
    mixture, X = problem(3, 4, "full", dtype)
    X, mixture = X[:30] + dtype(offset), mixture._replace(means=mixture.means + offset)
    density, units = factored(mixture, "full", X)
    expected = log_prob(X.astype(float), *mixture)
    assert (abs(density.log_prob(X, units) - expected) <= tolerance(X, mixture, dtype)).all()


def test_ties_go_to_the_first_component():
    """Oracle: the definition of predict."""
    mixture, X = problem(2, 3, "full", np.float64)
    same = type(mixture)(*(np.repeat(array[:1], 3, axis=0) for array in mixture))
    density, units = factored(same, "full", X)
    assert not density.predict(X, units).any()


# Threads, types and slots -------------------------------------------------------------------------


def test_threads_do_not_change_a_bit():
    """Oracle: the serial loop."""
    mixture, X = problem(5, 8, "full", np.float64, n=40_000)
    density, units = factored(mixture, "full", X)
    for method in density.log_prob, density.responsibilities, density.predict:
        assert np.array_equal(method(X, units), method(X, units, parallel=False))


def test_kernels_are_compiled_once_for_writable_and_read_only_arrays():
    """Oracle: Numba's list of what it compiled."""
    mixture, X = problem(3, 4, "full", np.float64)
    density, units = factored(mixture, "full", X)
    weight = np.ones(len(X))
    density.summarise(X, weight, units)
    compiled = len(passes.summarise.slot.signatures)
    arrays = density.means, density.factors, density.log_norms, units.scale, X, weight
    for array in arrays:
        array.flags.writeable = False
    density.summarise(X, weight, units)
    other = type(density)(np.asfortranarray(density.means), *arrays[1:3])
    other.summarise(np.ascontiguousarray(X), weight, units)
    assert len(passes.summarise.slot.signatures) == compiled


@pytest.mark.parametrize("n", [0, 1, 512, 513, 100_000, 10**9])
@pytest.mark.parametrize("slot_bytes", [0, 8, 2**20, 2**30])
@pytest.mark.parametrize("row_bytes", [4, 512, 2**16])
def test_slots_are_not_too_many_while_their_rows_are_few(n, row_bytes, slot_bytes):
    tiles = slot_tiles(n, row_bytes, slot_bytes, 1e9)
    n_slots = -(-n // (tiles * TILE_ROWS))
    rows_bytes = tiles * TILE_ROWS * row_bytes
    assert 1 <= tiles <= max(1, -(-n // TILE_ROWS))
    assert tiles <= SLOT_TILES or rows_bytes <= SLOT_ROW_BYTES
    few = min(MAX_SLOTS, most_slots(slot_bytes))
    assert n_slots <= few or tiles == max(SLOT_TILES, SLOT_ROW_BYTES // (TILE_ROWS * row_bytes))
    assert most_slots(slot_bytes) in (MIN_SLOTS, SLOT_BYTES // max(slot_bytes, 1))


@pytest.mark.parametrize("n", [0, 1, 300, 1500, 2000, 5000, 8000, 20_000, 10**6])
@pytest.mark.parametrize(("K", "D"), [(1, COLUMNS), (3, 200), (2, 500), (1, 2000), (7, 1000)])
def test_slots_of_many_columns_are_alike(n, K, D):
    n_sums, slot_rows, most = plan(n, 8, K, D, 2, 2.0 * K * D * D)
    slots = -(-n // slot_rows)
    assert n_sums == 3 + K * (1 + D + D * D)
    assert slot_rows % STRIP == 0
    if slots <= most:
        rows = np.minimum(slot_rows, n - slot_rows * np.arange(slots))
        halves = [part.sum() for part in np.array_split(rows, 2)]
        assert abs(np.diff(halves)[0]) <= slots * STRIP
    # An order of the rows has lists for whole tiles.
    assert plan(n, 8, PRUNABLE_COMPONENTS, D, 2, 2.0 * K * D * D)[1] % TILE_ROWS == 0


@pytest.mark.parametrize("row_work", [1.0, 100.0, 1500.0, 1e6])
@pytest.mark.parametrize("row_bytes", [4, 64, 2**16])
def test_few_rows_are_not_cut_into_slots_of_little_work(row_work, row_bytes):
    n_tiles = 100
    tiles = slot_tiles(n_tiles * TILE_ROWS, row_bytes, 8, row_work)
    own = np.array([row_work / SLOT_WORK, row_bytes / FEW_ROW_BYTES]) * TILE_ROWS
    assert tiles == 1 or (tiles * own <= 1).all()
    assert tiles == n_tiles or ((tiles + 1) * own > 1).any()


@families
@dtypes
@pytest.mark.parametrize("K", [1, 5])
@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_of_whole_slots_do_not_change_a_bit(
    covariance_type, dtype, K, weighted, monkeypatch
):
    """Oracle: the rows in one block, whose slots' moments may all stand in memory together."""
    monkeypatch.setattr("fastem.density.partition.SLOT_WORK", 1e3)
    plan.cache_clear()
    mixture, X = problem(1, K, covariance_type, dtype, n=150_000)
    weight = np.random.default_rng(0).exponential(size=len(X)) if weighted else None
    density, units = factored(mixture, covariance_type, X)
    whole = density.summarise(X, weight, units)
    for n_slots, together in (1, 4), (3, 2), (146, 4):
        accumulator = density.accumulator(len(X), X.dtype, units)
        assert accumulator.slot_rows == 1024
        accumulator.most_slots = together
        for start in range(0, len(X), n_slots * 1024):
            some = slice(start, start + n_slots * 1024)
            accumulator.add(X[some], None if weight is None else weight[some])
        moments = accumulator.moments()
        for name, value in vars(whole).items():
            if not name.startswith("_"):
                assert np.array_equal(getattr(moments, name), value), name


# Ill-conditioned covariances; to how many digits is the work of trust/test_accuracy -------------

NEEDLE = np.array([[1.0, 1 - 1e-7], [1 - 1e-7, 1.0]])


@pytest.mark.parametrize(
    ("covariances", "covariance_type"), [([NEEDLE, np.eye(2)], "full"), (NEEDLE, "tied")]
)
def test_rows_too_far_out_to_be_squared(covariances, covariance_type):
    mixture = fastem.Mixture([0.5, 0.5], [[0.0, 0.0], [1.0, 1.0]], covariances, covariance_type)
    X = np.array([[0.0, 0.0], [1e160, 0.0], [1e308, -1e308], [1e200, 1e200]])
    assert np.array_equal(mixture.log_prob(X) < -1e299, [False, True, True, True])
    assert np.array_equal(mixture.responsibilities(X).any(axis=1), [True, False, False, False])
    assert np.array_equal(mixture.predict(X), np.zeros(4))


def test_only_ill_conditioned_components_are_worked_on_in_twice_the_precision():
    covariances = np.array([np.eye(2), NEEDLE, NEEDLE * 1e-290, np.diag([1.0, 1e-20])])
    mixture = fastem.Mixture(np.full(4, 0.25), np.zeros((4, 2)), covariances)
    assert mixture._refined[0].compensated.tolist() == [1, 2]
    tied = fastem.Mixture([0.5, 0.5], np.zeros((2, 2)), NEEDLE, "tied")
    assert tied._refined[0].compensated.tolist() == [0, 1]


def test_matrix_that_only_rounding_makes_positive_definite():
    """Its determinant is below 0, in exact arithmetic: the factor in float64 is all there is."""
    a, b, c = 4.28125, 5.9375, 5.041817318685793
    assert Fraction(a) * Fraction(b) < Fraction(c) ** 2
    mixture = fastem.Mixture([1.0], [[0.0, 0.0]], [[[a, c], [c, b]]])
    density, units = mixture._factored
    X = np.array([[0.0, 0.0], [1.0, 1.0], [5.0, 6.0]])
    assert_allclose(mixture.log_prob(X), density.log_prob(X, units), rtol=1e-7)


@families
@dtypes
def test_labels_of_a_pass_are_those_of_predict(covariance_type, dtype, monkeypatch):
    """However few slots may stand in memory; a row that is not a number goes to the first."""
    mixture, X = problem(3, 5, covariance_type, dtype, n=3000)
    X[7] = np.nan
    density, units = factored(mixture, covariance_type, X)
    expected = density.predict(X, units)
    assert len(np.unique(expected)) == 5
    assert expected[7] == 0
    monkeypatch.setattr(
        "fastem.density.accumulator.partition.plan",
        lambda *sizes: (*plan(*sizes)[:1], TILE_ROWS, 2),
    )
    assert np.array_equal(density.classify(X, units), expected)
    noisy = replace(density, log_noise=float(density.log_norms.max()) - 3.0)
    expected = noisy.predict(X, units)
    assert (expected == -1).any()
    assert np.array_equal(noisy.classify(X, units), expected)
