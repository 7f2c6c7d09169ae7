"""The oracle is held against scikit-learn, or against the definition where that has none."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracle import (
    COVARIANCE_TYPES,
    adjusted_rand_index,
    aic,
    bic,
    em,
    expand_covariances,
    icl,
    log_likelihood,
    log_prob,
    m_step,
    moments,
    n_parameters,
    random_mixture,
    responsibilities,
    sample,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

K, D, N = 3, 4, 400


@pytest.fixture(params=COVARIANCE_TYPES)
def covariance_type(request):
    return request.param


@pytest.fixture
def problem(covariance_type):
    """Rows, and a start that is not the mixture they were drawn from."""
    rng = np.random.default_rng(1)
    X, _ = sample(rng, N, *random_mixture(rng, K, D, covariance_type), covariance_type)
    start = random_mixture(rng, K, D, covariance_type)
    return X, start._replace(means=X[:K])


def sklearn_fit(X, start, covariance_type, n_iter, reg):
    precisions = start.covariances
    precisions = (
        np.linalg.inv(precisions) if covariance_type in ("full", "tied") else 1 / precisions
    )
    model = GaussianMixture(
        n_components=len(start.weights),
        covariance_type=covariance_type,
        tol=0.0,
        reg_covar=reg,
        max_iter=n_iter,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=precisions,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X)


@pytest.mark.parametrize("reg", [0.0, 0.1])
@pytest.mark.parametrize("n_iter", [1, 20])
def test_em_is_scikit_learns(problem, covariance_type, n_iter, reg):
    X, start = problem
    parameters, trace = em(X, *start, covariance_type, n_iter, reg=reg)
    model = sklearn_fit(X, start, covariance_type, n_iter, reg)
    assert_allclose(parameters.weights, model.weights_, rtol=1e-9)
    assert_allclose(parameters.means, model.means_, rtol=1e-9, atol=1e-9)
    assert_allclose(parameters.covariances, model.covariances_, rtol=1e-9, atol=1e-9)
    assert_allclose(trace[-1], model.score(X), rtol=1e-12)
    assert_allclose(trace[-2], model.lower_bound_, rtol=1e-12)
    assert_allclose(log_prob(X, *parameters, covariance_type), model.score_samples(X), rtol=1e-9)
    assert_allclose(
        responsibilities(X, *parameters, covariance_type), model.predict_proba(X), atol=1e-9
    )


def test_criteria_are_scikit_learns(problem, covariance_type):
    X, start = problem
    parameters, trace = em(X, *start, covariance_type, 5)
    model = sklearn_fit(X, start, covariance_type, 5, reg=0.0)
    count = n_parameters(covariance_type, K, D)
    assert_allclose(aic(N * trace[-1], count), model.aic(X), rtol=1e-12)
    assert_allclose(bic(N * trace[-1], count, N), model.bic(X), rtol=1e-12)
    resp = responsibilities(X, *parameters, covariance_type)
    labelled = np.log(resp[np.arange(N), model.predict(X)]).sum()
    assert_allclose(icl(N * trace[-1], count, N, resp), model.bic(X) - 2 * labelled, rtol=1e-9)


def test_likelihood_never_falls(problem, covariance_type):
    X, start = problem
    _, trace = em(X, *start, covariance_type, 30)
    assert np.diff(trace).min() > -1e-12


def test_moments_by_their_definition(problem, covariance_type):
    X, start = problem
    X, sample_weight = X[:20], np.random.default_rng(2).uniform(0, 3, size=20)
    resp = responsibilities(X, *start, covariance_type)
    found = moments(X, *start, covariance_type, sample_weight=sample_weight)
    for k in range(K):
        count, first, second = 0.0, np.zeros(D), np.zeros((D, D))
        for x, w, r in zip(X, sample_weight, resp[:, k], strict=True):
            count += w * r
            first += w * r * (x - start.means[k])
            second += w * r * np.outer(x - start.means[k], x - start.means[k])
        assert_allclose(found.counts[k], count)
        assert_allclose(found.first[k], first)
        assert_allclose(found.second[k], second)
    assert_allclose(found.n_rows, sample_weight.sum())
    assert_allclose(found.counts.sum(), found.n_rows)

    diagonal = moments(X, *start, covariance_type, diagonal=True, sample_weight=sample_weight)
    assert_allclose(diagonal.second, np.einsum("kdd->kd", found.second))


def test_moments_give_the_m_step():
    rng = np.random.default_rng(7)
    start = random_mixture(rng, K, D)
    X, _ = sample(rng, N, *random_mixture(rng, K, D))
    parameters = m_step(X, responsibilities(X, *start), "full")
    found = moments(X, *start)
    delta = found.first / found.counts[:, np.newaxis]
    second = found.second / found.counts[:, np.newaxis, np.newaxis]
    assert_allclose(parameters.means, start.means + delta)
    squares = np.einsum("kd,ke->kde", delta, delta)
    assert_allclose(parameters.covariances, second - squares, atol=1e-12)


def test_sample_weight_counts_rows(problem, covariance_type):
    X, start = problem
    sample_weight = np.random.default_rng(3).integers(0, 3, size=N)
    weighted, weighted_trace = em(X, *start, covariance_type, 5, sample_weight)
    repeated, repeated_trace = em(X.repeat(sample_weight, axis=0), *start, covariance_type, 5)
    for got, expected in zip(weighted, repeated, strict=True):
        assert_allclose(got, expected, rtol=1e-10, atol=1e-12)
    assert_allclose(weighted_trace, repeated_trace, rtol=1e-12)


def test_zero_weight_component_is_absent():
    rng = np.random.default_rng(4)
    mixture = random_mixture(rng, K, D)
    X, _ = sample(rng, 10, *mixture)
    weights = np.array([0.0, 0.5, 0.5])
    without = log_likelihood(X, weights[1:], mixture.means[1:], mixture.covariances[1:])
    assert_allclose(log_likelihood(X, weights, mixture.means, mixture.covariances), without)


def test_adjusted_rand_index_is_scikit_learns():
    rng = np.random.default_rng(5)
    labels = rng.integers(4, size=200)
    near = np.where(rng.random(200) < 0.7, labels, rng.integers(4, size=200))
    for other in (labels, (labels + 1) % 4, near, rng.integers(7, size=200), np.zeros(200)):
        assert_allclose(
            adjusted_rand_index(labels, other), adjusted_rand_score(labels, other), atol=1e-12
        )
    assert adjusted_rand_index(np.zeros(5), np.zeros(5)) == 1.0


def test_samples_have_the_mixtures_moments(covariance_type):
    rng = np.random.default_rng(6)
    mixture = random_mixture(rng, K, D, covariance_type)
    X, labels = sample(rng, 60_000, *mixture, covariance_type)
    assert_allclose(np.bincount(labels) / len(X), mixture.weights, atol=0.01)
    expanded = expand_covariances(mixture.covariances, covariance_type, K, D)
    for k in range(K):
        assert_allclose(X[labels == k].mean(axis=0), mixture.means[k], atol=0.06)
        assert_allclose(np.cov(X[labels == k].T, bias=True), expanded[k], atol=0.12)
