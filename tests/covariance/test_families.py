"""Covariance families: parameters, densities and M steps against the oracle and the definition."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracle import (
    COVARIANCE_TYPES,
    expand_covariances,
    log_prob,
    m_step,
    n_parameters,
    random_mixture,
    responsibilities,
    sample,
)
from oracle import moments as oracle_moments

from fastem.covariance import FAMILIES, Bounds, Parameters, family_by_name
from fastem.moments import Moments
from fastem.units import Units

K, D = 3, 4
FREE = Bounds(np.zeros(D), 0.0)

families = pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)


def problem(covariance_type, n=300, seed=0):
    rng = np.random.default_rng(seed)
    X, _ = sample(rng, n, *random_mixture(rng, K, D, covariance_type), covariance_type)
    return X, random_mixture(rng, K, D, covariance_type)


def moments_of(X, mixture, covariance_type):
    """Moments as the oracle takes them."""
    diagonal = FAMILIES[covariance_type].diagonal
    taken = oracle_moments(X, *mixture, covariance_type, diagonal)
    n_rows, log_likelihood, counts, first, second = taken
    if not diagonal:
        second = (second + second.swapaxes(1, 2)) / 2  # the oracle's is symmetric to rounding
    return Moments(mixture.means, n_rows, log_likelihood, 0.0, counts, first, second)


def expected_log_likelihood(moments, covariance_type, weights, means, covariances):
    """What an M step maximises, but for a constant (Bishop 2006, equation 9.40)."""
    expanded = expand_covariances(covariances, covariance_type, *means.shape)
    delta = means - moments.about
    cross = moments.first[:, :, np.newaxis] * delta[:, np.newaxis]
    second = moments.second
    if second.ndim == 2:
        second = second[:, :, np.newaxis] * np.eye(means.shape[1])
    moved = delta[:, :, np.newaxis] * delta[:, np.newaxis]
    scatter = second - cross - cross.swapaxes(1, 2)
    scatter += moments.counts[:, np.newaxis, np.newaxis] * moved
    squares = np.einsum("kde,ked->", np.linalg.inv(expanded), scatter)
    log_dets = np.linalg.slogdet(expanded)[1]
    return moments.counts @ (np.log(weights) - log_dets / 2) - squares / 2


# What a family is -------------------------------------------------------------------------------


def test_families_are_found_by_name():
    assert tuple(FAMILIES)[:4] == COVARIANCE_TYPES
    assert all(family_by_name(name).name == name for name in FAMILIES)
    for wrong in "fulll", None, ["full"]:
        with pytest.raises(ValueError, match="'full', 'tied', 'diag', 'spherical'"):
            family_by_name(wrong)


@families
def test_shape_expansion_and_number_of_parameters_are_those_of_the_oracle(covariance_type):
    kind = family_by_name(covariance_type)
    _, mixture = problem(covariance_type)
    assert kind.shape(K, D) == mixture.covariances.shape
    expanded = expand_covariances(mixture.covariances, covariance_type, K, D)
    assert np.array_equal(kind.expand(mixture.covariances, K, D), expanded)
    for k in range(1, 6):
        for d in range(1, 6):
            assert kind.n_parameters(k, d) == n_parameters(covariance_type, k, d)


@pytest.mark.parametrize(
    ("covariance_type", "n_components", "n_features", "published"),
    [("full", 2, 4, 29), ("full", 3, 3, 29), ("tied", 3, 2, 11)],
)
def test_numbers_of_parameters_are_those_mclust_publishes(
    covariance_type, n_components, n_features, published
):
    """Oracle: df of mclust's choices for iris (VVV, 2), diabetes (VVV, 3) and faithful (EEE, 3)."""
    assert family_by_name(covariance_type).n_parameters(n_components, n_features) == published


@families
def test_rescaling_covariances_is_rescaling_the_data(covariance_type):
    """Oracle: the oracle's M step on scaled rows, to the bit for powers of two."""
    kind = family_by_name(covariance_type)
    X, mixture = problem(covariance_type)
    scale = 2.0 ** np.array([-30, 3, 0, 41]) if kind.per_column else np.full(D, 2.0**-30)
    resp = responsibilities(X, *mixture, covariance_type)
    expected = m_step(X * scale, resp, covariance_type).covariances
    covariances = m_step(X, resp, covariance_type).covariances
    assert_allclose(kind.rescale(covariances, scale), expected, rtol=1e-12)
    back = kind.rescale(kind.rescale(covariances, scale), 1 / scale)
    assert np.array_equal(back, covariances)


# Densities --------------------------------------------------------------------------------------


@families
@pytest.mark.parametrize("scale", [1.0, 1e-140, 1e140])
def test_the_factored_density_is_that_of_scipy(covariance_type, scale):
    kind = family_by_name(covariance_type)
    X, mixture = problem(covariance_type, n=50)
    covariances = kind.rescale(mixture.covariances, np.full(D, scale))
    density = kind.factor(Parameters(mixture.weights, mixture.means * scale, covariances))
    got = density.log_prob(X * scale, Units(np.zeros(D), np.ones(D))) + D * np.log(scale)
    assert_allclose(got, log_prob(X, *mixture, covariance_type), rtol=1e-12)


def not_positive(covariance_type, bad):
    """Covariances of which the last, or the only, has a bad last variance."""
    _, mixture = problem(covariance_type)
    covariances = mixture.covariances.copy()
    covariances[{"full": (-1, -1, -1)}.get(covariance_type, (-1,) * covariances.ndim)] = bad
    return mixture._replace(covariances=covariances)


@families
@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_a_covariance_that_is_not_positive_definite_is_named(covariance_type, bad):
    """Oracle: the variance put there."""
    mixture = not_positive(covariance_type, bad)
    at = 0 if covariance_type == "tied" else K - 1
    with pytest.raises(np.linalg.LinAlgError, match=f"covariance {at} is not positive definite"):
        family_by_name(covariance_type).factor(Parameters(*mixture))


def test_an_indefinite_matrix_of_positive_variances_is_named():
    """Oracle: a correlation of 2."""
    covariances = np.array([np.eye(D)] * K)
    covariances[1, 0, 1] = covariances[1, 1, 0] = 2.0
    parameters = Parameters(np.full(K, 1 / K), np.zeros((K, D)), covariances)
    with pytest.raises(np.linalg.LinAlgError, match="covariance 1"):
        family_by_name("full").factor(parameters)


@families
def test_factoring_takes_arrays_of_any_layout(covariance_type):
    """Oracle: C order."""
    kind = family_by_name(covariance_type)
    X, mixture = problem(covariance_type, n=50)
    units = Units(np.zeros(D), np.ones(D))
    expected = kind.factor(Parameters(*mixture)).log_prob(X, units)
    other = [np.asfortranarray(array) for array in mixture]
    for array in other:
        array.flags.writeable = False
    assert np.array_equal(kind.factor(Parameters(*other)).log_prob(X, units), expected)


# M steps ----------------------------------------------------------------------------------------


@families
@pytest.mark.parametrize("reg", [0.0, 0.1])
def test_maximise_is_the_m_step_of_the_oracle(covariance_type, reg):
    X, mixture = problem(covariance_type)
    resp = responsibilities(X, *mixture, covariance_type)
    expected = m_step(X, resp, covariance_type, reg=reg)
    bounds = Bounds(np.full(D, reg), 0.0)
    got = family_by_name(covariance_type).maximise(moments_of(X, mixture, covariance_type), bounds)
    for a, b in zip(got, expected, strict=True):
        assert a.shape == b.shape
        assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@families
def test_a_ridge_of_its_own_for_each_column(covariance_type):
    """Oracle: the definition."""
    kind = family_by_name(covariance_type)
    X, mixture = problem(covariance_type)
    moments = moments_of(X, mixture, covariance_type)
    ridge = np.array([0.1, 0.0, 2.0, 0.5])
    plain = kind.expand(kind.maximise(moments, FREE).covariances, K, D)
    ridged = kind.expand(kind.maximise(moments, Bounds(ridge, 0.0)).covariances, K, D)
    added = np.diag(ridge) if kind.per_column else ridge.mean() * np.eye(D)
    assert_allclose(ridged, plain + added, rtol=1e-12, atol=1e-14)


def perturbed(rng, kind, parameters, floor, size):
    """Feasible parameters near the given ones."""
    weights = parameters.weights * np.exp(size * rng.normal(size=K))
    means = parameters.means + size * rng.normal(size=(K, D))
    covariances = parameters.covariances
    if kind.diagonal:
        step = np.exp(size * rng.normal(size=covariances.shape))
        return weights / weights.sum(), means, np.maximum(covariances * step, floor)
    step = size * rng.normal(size=covariances.shape)
    values, vectors = np.linalg.eigh(covariances + step + step.swapaxes(-1, -2))
    values = np.maximum(values, floor)[..., np.newaxis, :]
    return weights / weights.sum(), means, (vectors * values) @ vectors.swapaxes(-1, -2)


@families
@pytest.mark.parametrize("floor", [1e-10, 0.5, 1.2])
@pytest.mark.parametrize("size", [1e-4, 1e-2, 0.3])
def test_maximise_is_the_constrained_maximum(covariance_type, floor, size):
    """Oracle: the expected complete-data log-likelihood at feasible points near by."""
    kind = family_by_name(covariance_type)
    X, mixture = problem(covariance_type)
    moments = moments_of(X, mixture, covariance_type)
    best = kind.maximise(moments, Bounds(np.zeros(D), floor))
    expanded = kind.expand(best.covariances, K, D)
    assert (np.linalg.eigvalsh(expanded) >= floor * (1 - 1e-12)).all()
    assert np.array_equal(expanded, expanded.swapaxes(1, 2))
    most = expected_log_likelihood(moments, covariance_type, *best)
    rng = np.random.default_rng(0)
    for _ in range(100):
        other = perturbed(rng, kind, best, floor, size)
        value = expected_log_likelihood(moments, covariance_type, *other)
        assert value <= most + 1e-10 * abs(most)


@pytest.mark.parametrize("covariance_type", ["full", "tied"])
def test_the_floor_leaves_other_matrices_and_eigenvalues_alone(covariance_type):
    """Oracle: eigh, and the M step without a floor."""
    kind = family_by_name(covariance_type)
    X, mixture = problem(covariance_type)
    moments = moments_of(X, mixture, covariance_type)
    plain = kind.maximise(moments, FREE).covariances.reshape(-1, D, D)
    lowest = np.linalg.eigvalsh(plain)[:, 0]
    floor = np.sort(lowest)[0] * (1 + 1e-3)
    raised = kind.maximise(moments, Bounds(np.zeros(D), floor)).covariances.reshape(-1, D, D)
    for before, after, low in zip(plain, raised, lowest, strict=True):
        if low > floor:
            assert np.array_equal(before, after)
        else:
            expected = np.maximum(np.linalg.eigvalsh(before), floor)
            assert_allclose(np.linalg.eigvalsh(after), expected, rtol=1e-12)


# Degenerate data --------------------------------------------------------------------------------

BOUNDS = {
    "no bounds but rounding": FREE,
    "the least floor": Bounds(np.zeros(D), 1e-14),
    "the default floor": Bounds(np.zeros(D), 1e-10),
    "a ridge": Bounds(np.full(D, 1e-6), 1e-14),
}
DEGENERATE = {
    "fewer rows than columns": np.random.default_rng(0).normal(size=(3, D)),
    "a constant column": np.random.default_rng(0).normal(size=(50, D)) * [1, 1, 0, 1],
    "a repeated column": np.random.default_rng(0).normal(size=(50, D))[:, [0, 1, 1, 2]],
    "nearly a plane": np.random.default_rng(0).normal(size=(50, D)) * [1, 1, 1e-9, 1],
    "one row far off": np.random.default_rng(0).normal(size=(50, D))
    * np.append(1e30, [1] * 49)[:, np.newaxis],
    "one row": np.ones((1, D)),
}


@pytest.mark.parametrize("bounds", BOUNDS.values(), ids=BOUNDS)
@pytest.mark.parametrize("X", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_rows_give_a_density_that_can_be_factored(X, bounds):
    """Oracle: it is, with finite parameters; without bounds a variance may still be zero."""
    means = np.array([np.zeros(D), np.ones(D), np.full(D, 3.0)])
    resp = np.eye(K)[np.arange(len(X)) % 2]
    centred = X[:, np.newaxis] - means
    matrices = np.einsum("ik,ikd,ike->kde", resp, centred, centred)
    first = np.einsum("ik,ikd->kd", resp, centred)
    for name in sorted(FAMILIES.keys() - {"E", "V"}):
        kind = family_by_name(name)
        second = np.einsum("kdd->kd", matrices) if kind.diagonal else matrices
        moments = Moments(means, float(len(X)), 0.0, 0.0, resp.sum(axis=0), first, second)
        parameters = kind.maximise(moments, bounds)
        assert all(np.isfinite(array).all() for array in parameters), name
        assert parameters.weights[2] == 0, name
        if bounds is not FREE:
            assert np.isfinite(kind.factor(parameters).factors).all(), name


@pytest.mark.parametrize("n_features", [1, 2, 3, 5, 8, 30])
def test_whatever_is_bounded_can_be_factored(n_features):
    """Oracle: none fails, of many matrices of low rank and any scale."""
    rng = np.random.default_rng(n_features)
    kind = family_by_name("full")
    for _ in range(100):
        rank = rng.integers(1, n_features + 2)
        sizes = 10.0 ** rng.uniform(-8, 8, rank), 10.0 ** rng.uniform(-3, 3, (n_features, 1))
        roots = rng.normal(size=(n_features, rank)) * sizes[0] * sizes[1]
        second = (roots @ roots.T)[np.newaxis]
        second = (second + second.swapaxes(1, 2)) / 2
        zeros = np.zeros((1, n_features))
        moments = Moments(zeros, 1.0, 0.0, 0.0, np.ones(1), zeros, second)
        bounds = Bounds(np.full(n_features, rng.choice([0, 1e-6])), rng.choice([0, 1e-10, 1e-3]))
        density = kind.factor(kind.maximise(moments, bounds))
        assert np.isfinite(density.factors).all()


@families
def test_a_dead_component_is_pooled_and_weighs_nothing(covariance_type):
    """Oracle: the covariances of the others, averaged by their weights."""
    kind = family_by_name(covariance_type)
    X, mixture = problem(covariance_type)
    mixture = mixture._replace(weights=np.array([0.5, 0.0, 0.5]))
    got = kind.maximise(moments_of(X, mixture, covariance_type), FREE)
    assert got.weights[1] == 0
    assert np.array_equal(got.means[1], mixture.means[1])
    expanded = kind.expand(got.covariances, K, D)
    pooled = np.average(expanded[[0, 2]], axis=0, weights=got.weights[[0, 2]])
    assert_allclose(expanded[1], pooled, rtol=1e-12, atol=1e-13)
    units = Units(np.zeros(D), np.ones(D))
    expected = log_prob(X, *got, covariance_type)
    assert_allclose(kind.factor(got).log_prob(X, units), expected, rtol=1e-12)
