"""The conjugate prior: M steps, posterior modes, and that nothing is singular.

Oracles: the formulas of C. Fraley and A. E. Raftery's table 2, SciPy's densities, and SciPy's
optimiser.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.stats import invgamma, invwishart, multivariate_normal

import fastem
from fastem.covariance import FAMILIES, Bounds, WithPrior, family_by_name
from fastem.data import Data
from fastem.moments import Moments
from fastem.units import Units

K, D, N = 3, 4, 60
FREE = Bounds(np.zeros(D), 0.0)
HERE = Units(np.zeros(D), np.ones(D))
SEVERAL_COLUMNS = [name for name in FAMILIES if name not in ("E", "V")]
SHRINKAGE, DOF = 0.01, D + 2

every_family = pytest.mark.parametrize("name", SEVERAL_COLUMNS)


def rows(n=N, seed=0):
    """Three clusters that differ in mean and spread."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(K, D, D))
    labels = rng.integers(K, size=n)
    X = np.einsum("nd,nde->ne", rng.normal(size=(n, D)), mix[labels])
    return X + rng.normal(size=(K, D))[labels] * 3, labels


def moments_of(X, labels, diagonal, about=0.3):
    means = np.full((K, D), about)
    resp = np.eye(K)[labels]
    z = X[:, None] - means
    second = np.einsum("nk,nkd,nke->kde", resp, z, z)
    if diagonal:
        second = np.diagonal(second, axis1=1, axis2=2).copy()
    first = np.einsum("nk,nkd->kd", resp, z)
    return Moments(means, float(len(X)), 0.0, 0.0, resp.sum(axis=0), first, second)


def with_prior(name, X, units=HERE):
    return WithPrior.of(
        family_by_name(name), K, len(X), units.enter(X.mean(axis=0)),
        np.cov(X.T) * np.outer(units.scale, units.scale), units,
    )  # fmt: skip


def log_posterior(kind, X, labels, parameters):
    """Of rows with labels, by SciPy; the prior is `kind`'s own, checked apart."""
    covariances = kind.expand(parameters.covariances, K, D)
    total = len(X) * kind.log_prior(parameters)
    for k in range(K):
        mine = X[labels == k]
        total += multivariate_normal.logpdf(mine, parameters.means[k], covariances[k]).sum()
    return total


# The prior and the M step ------------------------------------------------------------------------


def published(name, X, labels):
    """Means and covariances by table 2 of Fraley and Raftery (Technical Report 486, 2009)."""
    counts = np.bincount(labels)
    means = np.array([X[labels == k].mean(axis=0) for k in range(K)])
    prior_mean, spread = X.mean(axis=0), np.cov(X.T)
    scale = spread / K ** (2 / D)
    variance = np.trace(spread) / D / K ** (2 / D)
    scatter = np.empty((K, D, D))
    for k in range(K):
        z, delta = X[labels == k] - means[k], means[k] - prior_mean
        pull = SHRINKAGE * counts[k] / (SHRINKAGE + counts[k])
        scatter[k] = z.T @ z + pull * np.outer(delta, delta)
    shrunk = (counts[:, None] * means + SHRINKAGE * prior_mean) / (counts + SHRINKAGE)[:, None]
    traces, squares = np.trace(scatter, axis1=1, axis2=2), np.diagonal(scatter, axis1=1, axis2=2)
    rows_of = counts[:, None]
    match name:
        case "EII":
            found = (variance + traces.sum()) / (DOF + (len(X) + K) * D + 2) * np.ones((K, D))
        case "VII":
            found = (variance + traces) / (DOF + (counts + 1) * D + 2)
        case "EEI":
            found = (variance + squares.sum(axis=0)) / (DOF + len(X) + K + 2) * np.ones((K, 1))
        case "VVI":
            found = (variance + squares) / (DOF + rows_of + 3)
        case "EEE":
            found = (scale + scatter.sum(axis=0)) / (DOF + D + len(X) + K + 1)
        case "VVV":
            found = (scale + scatter) / (DOF + D + rows_of[:, None] + 2)
    return shrunk, found


@pytest.mark.parametrize("name", ["EII", "VII", "EEI", "VVI", "EEE", "VVV"])
def test_the_m_step_is_the_published_one(name):
    """Oracle: table 2 of the paper, as corrected in 2009."""
    X, labels = rows()
    kind = with_prior(name, X)
    got = kind.maximise(moments_of(X, labels, kind.diagonal), FREE)
    means, covariances = published(name, X, labels)
    assert_allclose(got.means, means, rtol=1e-12)
    assert_allclose(got.covariances, covariances, rtol=1e-11)
    assert_allclose(got.weights, np.bincount(labels) / N)


@pytest.mark.parametrize("name", ["VVV", "EEE", "VVI", "EEI", "VII", "EII"])
def test_the_log_prior_is_that_of_scipy(name):
    """Oracle: SciPy's densities, at two points, since a constant is left out."""
    X, labels = rows()
    kind = with_prior(name, X)
    spread = np.cov(X.T) / K ** (2 / D)
    variance = np.trace(spread) / D

    def by_scipy(p):
        covariances = kind.expand(p.covariances, K, D)
        total = sum(
            multivariate_normal.logpdf(m, X.mean(axis=0), s / SHRINKAGE)
            for m, s in zip(p.means, covariances, strict=True)
        )
        own = covariances[:1] if kind.shared else covariances
        for s in own:
            if not kind.diagonal:
                total += invwishart.logpdf(s, DOF, spread)
            else:
                several = np.diag(s)[:1] if not kind.per_column else np.diag(s)
                total += invgamma.logpdf(several, DOF / 2, scale=variance / 2).sum()
        return total

    here, there = (
        kind.family.maximise(moments_of(X * scale, labels, kind.diagonal), FREE)
        for scale in (1.0, 1.3)
    )
    got = N * (kind.log_prior(there) - kind.log_prior(here))
    assert_allclose(got, by_scipy(there) - by_scipy(here), rtol=1e-10)


@every_family
def test_no_other_member_of_the_family_does_better(name):
    """Oracle: the log posterior at the M steps of other rows, near and far."""
    X, labels = rows()
    kind = with_prior(name, X)
    best = kind.maximise(moments_of(X, labels, kind.diagonal), FREE)
    highest = log_posterior(kind, X, labels, best)
    rng = np.random.default_rng(1)
    for size in (1e-3, 1e-3, 1e-2, 1e-2, 0.1, 0.1, 1.0):
        moved = X + size * rng.normal(size=X.shape) * X.std(axis=0)
        other = kind.family.maximise(moments_of(moved, labels, kind.diagonal), FREE)
        mixed = best._replace(means=best.means + size * rng.normal(size=(K, D)))
        assert log_posterior(kind, X, labels, other) < highest
        assert log_posterior(kind, X, labels, mixed) < highest


@every_family
def test_a_prior_of_no_weight_changes_nothing(name):
    """Oracle: the family alone."""
    X, labels = rows()
    kind = with_prior(name, X)
    light = WithPrior(kind.family, kind.mean, kind.scale, 1e-15, HERE)
    moments = moments_of(X, labels, kind.diagonal)
    got, alone = light.maximise(moments, FREE), kind.family.maximise(moments, FREE)
    assert_allclose(got.means, alone.means, rtol=1e-10)
    assert_allclose(got.covariances, alone.covariances, rtol=1e-6, atol=1e-9)


@every_family
def test_units_do_not_matter(name):
    """Oracle: the M step in the data's own units."""
    X, labels = rows()
    kind = with_prior(name, X)
    scale = np.array([8.0, 0.25, 2.0, 1.0]) if kind.per_column else np.full(D, 8.0)
    units = Units(np.full(D, 0.5), scale)
    moved = kind.at(units)
    expected = kind.maximise(moments_of(X, labels, kind.diagonal), FREE)
    got = moved.maximise(moments_of(units.enter(X), labels, kind.diagonal), FREE)
    assert_allclose(units.leave(got.means), expected.means, rtol=1e-10, atol=1e-12)
    assert_allclose(kind.rescale(got.covariances, 1 / scale), expected.covariances, rtol=1e-7)
    built = with_prior(name, X, Units(np.zeros(D), scale))
    assert_allclose(built.scale, kind.at(Units(np.zeros(D), scale)).scale, rtol=1e-12)


def test_scales_too_far_apart_for_a_mean_of_variances_are_refused():
    X = np.random.default_rng(0).normal(size=(30, 2)) * [1e-140, 1e140]
    with pytest.raises(ValueError, match="too far apart"):
        fastem.fit(X, 2, covariance_type="diag", prior=True, n_init=1)


# Whole fits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["full", "tied", "diag", "spherical", "VEI", "VEE", "VVE", "EEV"])
@pytest.mark.parametrize("accelerate", [False, True])
def test_the_posterior_never_falls(name, accelerate):
    X, _ = rows(n=200, seed=3)
    start = {"means_init": X[:K], "random_state": 0, "tol": 1e-9}
    fitted = fastem.fit(X, K, covariance_type=name, prior=True, accelerate=accelerate, **start)
    assert fitted.converged
    assert np.diff(fitted.trace).min(initial=0.0) > -1e-12 * abs(fitted.trace[-1])


def test_the_end_is_a_posterior_mode():
    """Oracle: SciPy's optimiser, on weights, means and Cholesky factors, from there."""
    X = rows(n=40, seed=5)[0][:, :2]
    fitted = fastem.fit(X, 2, prior=True, random_state=0, tol=1e-12)
    mixture = fitted.mixture
    spread = np.cov(X.T) / 2
    lower = np.tril_indices(2)

    def loss(theta):
        share, means, roots = theta[0], theta[1:5].reshape(2, 2), np.zeros((2, 2, 2))
        for k in range(2):
            roots[k][lower] = theta[5 + 3 * k : 8 + 3 * k]
        covariances = roots @ roots.swapaxes(1, 2)
        weights = [1 / (1 + np.exp(-share)), 1 / (1 + np.exp(share))]
        density, prior = 0.0, 0.0
        for w, m, s in zip(weights, means, covariances, strict=True):
            density = density + w * multivariate_normal.pdf(X, m, s)
            prior += invwishart.logpdf(s, 4, spread)
            prior += multivariate_normal.logpdf(m, X.mean(axis=0), s / SHRINKAGE)
        return -(np.log(density).sum() + prior)

    roots = np.linalg.cholesky(mixture.covariances)
    share = np.log(mixture.weights[0] / mixture.weights[1])
    theta = np.concatenate([[share], mixture.means.ravel(), *(root[lower] for root in roots)])
    found = minimize(loss, theta, method="BFGS", options={"gtol": 1e-6})
    assert found.fun > loss(theta) - 1e-7
    assert_allclose(found.x, theta, atol=2e-3)
    assert_allclose(fitted.log_likelihood, mixture.log_prob(X).sum())


@pytest.mark.parametrize("name", ["full", "diag", "spherical", "VEV"])
def test_nothing_collapses_where_it_would_without(name):
    """Oracle: rows drawn with replacement from a few, of which each component has one."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 3))[rng.integers(6, size=60)]
    without = fastem.fit(X, 5, covariance_type=name, random_state=0)
    fitted = fastem.fit(X, 5, covariance_type=name, random_state=0, prior=True)
    assert without.status.code == "collapsed"
    assert fitted.status.code == "converged"
    assert np.linalg.eigvalsh(fitted.mixture.full_covariances).min() > 1e-4


def test_one_column_and_single_rows():
    """Oracle: the inverse gamma's mode, (s^2 + scatter) / (nu + n + 3), for K = 1."""
    x = np.array([[1.0], [2.0], [4.0], [9.0]])
    scatter = ((x - 4.0) ** 2).sum()
    for name in "E", "V":
        fitted = fastem.fit(x, 1, covariance_type=name, prior=True)
        assert_allclose(fitted.mixture.covariances, (scatter / 3 + scatter) / (3 + 4 + 3))
    assert fastem.fit(x, 4, covariance_type="V", prior=True, random_state=0).converged


@pytest.mark.parametrize("name", ["full", "diag", "EEV"])
@pytest.mark.parametrize(("scale", "shift"), [(2.0**400, 0.0), (2.0**-400, 0.0), (1.0, 1e8)])
def test_scale_and_shift_of_the_data_commute_with_the_fit(name, scale, shift):
    X, _ = rows(n=100)
    options = {"covariance_type": name, "prior": True, "random_state": 0, "tol": 1e-9}
    here, there = (fastem.fit(Y, K, **options).mixture for Y in (X, X * scale + shift))
    assert_allclose((there.means - shift) / scale, here.means, rtol=1e-4, atol=1e-6)
    assert_allclose(there.full_covariances / scale / scale, here.full_covariances, rtol=1e-3)


def test_weights_count_rows():
    """Oracle: the same rows written out; the prior weighs as much."""
    X, _ = rows(n=50)
    weight = np.random.default_rng(0).integers(0, 4, size=50).astype(float)
    options = {"prior": True, "means_init": X[:K], "tol": 1e-10}
    weighted = fastem.fit(X, K, sample_weight=weight, **options)
    written = fastem.fit(np.repeat(X, weight.astype(int), axis=0), K, **options)
    assert_allclose(weighted.mixture.covariances, written.mixture.covariances, rtol=1e-5)
    assert_allclose(weighted.bic(), written.bic())


def test_float32_rows_take_the_same_prior():
    X = rows(n=300)[0].astype(np.float32)
    wide, narrow = (fastem.fit(Y, K, prior=True, random_state=0) for Y in (X.astype(float), X))
    assert_allclose(narrow.log_likelihood, wide.log_likelihood, rtol=1e-5)


def test_the_mean_and_covariance_of_all_rows_are_numpys():
    """Oracle: numpy.cov, far from the origin."""
    X = rows(n=500)[0] * [1.0, 1e3, 1e-6, 1.0] + 1e7
    data = Data.of(X, None)
    n_rows, mean, covariance, units = data.centre(family_by_name("full"))
    assert units is data.rows(family_by_name("full")).units
    assert n_rows == 500
    assert_allclose(units.leave(mean), X.mean(axis=0), rtol=1e-14)
    scaled = covariance / np.outer(units.scale, units.scale)
    assert_allclose(scaled, np.cov(X.T), rtol=1e-6, atol=1e-12)


def test_select_takes_the_prior_and_words_are_refused():
    X, _ = rows(n=100)
    choice = fastem.select(X, [2, 3], covariance_type=["EEE", "VVV"], prior=True, random_state=0)
    assert all(row.status == "converged" for row in choice.table)
    assert choice.best.bic() == choice.best_row.bic
    with pytest.raises(TypeError, match="prior is 'yes'; give True or False"):
        fastem.fit(X, 2, prior="yes")


def test_a_family_without_a_compiled_m_step_takes_it_too(monkeypatch):
    """As contributors may write one. Oracle: the same family, compiled."""
    full = FAMILIES["full"]

    class Plain(type(full)):
        def maximise(self, moments, bounds, start=None):
            return full.maximise(moments, bounds, start)

    plain = Plain("plain", None, full.n_free, separate=True)
    monkeypatch.setitem(FAMILIES, "plain", plain)
    X, _ = rows()
    found, expected = (
        fastem.fit(X, K, covariance_type=name, prior=True, random_state=0)
        for name in ("plain", "full")
    )
    assert found.converged
    assert_allclose(found.log_likelihood, expected.log_likelihood, rtol=1e-6)
    assert_allclose(found.mixture.means, expected.mixture.means, rtol=1e-3)


@pytest.mark.parametrize("name", ["full", "diag", "tied", "VEV"])
@pytest.mark.parametrize(("n", "n_features"), [(60, 10), (500, 16), (5000, 24)])
def test_clusters_are_found_though_the_prior_alone_would_rather_have_empty_ones(
    name, n, n_features
):
    """Components of a row each have covariances at the prior's mode, and a higher posterior."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(n) % K)
    X = rng.normal(size=(n, n_features)) + 2.5 * rng.normal(size=(K, n_features))[labels]
    fitted = fastem.fit(X, K, covariance_type=name, prior=True, random_state=0)
    assert fastem.adjusted_rand_index(fitted.mixture.predict(X), labels) == 1.0


def test_an_emptier_mixture_has_a_higher_posterior_and_is_not_chosen():
    """Oracle: EM from there."""
    rng = np.random.default_rng(0)
    labels = np.arange(500) % K
    X = rng.normal(size=(500, 16)) + 2.0 * rng.normal(size=(K, 16))[labels]
    options = {"prior": True, "random_state": 0}
    chosen = fastem.fit(X, K, **options)
    means = [X.mean(axis=0), X[0], X[1]]
    covariances = [np.cov(X.T), *[np.eye(16) * 0.1] * 2]
    empty = fastem.fit(
        X, K, **options, means_init=means, covariances_init=covariances,
        weights_init=[0.996, 0.002, 0.002],
    )  # fmt: skip
    assert empty.mixture.weights.min() * len(X) < 2
    assert empty.trace[-1] > chosen.trace[-1] + 0.1
    assert empty.log_likelihood < chosen.log_likelihood - 50
    assert chosen.mixture.weights.min() > 0.3
