"""Rows that lack columns, and EM over them, pattern by pattern: obviously right.

Formulas are those of R. J. A. Little and D. B. Rubin, *Statistical Analysis with Missing Data*,
section 11.2, densities SciPy's.
"""

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

#: Rubin's cement data with values missing (Little and Rubin, table 7.1): the maximum-likelihood
#: means are 6.655166, 49.965259, 11.769231, 27.047089 and 95.423077.
_ = np.nan
CEMENT = np.array(
    [
        [7, 26, 6, 60, 78.5],
        [1, 29, 15, 52, 74.3],
        [11, 56, 8, 20, 104.3],
        [11, 31, 8, 47, 87.6],
        [7, 52, 6, 33, 95.9],
        [11, 55, 9, 22, 109.2],
        [3, 71, 17, _, 102.7],
        [1, 31, 22, _, 72.5],
        [2, 54, 18, _, 93.1],
        [_, _, 4, _, 115.9],
        [_, _, 23, _, 83.8],
        [_, _, 9, _, 113.3],
        [_, _, 8, _, 109.4],
    ]
)
CEMENT_MEANS = [6.655166, 49.965259, 11.769231, 27.047089, 95.423077]


def holes(rng, X, share):
    """A copy of rows in which a share of the numbers is missing at random."""
    return np.where(rng.random(X.shape) < share, np.nan, X)


def patterns(X):
    """Rows that lack the same columns, by their numbers, and which columns they have, (D,)."""
    observed = ~np.isnan(X)
    for o in np.unique(observed, axis=0):
        yield np.flatnonzero((observed == o).all(axis=1)), o


def log_joint(X, weights, means, covariances):
    """log weight_k N(what is observed of x_i), (n, K); covariances are matrices."""
    found = np.tile(np.log(weights), (len(X), 1))
    for rows, o in patterns(X):
        if o.any():
            for k, mean in enumerate(means):
                observed = multivariate_normal(mean[o], covariances[k][np.ix_(o, o)])
                found[rows, k] += observed.logpdf(X[np.ix_(rows, o)])
    return found


def regression(X, o, mean, covariance):
    """Rows (n, D) filled with what is expected of them in a component, and what is left, (D, D).

    All have the columns o (D,) and no others.
    """
    filled, left = np.where(o, X, mean), np.zeros_like(covariance)
    slopes = covariance[np.ix_(~o, o)] @ np.linalg.pinv(covariance[np.ix_(o, o)])
    filled[:, ~o] += (X - mean)[:, o] @ slopes.T
    left[np.ix_(~o, ~o)] = covariance[np.ix_(~o, ~o)] - slopes @ covariance[np.ix_(o, ~o)]
    return filled, left


def moments(X, weights, means, covariances, sample_weight=None):
    """Log-likelihood, counts, first and second moments about the means, of matrices."""
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    joint = log_joint(X, weights, means, covariances)
    total = logsumexp(joint, axis=1)
    resp = weight[:, None] * np.exp(joint - total[:, None])
    first, second = np.zeros(means.shape), np.zeros(covariances.shape)
    for rows, o in patterns(X):
        for k, mean in enumerate(means):
            filled, left = regression(X[rows], o, mean, covariances[k])
            r, offsets = resp[rows, k], filled - mean
            first[k] += r @ offsets
            second[k] += offsets.T @ (r[:, None] * offsets) + r.sum() * left
    return weight @ total, resp.sum(axis=0), first, second
