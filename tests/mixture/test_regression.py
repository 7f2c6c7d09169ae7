"""Marginals, conditionals and regressions of mixtures against SciPy and numerical integration."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import trapezoid
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

import fastem
from fastem import covariance
from fastem.covariance import FAMILIES, Bounds
from fastem.moments import Moments

K, D = 3, 4
NAMES = sorted(FAMILIES.keys() - {"E", "V"})
every = pytest.mark.parametrize("name", NAMES)
#: Where columns are integrated over: the trapezoidal rule is exact to rounding for such densities.
GRID = np.linspace(-40.0, 40.0, 8001)


def mixture_of(name, n_features=D, scale=1.0, offset=0.0):
    """A mixture of any family: an M step from random scatters."""
    family = covariance.family_by_name(name)
    rng = np.random.default_rng(n_features)
    counts = np.array([20.0, 50.0, 30.0])
    roots = np.eye(n_features) + 0.5 * rng.normal(size=(K, n_features, n_features))
    second = counts[:, None, None] * roots @ roots.swapaxes(1, 2)
    if family.diagonal:
        second = np.einsum("kdd->kd", second).copy()
    about = rng.normal(size=(K, n_features))
    moments = Moments(about, 100.0, 0.0, 0.0, counts, np.zeros_like(about), second)
    found = family.maximise(moments, Bounds(np.zeros(n_features), 0.0))
    covariances = family.rescale(found.covariances, np.full(n_features, scale))
    return fastem.Mixture(found.weights, found.means * scale + offset, covariances, name)


def log_prob(mixture, X, columns):
    """SciPy's log density of some columns."""
    joint = [
        np.log(weight)
        + multivariate_normal.logpdf(X, mean[columns], covariance[np.ix_(columns, columns)])
        for weight, mean, covariance in zip(
            mixture.weights, mixture.means, mixture.full_covariances, strict=True
        )
    ]
    return logsumexp(joint, axis=0)


@every
@pytest.mark.parametrize("columns", [[0], [2, 0], [3, 1, 2], [0, 1, 2, 3]])
def test_a_marginal_has_the_density_of_its_columns(name, columns):
    """Oracle: SciPy's multivariate_normal."""
    mixture = mixture_of(name)
    X = np.random.default_rng(0).normal(size=(20, len(columns)))
    marginal = mixture.marginal(columns)
    assert marginal.covariance_type == ("diag" if mixture.family.diagonal else "full")
    assert_allclose(marginal.log_prob(X), log_prob(mixture, X, columns), rtol=1e-12)


@every
@pytest.mark.parametrize("columns", [[0], [2, 0], [3, 1, 2]])
def test_a_conditional_is_the_joint_density_over_the_marginal(name, columns):
    """Oracle: SciPy, by the definition."""
    mixture = mixture_of(name)
    X = np.random.default_rng(1).normal(size=(20, D))
    rest = [d for d in range(D) if d not in columns]
    joint, given = log_prob(mixture, X, list(range(D))), log_prob(mixture, X[:, columns], columns)
    got = [mixture.condition(columns, x[columns]).log_prob(x[rest][None])[0] for x in X]
    assert_allclose(got, joint - given, rtol=1e-10, atol=1e-10)


@every
def test_a_marginal_is_the_integral_over_the_other_column(name):
    """Oracle: numerical integration of the joint density."""
    mixture = mixture_of(name, 2)
    for x in -1.0, 0.3, 2.0:
        density = np.exp(mixture.log_prob(np.column_stack([np.full(GRID.size, x), GRID])))
        integral = trapezoid(density, GRID)
        assert np.exp(mixture.marginal(0).log_prob([[x]])[0]) == pytest.approx(integral, rel=1e-7)


@every
def test_a_predicted_mean_is_the_integral_of_the_conditional(name):
    """Oracle: numerical integration of y times the joint density, over that of the density."""
    mixture = mixture_of(name, 2)
    rows = np.array([[-1.0], [0.3], [2.0]])
    expected = []
    for (x,) in rows:
        density = np.exp(mixture.log_prob(np.column_stack([np.full(GRID.size, x), GRID])))
        expected.append([trapezoid(GRID * density, GRID) / trapezoid(density, GRID)])
    assert_allclose(mixture.predict_mean(0, rows), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["full", "VEV", "diag"])
def test_predicted_means_are_those_of_the_conditionals(name):
    mixture = mixture_of(name)
    X = np.random.default_rng(2).normal(size=(10, 2))
    conditionals = [mixture.condition([3, 1], x) for x in X]
    expected = [c.weights @ c.means for c in conditionals]
    assert_allclose(mixture.predict_mean([3, 1], X), expected, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-120, 1e120])
def test_units_do_not_matter(scale):
    """Oracle: the same in units of 1."""
    plain, scaled = mixture_of("full"), mixture_of("full", scale=scale)
    a, b = plain.condition([1], [0.5]), scaled.condition([1], [0.5 * scale])
    assert_allclose(b.weights, a.weights, rtol=1e-10)
    assert_allclose(b.means / scale, a.means, rtol=1e-10)
    assert_allclose(b.covariances / scale / scale, a.covariances, rtol=1e-10)


def test_a_value_far_from_every_component_still_conditions():
    """Oracle: the widest component takes all the weight."""
    mixture = fastem.Mixture([0.5, 0.5], [[0.0, 0.0], [1.0, 1.0]], [[1.0, 1.0], [4.0, 4.0]], "diag")
    assert_allclose(mixture.condition(0, 1e6).weights, [0, 1])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([], "no column of the mixture is chosen; give at least one"),
        ([0, 4], "the mixture has no column 4; .* positions from 0 to 3"),
        ([1, 1], "asks for column 1 of the mixture twice"),
        (-1, "the mixture has no column -1"),
    ],
)
def test_columns_that_are_not_there_are_named(columns, message):
    mixture = mixture_of("full")
    for call in (
        lambda: mixture.marginal(columns),
        lambda: mixture.condition(columns, [0.0]),
        lambda: mixture.predict_mean(columns, [[0.0]]),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_something_must_be_left_to_describe():
    mixture = mixture_of("full")
    with pytest.raises(ValueError, match="columns are all 4 there are"):
        mixture.condition(range(4), np.zeros(4))
    with pytest.raises(ValueError, match=r"values has shape \(2,\); it must be \(1,\)"):
        mixture.condition(0, [0.0, 1.0])
    with pytest.raises(ValueError, match="values holds NaN or infinity"):
        mixture.condition(0, np.nan)
