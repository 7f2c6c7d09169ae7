"""Moments: a monoid under +, and the means and covariances that follow from them."""

from itertools import pairwise

import numpy as np
import pytest
from factored import factored
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from oracle import m_step, random_mixture, responsibilities, sample
from oracle import moments as oracle_moments

from fastem.mixture import Mixture
from fastem.moments import Moments

FIELDS = "n_rows", "log_likelihood", "classification_entropy", "counts", "first", "second"


def of_rows(X, mixture, covariance_type="full", sample_weight=None):
    """Moments as the oracle takes them."""
    diagonal = covariance_type in ("diag", "spherical")
    taken = oracle_moments(X, *mixture, covariance_type, diagonal, sample_weight)
    n_rows, log_likelihood, *sums = taken
    return Moments(mixture.means, n_rows, log_likelihood, 0.0, *sums)


def problem(n=400, K=3, D=4, covariance_type="full", seed=0):
    rng = np.random.default_rng(seed)
    X, _ = sample(rng, n, *random_mixture(rng, K, D, covariance_type), covariance_type)
    return X, random_mixture(rng, K, D, covariance_type)


def assert_same(a, b, rtol):
    assert np.array_equal(a.about, b.about)
    for name in FIELDS:
        x, y = getattr(a, name), getattr(b, name)
        assert_allclose(x, y, rtol=rtol, atol=rtol * np.abs(y).max(), err_msg=name)


# Sums -------------------------------------------------------------------------------------------

X, MIXTURE = problem(n=1500, D=3)
WEIGHT = np.random.default_rng(1).exponential(size=len(X))


@settings(deadline=None, max_examples=30)
@given(
    cuts=st.lists(st.integers(0, len(X)), max_size=8),
    order=st.randoms(use_true_random=False),
    covariance_type=st.sampled_from(["full", "diag"]),
    weighted=st.booleans(),
)
def test_chunks_in_any_order_add_up_to_the_whole(cuts, order, covariance_type, weighted):
    """Oracle: one pass over all rows."""
    mixture = MIXTURE
    if covariance_type == "diag":
        mixture = mixture._replace(
            covariances=np.diagonal(mixture.covariances, axis1=1, axis2=2).copy()
        )
    density, units = factored(mixture, covariance_type, X)
    weight = WEIGHT if weighted else None
    edges = [0, *sorted(cuts), len(X)]
    chunks = [slice(*pair) for pair in pairwise(edges)]
    order.shuffle(chunks)
    parts = [
        density.summarise(X[rows], None if weight is None else weight[rows], units)
        for rows in chunks
    ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    assert_same(total, density.summarise(X, weight, units), rtol=1e-13)


def test_addition_is_field_by_field():
    """Oracle: NumPy."""
    a, b = of_rows(X[:700], MIXTURE), of_rows(X[700:], MIXTURE)
    total = a + b
    for name in FIELDS:
        assert np.array_equal(getattr(total, name), getattr(a, name) + getattr(b, name))
    assert_same(total, b + a, rtol=0)


def test_moments_about_different_means_do_not_add():
    moved = MIXTURE._replace(means=np.nextafter(MIXTURE.means, np.inf))
    with pytest.raises(ValueError, match="different means"):
        of_rows(X, MIXTURE) + of_rows(X, moved)


# What follows from them -------------------------------------------------------------------------


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_scatter_is_the_m_step_of_the_oracle(covariance_type, offset):
    rows, mixture = problem(covariance_type=covariance_type)
    rows, mixture = rows + offset, mixture._replace(means=mixture.means + offset)
    moments = of_rows(rows, mixture, covariance_type)
    counts, means, covariances = moments.scatter()
    expected = m_step(rows, responsibilities(rows, *mixture, covariance_type), covariance_type)
    assert np.array_equal(counts, moments.counts)
    assert_allclose(moments.weights, expected.weights, rtol=1e-12)
    assert_allclose(means, expected.means, rtol=1e-12, atol=1e-12)
    assert_allclose(covariances, expected.covariances, rtol=1e-12, atol=2e-10 if offset else 1e-12)


def without(moments, k, count=0.0):
    """The same moments with next to nothing left of component k."""
    counts, first, second = moments.counts.copy(), moments.first.copy(), moments.second.copy()
    counts[k], first[k], second[k] = count, count, count
    return Moments(moments.about, moments.n_rows, 0.0, 0.0, counts, first, second)


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize("count", [0.0, 1e-300, 1e-12])
def test_a_dead_component_keeps_its_mean_and_takes_the_pooled_covariance(covariance_type, count):
    """Oracle: the average of the others' covariances, by their weights."""
    rows, mixture = problem(covariance_type=covariance_type)
    moments = without(of_rows(rows, mixture, covariance_type), 1, count)
    counts, means, covariances = moments.scatter()
    assert counts[1] == 0
    assert np.array_equal(means[1], mixture.means[1])
    pooled = np.average(covariances[[0, 2]], axis=0, weights=counts[[0, 2]])
    assert_allclose(covariances[1], pooled, rtol=1e-12, atol=1e-13)
    assert moments.weights[1] == pytest.approx(count / counts.sum())


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
def test_no_rows_at_all_leave_everything_finite(covariance_type):
    """Oracle: nothing moves, no component is preferred."""
    rows, mixture = problem(covariance_type=covariance_type)
    moments = of_rows(rows, mixture, covariance_type, np.zeros(len(rows)))
    counts, means, covariances = moments.scatter()
    assert not counts.any()
    assert np.array_equal(means, mixture.means)
    assert not covariances.any()
    assert np.array_equal(moments.weights, np.full(3, 1 / 3))


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("distance", [0.0, 1e2, 1e4, 1e8])
def test_variances_are_never_negative(covariance_type, dtype, distance):
    """Oracle: Cauchy and Schwarz; means far off cancel nearly everything."""
    rows, mixture = problem(K=1, covariance_type=covariance_type)
    mixture = mixture._replace(means=mixture.means + distance)
    density, units = factored(mixture, covariance_type, rows.astype(dtype))
    _, _, covariances = density.summarise(rows.astype(dtype), None, units).scatter()
    variances = covariances if covariance_type == "diag" else np.einsum("kdd->kd", covariances)
    assert (variances >= 0).all()
    if distance * np.finfo(dtype).eps ** 0.5 < 0.1:
        expected = rows.var(axis=0) * units.scale**2
        assert_allclose(variances[0], expected, rtol=0.05)


def test_scaled_moments_are_those_of_scaled_weights():
    """Oracle: the pass over the rows with those weights."""
    X = np.random.default_rng(0).normal(size=(300, 2))
    mixture = Mixture([0.5, 0.5], [[0.0, 0.0], [1.0, 1.0]], np.ones((2, 2)), "diag")
    weight = np.arange(300.0)
    scaled, expected = mixture.summarise(X, weight).scaled(4.0), mixture.summarise(X, 4 * weight)
    assert np.array_equal(scaled.second, expected.second)
    assert np.array_equal(scaled.counts, expected.counts)
    assert scaled.log_likelihood == expected.log_likelihood
    assert scaled.classification_entropy == expected.classification_entropy
    assert scaled.n_rows == expected.n_rows
