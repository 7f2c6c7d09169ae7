"""Passes over rows that lack columns, against SciPy's marginal densities row by row."""

import numba
import numpy as np
import pytest
from missing import holes, log_joint, moments
from numpy.testing import assert_allclose
from oracle import COVARIANCE_TYPES, expand_covariances, random_mixture, sample

from fastem import covariance
from fastem.covariance import Parameters, WithNoise
from fastem.density.incomplete import Groups, describe
from fastem.kernels.incomplete import TILE_FROM
from fastem.kernels.lanes import FEW
from fastem.noise import Noise
from fastem.units import Units

families = pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)


def problem(n, K, D, covariance_type="full", share=0.3):
    """Rows with holes of one mixture, another one to look at them with, and matrices of that."""
    rng = np.random.default_rng([n, K, D])
    X, _ = sample(rng, n, *random_mixture(rng, K, D, covariance_type), covariance_type)
    mixture = random_mixture(rng, K, D, covariance_type)
    matrices = expand_covariances(mixture.covariances, covariance_type, K, D)
    return holes(rng, X, share), mixture, matrices


def factored(mixture, covariance_type):
    """The density in the units of the data, and those units."""
    units = Units(np.zeros(mixture.means.shape[1]), np.ones(mixture.means.shape[1]))
    return covariance.family_by_name(covariance_type).factor(Parameters(*mixture)), units


def check(X, mixture, matrices, covariance_type, sample_weight=None, tolerance=1e-11):
    density, units = factored(mixture, covariance_type)
    got = Groups.of(X, sample_weight).summarise(density, units)
    rows = X.astype(float)
    expected = moments(rows, mixture.weights, mixture.means, matrices, sample_weight)
    log_likelihood, counts, first, second = expected
    if got.second.ndim == 2:
        second = np.diagonal(second, axis1=1, axis2=2)
    scale = tolerance * max(got.n_rows, 1.0)
    assert_allclose(got.log_likelihood, log_likelihood, rtol=tolerance)
    assert_allclose(got.counts, counts, rtol=tolerance, atol=scale)
    assert_allclose(got.first, first, rtol=tolerance, atol=scale * 10)
    assert_allclose(got.second, second, rtol=tolerance, atol=scale * 100)


@families
@pytest.mark.parametrize("weighted", [False, True])
def test_moments_are_those_of_the_textbook(covariance_type, weighted):
    """In tiles and in few rows, of which both are met here."""
    X, mixture, matrices = problem(1200, 3, 3, covariance_type)
    weight = np.random.default_rng(0).random(len(X)) if weighted else None
    sizes = np.unique(np.isnan(X), axis=0, return_counts=True)[1]
    assert sizes.min() < TILE_FROM < sizes.max()
    check(X, mixture, matrices, covariance_type, weight)


@families
def test_every_row_may_lack_other_columns(covariance_type):
    X, mixture, matrices = problem(100, 2, 20, covariance_type, share=0.5)
    assert len(np.unique(np.isnan(X), axis=0)) == len(X)
    check(X, mixture, matrices, covariance_type)


@families
@pytest.mark.parametrize(("n", "K", "D"), [(1, 1, 1), (40, 1, 1), (700, 2, 2), (FEW + 1, 20, 7)])
def test_sizes(covariance_type, n, K, D):
    """One column too, of which a row has one number or none."""
    check(*problem(n, K, D, covariance_type), covariance_type)


@pytest.mark.parametrize(
    "covariance_type",
    [
        "full",
        "diag",
        pytest.param("tied", marks=pytest.mark.slow),
        pytest.param("spherical", marks=pytest.mark.slow),
    ],
)
def test_float32(covariance_type):
    X, mixture, matrices = problem(900, 3, 4, covariance_type)
    check(X.astype(np.float32), mixture, matrices, covariance_type, tolerance=2e-5)


def test_ill_conditioned_components():
    """Columns that nearly tell each other: SciPy and the kernel lose the same digits."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(300, 1)) + 1e-3 * rng.normal(size=(300, 3))
    covariances = (np.ones((3, 3)) + 1e-6 * np.eye(3))[None]
    mixture = Parameters(np.ones(1), np.zeros((1, 3)), covariances)
    check(holes(rng, base, 0.3), mixture, covariances, "full", tolerance=1e-8)


def test_the_same_bits_for_any_number_of_threads():
    X, mixture, _ = problem(30_000, 4, 5)
    density, units = factored(mixture, "full")
    groups, before, found = Groups.of(X, None), numba.get_num_threads(), set()
    try:
        for n in 1, 2:
            numba.set_num_threads(min(n, numba.config.NUMBA_NUM_THREADS))
            got = groups.summarise(density, units)
            found.add((got.log_likelihood, got.first.tobytes(), got.second.tobytes()))
    finally:
        numba.set_num_threads(before)
    assert len(found) == 1


@families
def test_noise_has_the_marginal_of_its_box(covariance_type):
    X, mixture, matrices = problem(900, 2, 3, covariance_type)
    noise = Noise(0.2, [-9.0, -8.0, -7.0], [9.0, 8.0, 7.0])
    family = WithNoise(covariance.family_by_name(covariance_type), noise)
    weights = 0.8 * mixture.weights
    density = family.factor(Parameters(weights, mixture.means, mixture.covariances))
    units, widths = factored(mixture, covariance_type)[1], noise.high - noise.low
    got = Groups.of(X, None).summarise(density, units, widths)
    joint = log_joint(X, weights, mixture.means, matrices)
    of_noise = np.log(0.2) - ~np.isnan(X) @ np.log(widths)
    joint = np.column_stack([joint, of_noise])
    total = np.logaddexp.reduce(joint, axis=1)
    assert got.log_likelihood == pytest.approx(total.sum(), rel=1e-12)
    assert got.noise == pytest.approx(np.exp(of_noise - total).sum(), rel=1e-10)


@families
def test_rows_are_described_one_by_one(covariance_type):
    X, mixture, matrices = problem(700, 3, 4, covariance_type)
    density, units = factored(mixture, covariance_type)
    got = describe(density, X, units, fill=True)
    joint = log_joint(X, mixture.weights, mixture.means, matrices)
    assert_allclose(got.log_densities, joint, rtol=1e-11, atol=1e-11)
    assert_allclose(got.filled[0][~np.isnan(X)], X[~np.isnan(X)])
