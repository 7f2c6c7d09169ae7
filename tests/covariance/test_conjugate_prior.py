"""ConjugatePrior, against the published M step with other hyperparameters than the defaults."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastem
from fastem import ConjugatePrior
from fastem.covariance import Bounds, WithPrior, family_by_name
from fastem.moments import Moments
from fastem.units import Units

N, K, D = 90, 3, 2
KAPPA, DF, MEAN = 3.0, 9.5, np.array([1.0, -2.0])
SCALE = np.array([[2.0, 0.5], [0.5, 1.5]])
FREE = Bounds(np.zeros(D), 0.0)


def rows():
    rng = np.random.default_rng(0)
    labels = np.arange(N) % K
    return rng.normal(size=(N, D)) * [1.0, 2.0] + 4.0 * labels[:, None], labels


def moments_of(X, labels, diagonal):
    counts = np.bincount(labels).astype(float)
    means = np.array([X[labels == k].mean(axis=0) for k in range(K)])
    second = np.array([np.cov(X[labels == k].T, bias=True) * counts[k] for k in range(K)])
    if diagonal:
        second = np.diagonal(second, axis1=1, axis2=2).copy()
    return Moments(means, float(N), 0.0, 0.0, counts, np.zeros((K, D)), second)


def published(name, X, labels, scale):
    """Table 2 of Fraley and Raftery (Technical Report 486, 2009)."""
    counts = np.bincount(labels)
    means = np.array([X[labels == k].mean(axis=0) for k in range(K)])
    scatter = np.empty((K, D, D))
    for k in range(K):
        z, delta = X[labels == k] - means[k], means[k] - MEAN
        pull = KAPPA * counts[k] / (KAPPA + counts[k])
        scatter[k] = z.T @ z + pull * np.outer(delta, delta)
    shrunk = (counts[:, None] * means + KAPPA * MEAN) / (counts + KAPPA)[:, None]
    traces, squares = np.trace(scatter, axis1=1, axis2=2), np.diagonal(scatter, axis1=1, axis2=2)
    each = counts[:, None]
    match name:
        case "EII":
            found = (scale + traces.sum()) / (DF + (N + K) * D + 2) * np.ones((K, D))
        case "VII":
            found = (scale + traces) / (DF + (counts + 1) * D + 2)
        case "EEI":
            found = (scale + squares.sum(axis=0)) / (DF + N + K + 2) * np.ones((K, 1))
        case "VVI":
            found = (scale + squares) / (DF + each + 3)
        case "EEE":
            found = (scale + scatter.sum(axis=0)) / (DF + D + N + K + 1)
        case "VVV":
            found = (scale + scatter) / (DF + D + each[:, None] + 2)
    return shrunk, found


@pytest.mark.parametrize("units", [Units(np.zeros(D), np.ones(D)), Units(np.ones(D), np.ones(D))])
@pytest.mark.parametrize(
    ("name", "scale"),
    [
        *[(name, 1.7) for name in ("EII", "VII", "EEI", "VVI")],
        *[(name, np.array([1.7, 0.4])) for name in ("EEI", "VVI")],
        *[(name, SCALE) for name in ("EEE", "VVV")],
    ],
)
def test_the_m_step_is_the_published_one(name, scale, units):
    X, labels = rows()
    prior = ConjugatePrior(shrinkage=KAPPA, mean=MEAN, scale=scale, df=DF)
    Y = units.enter(X)
    family = family_by_name(name)
    kind = WithPrior.of(family, K, N, Y.mean(axis=0), np.cov(Y.T), units, prior)
    got = kind.maximise(moments_of(Y, labels, kind.diagonal), FREE)
    means, covariances = published(name, X, labels, scale)
    assert_allclose(units.leave(got.means), means, rtol=1e-12)
    assert_allclose(got.covariances, covariances, rtol=1e-11)


@pytest.mark.parametrize("name", ["VVV", "EEE", "VVI", "VII", "EEV", "VEI"])
def test_the_posterior_never_falls_and_units_change_nothing(name):
    X, _ = rows()
    diagonal = family_by_name(name).diagonal
    prior = ConjugatePrior(KAPPA, MEAN, 1.7 if diagonal else SCALE, DF)
    named = {"covariance_type": name, "random_state": 0, "n_init": 2, "tol": 1e-10}
    found = fastem.fit(X, 3, prior=prior, **named)
    assert (np.diff(found.trace) >= -1e-12).all()
    wide = ConjugatePrior(KAPPA, 4.0 * MEAN, np.multiply(16.0, 1.7 if diagonal else SCALE), DF)
    other = fastem.fit(4.0 * X, 3, prior=wide, **named)
    assert_array_equal(other.mixture.means, 4.0 * found.mixture.means)


def test_the_defaults_are_those_of_true():
    X, _ = rows()
    for name in "full", "diag", "spherical", "VEV":
        named = {"covariance_type": name, "random_state": 0, "n_init": 2}
        plain = fastem.fit(X, 3, prior=True, **named)
        assert fastem.fit(X, 3, prior=ConjugatePrior(), **named).mixture == plain.mixture
    own = ConjugatePrior(0.01, X.mean(axis=0), np.cov(X.T) / 3, 4)
    given = fastem.fit(X, 3, prior=own, random_state=0, n_init=2)
    plain = fastem.fit(X, 3, prior=True, random_state=0, n_init=2)
    assert given.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-9)


def test_no_shrinkage_leaves_means_alone():
    X, labels = rows()
    kind = WithPrior.of(
        family_by_name("full"), K, N, MEAN, SCALE, Units(np.zeros(D), np.ones(D)), ConjugatePrior(0)
    )
    moments = moments_of(X, labels, False)
    assert_array_equal(kind.maximise(moments, FREE).means, moments.about)


def test_select_lrt_and_bootstrap_take_it():
    X, _ = rows()
    prior = ConjugatePrior(shrinkage=0.1, df=8)
    choice = fastem.select(X, [1, 3], prior=prior, n_init=2, random_state=0)
    single = fastem.fit(X, 3, prior=prior, n_init=2, random_state=0)
    assert choice.table[1].log_likelihood == single.log_likelihood
    test = fastem.lrt(X, 2, prior=prior, n_replicates=9, level=0.1, n_init=1, random_state=0)
    assert len(test.replicates[0]) == 9
    made = fastem.bootstrap(single, X, 9, prior=prior, random_state=0)
    plain = fastem.bootstrap(single, X, 9, prior=True, random_state=0)
    assert made.n_collapsed == 0
    assert not np.array_equal(made.means, plain.means)


@pytest.mark.parametrize("prior", [fastem.DirichletProcess(), fastem.NormalWishart()])
def test_where_a_variational_prior_has_no_sense(prior):
    X, _ = rows()
    fitted = fastem.fit(X, 3, prior=prior, n_init=1, random_state=0)
    name = type(prior).__name__
    with pytest.raises(ValueError, match=rf"prior is {name}\(\.\.\.\); it tells by itself how"):
        fastem.select(X, [1, 2], prior=prior)
    with pytest.raises(ValueError, match=rf"prior is {name}\(\.\.\.\); bounds of variational"):
        fastem.lrt(X, 2, prior=prior)
    with pytest.raises(ValueError, match=rf"prior is {name}\(\.\.\.\); replicates begin at"):
        fastem.bootstrap(fitted, X, 9, prior=prior)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"shrinkage": -1}, ValueError, "shrinkage is -1"),
        ({"df": 0}, ValueError, "df is 0; give a number above 0"),
        ({"df": 1}, ValueError, r"prior.df is 1; with 2 columns give more than 1"),
        ({"mean": [1, 2, 3]}, ValueError, r"prior.mean has shape \(3,\); it must be \(2,\)"),
        ({"scale": 2.0}, ValueError, r"prior.scale has shape \(\); it must be \(2, 2\)"),
        ({"scale": -np.eye(2)}, ValueError, "prior.scale is no covariance matrix: its smallest"),
        ({"scale": "a"}, TypeError, "prior.scale"),
    ],
)
def test_bad_input(given, error, said):
    X, _ = rows()
    with pytest.raises(error, match=said):
        fastem.fit(X, 2, prior=ConjugatePrior(**given))


def test_bad_scale_of_variances():
    X, _ = rows()
    with pytest.raises(ValueError, match=r"prior.scale holds -1; give variances above 0"):
        fastem.fit(X, 2, covariance_type="diag", prior=ConjugatePrior(scale=[1, -1]))
