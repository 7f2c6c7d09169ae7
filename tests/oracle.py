"""EM for Gaussian mixtures, slow and obviously right: the textbook in NumPy and SciPy.

This is the oracle of the tests, so it imports nothing from fastem, it works with all n x K
responsibilities, and it prefers the formula to the trick. Formulas are those of C. M. Bishop,
*Pattern Recognition and Machine Learning* (2006), section 9.2.2, with every row counted
``sample_weight`` times.

n, K and D are the numbers of rows, components and features. Covariances are shaped by their family:
"full" (K, D, D), "tied" (D, D), "diag" (K, D), "spherical" (K,).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import comb, logsumexp
from scipy.stats import multivariate_normal

COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")


class Parameters(NamedTuple):
    """The parameters of a mixture."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


class Moments(NamedTuple):
    """What a pass over the rows returns, taken about given means."""

    n_rows: float
    log_likelihood: float
    counts: np.ndarray
    first: np.ndarray
    second: np.ndarray


# Densities


def expand_covariances(covariances, covariance_type, K, D):
    """Write the covariances of any family as one (D, D) matrix for each component."""
    match covariance_type:
        case "full":
            return np.array(covariances)
        case "tied":
            return np.array([covariances] * K)
        case "diag":
            return np.array([np.diag(variances) for variances in covariances])
        case "spherical":
            return np.array([variance * np.eye(D) for variance in covariances])
    raise ValueError(covariance_type)


def log_densities(X, means, covariances, covariance_type="full"):
    """Return log N(x_i | mean_k, covariance_k), (n, K)."""
    expanded = expand_covariances(covariances, covariance_type, *np.shape(means))
    columns = [
        np.atleast_1d(multivariate_normal.logpdf(X, mean, covariance))
        for mean, covariance in zip(means, expanded, strict=True)
    ]
    return np.stack(columns, axis=1)


def log_joint(X, weights, means, covariances, covariance_type="full"):
    """Return log weight_k N(x_i | mean_k, covariance_k), (n, K)."""
    with np.errstate(divide="ignore"):  # a weight of zero is -inf, as it should be
        log_weights = np.log(weights)
    return log_weights + log_densities(X, means, covariances, covariance_type)


def log_prob(X, weights, means, covariances, covariance_type="full"):
    """Return the log density of the mixture at every row, (n,)."""
    return logsumexp(log_joint(X, weights, means, covariances, covariance_type), axis=1)


def responsibilities(X, weights, means, covariances, covariance_type="full"):
    """Return the posterior probability of every component for every row, (n, K)."""
    joint = log_joint(X, weights, means, covariances, covariance_type)
    return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))


def log_likelihood(X, weights, means, covariances, covariance_type="full", sample_weight=None):
    """Return the log-likelihood of all rows together."""
    per_row = log_prob(X, weights, means, covariances, covariance_type)
    return _row_weights(X, sample_weight) @ per_row


def _row_weights(X, sample_weight):
    return np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, dtype=float)


# One iteration


def moments(
    X, weights, means, covariances, covariance_type="full", diagonal=False, sample_weight=None
):
    """Return the E step's moments about the current means.

    ``second`` is sum_i r_ik (x_i - mean_k)(x_i - mean_k)', (K, D, D), or its diagonals, (K, D).
    """
    w = _row_weights(X, sample_weight)
    resp = w[:, np.newaxis] * responsibilities(X, weights, means, covariances, covariance_type)
    centred = X[:, np.newaxis, :] - means
    return Moments(
        n_rows=w.sum(),
        log_likelihood=log_likelihood(X, weights, means, covariances, covariance_type, w),
        counts=resp.sum(axis=0),
        first=np.einsum("ik,ikd->kd", resp, centred),
        second=np.einsum(
            "ik,ikd,ikd->kd" if diagonal else "ik,ikd,ike->kde",
            *(resp, centred, centred),
            optimize=True,
        ),
    )


def m_step(X, resp, covariance_type, sample_weight=None, reg=0.0):
    """Return the parameters that maximise the expected complete-data log-likelihood.

    ``reg`` is added to every variance.
    """
    D = X.shape[1]
    resp = _row_weights(X, sample_weight)[:, np.newaxis] * resp
    counts = resp.sum(axis=0)
    means = resp.T @ X / counts[:, np.newaxis]
    scatters = np.array(
        [(r[:, np.newaxis] * (X - m)).T @ (X - m) for r, m in zip(resp.T, means, strict=True)]
    )
    full = scatters / counts[:, np.newaxis, np.newaxis]
    match covariance_type:
        case "full":
            covariances = full + reg * np.eye(D)
        case "tied":
            covariances = scatters.sum(axis=0) / counts.sum() + reg * np.eye(D)
        case "diag":
            covariances = np.diagonal(full, axis1=1, axis2=2) + reg
        case "spherical":
            covariances = np.trace(full, axis1=1, axis2=2) / D + reg
        case _:
            raise ValueError(covariance_type)
    return Parameters(counts / counts.sum(), means, covariances)


def em(X, weights, means, covariances, covariance_type, n_iter, sample_weight=None, reg=0.0):
    """Run ``n_iter`` EM iterations from a given start.

    Returns
    -------
    parameters : Parameters
    trace : ndarray of shape (n_iter + 1,)
        Mean log-likelihood per row: of the start, then after each iteration.
    """
    parameters = Parameters(*map(np.asarray, (weights, means, covariances)))
    n_rows = _row_weights(X, sample_weight).sum()
    trace = [log_likelihood(X, *parameters, covariance_type, sample_weight) / n_rows]
    for _ in range(n_iter):
        resp = responsibilities(X, *parameters, covariance_type)
        parameters = m_step(X, resp, covariance_type, sample_weight, reg)
        trace.append(log_likelihood(X, *parameters, covariance_type, sample_weight) / n_rows)
    return parameters, np.array(trace)


# Model choice; lower is better


def n_parameters(covariance_type, K, D):
    """Count the free parameters of a mixture."""
    symmetric = D * (D + 1) // 2
    covariances = {"full": K * symmetric, "tied": symmetric, "diag": K * D, "spherical": K}
    return (K - 1) + K * D + covariances[covariance_type]


def aic(log_likelihood, n_parameters):
    """Akaike (1974)."""
    return 2 * n_parameters - 2 * log_likelihood


def bic(log_likelihood, n_parameters, n_rows):
    """Schwarz (1978)."""
    return np.log(n_rows) * n_parameters - 2 * log_likelihood


def icl(log_likelihood, n_parameters, n_rows, resp, sample_weight=None):
    """Biernacki, Celeux and Govaert (2000): BIC for the rows with their most probable labels."""
    classification_entropy = -_row_weights(resp, sample_weight) @ np.log(resp.max(axis=1))
    return bic(log_likelihood, n_parameters, n_rows) + 2 * classification_entropy


def adjusted_rand_index(labels, other):
    """Hubert and Arabie (1985), from the contingency table."""
    _, i = np.unique(labels, return_inverse=True)
    _, j = np.unique(other, return_inverse=True)
    table = np.zeros((i.max() + 1, j.max() + 1))
    np.add.at(table, (i, j), 1)
    together = comb(table, 2).sum()
    in_first, in_second = comb(table.sum(axis=1), 2).sum(), comb(table.sum(axis=0), 2).sum()
    expected = in_first * in_second / comb(len(i), 2)
    most = (in_first + in_second) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


# Random mixtures


def random_mixture(rng, K, D, covariance_type="full", spread=3.0):
    """Draw a well-conditioned mixture whose means are about ``spread`` standard deviations apart.

    Variances are between 1/2 and 2 along every axis of every component.
    """
    weights = rng.dirichlet(np.full(K, 5.0))
    means = spread * rng.normal(size=(K, D)) / np.sqrt(2 * D)

    def matrix():
        axes, _ = np.linalg.qr(rng.normal(size=(D, D)))
        covariance = (axes * rng.uniform(0.5, 2.0, size=D)) @ axes.T
        return (covariance + covariance.T) / 2

    match covariance_type:
        case "full":
            covariances = np.array([matrix() for _ in range(K)])
        case "tied":
            covariances = matrix()
        case "diag":
            covariances = rng.uniform(0.5, 2.0, size=(K, D))
        case "spherical":
            covariances = rng.uniform(0.5, 2.0, size=K)
        case _:
            raise ValueError(covariance_type)
    return Parameters(weights, means, covariances)


def sample(rng, n, weights, means, covariances, covariance_type="full"):
    """Draw ``n`` rows from a mixture.

    Returns
    -------
    X : ndarray of shape (n, D)
    labels : ndarray of shape (n,)
    """
    K, D = means.shape
    labels = rng.choice(K, size=n, p=weights)
    factors = np.linalg.cholesky(expand_covariances(covariances, covariance_type, K, D))
    X = means[labels] + np.einsum("ide,ie->id", factors[labels], rng.normal(size=(n, D)))
    return X, labels
