"""fastem and the peers that it is measured against: scikit-learn and Intel's oneDAL.

Each ``*_iterations`` function runs exactly ``n_iter`` plain EM iterations from a given start and
returns the parameters it ends with, so that all of them do the same work and must agree on the
answer. A peer that cannot be imported skips the bench that asks for it.
"""

import warnings
from typing import NamedTuple

import numpy as np
import pytest

import fastem


class Parameters(NamedTuple):
    """The parameters of a mixture; covariances are (K, D, D) for "full", (K, D) for "diag"."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


def overlapping(n, D, K, seed=0, dtype=np.float64, covariance_type="full", separation=1.0):
    """Draw rows from components that overlap heavily, and a perturbed start.

    Any two means are about 1.5 `separation` standard deviations apart and any two covariances about
    0.5 apart in Frobenius norm, whatever D is. With a separation of 1 every row keeps a sizeable
    responsibility for most components, so no density underflows and no component can be skipped.

    Returns
    -------
    X : ndarray of shape (n, D)
    start : Parameters
        In float64, near the truth but not at it.
    """
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(K, D)) * 1.1 * separation / np.sqrt(D)
    covariances = np.eye(D) + _symmetric(rng, K, D) / (2 * D)
    labels = rng.integers(K, size=n)
    X = rng.normal(size=(n, D))
    for k in range(K):
        rows = labels == k
        X[rows] = X[rows] @ np.linalg.cholesky(covariances[k]).T + means[k]

    start = Parameters(
        weights=rng.dirichlet(np.full(K, 50.0)),
        means=means + rng.normal(size=(K, D)) * 0.3 / np.sqrt(D),
        covariances=1.2 * np.eye(D) + _symmetric(rng, K, D) / (4 * D),
    )
    if covariance_type == "diag":
        start = start._replace(covariances=np.einsum("kdd->kd", start.covariances).copy())
    return X.astype(dtype), start


def _symmetric(rng, K, D):
    # Capped, because at D = 1 or 2 a single large entry would cost positive definiteness.
    A = np.clip(rng.normal(size=(K, D, D)), -0.9, 0.9)
    return (A + A.transpose(0, 2, 1)) / np.sqrt(2)


def fastem_iterations(X, start, n_iter, covariance_type, reg_covar=0.0):
    """Run ``n_iter`` EM iterations in fastem.

    One more pass gives the final likelihood. As with the peers, the difference between two runs of
    different length is free of it.
    """
    fitted = fastem.fit(
        X,
        len(start.weights),
        covariance_type=covariance_type,
        weights_init=start.weights,
        means_init=start.means,
        covariances_init=start.covariances,
        reg_covar=reg_covar,
        tol=0,
        max_iter=n_iter,
        accelerate=False,
    )
    assert fitted.n_iter == n_iter
    mixture = fitted.mixture
    return Parameters(mixture.weights, mixture.means, mixture.covariances)


def sklearn_iterations(X, start, n_iter, covariance_type, reg_covar=0.0):
    """Run ``n_iter`` EM iterations in scikit-learn's GaussianMixture.

    scikit-learn adds one E step after the last iteration, for the labels. The difference between
    two runs of different length is free of it, and of all other work done once.
    """
    mixture = pytest.importorskip("sklearn.mixture")
    exceptions = pytest.importorskip("sklearn.exceptions")
    precisions = (
        np.linalg.inv(start.covariances) if covariance_type == "full" else 1 / start.covariances
    )
    model = mixture.GaussianMixture(
        n_components=len(start.weights),
        covariance_type=covariance_type,
        tol=0.0,
        reg_covar=reg_covar,
        max_iter=n_iter,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=precisions,
    )
    with warnings.catch_warnings():
        # tol=0 is there to never converge.
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        model.fit(X)
    assert model.n_iter_ == n_iter
    return Parameters(model.weights_, model.means_, model.covariances_)


def onedal_iterations(X, start, n_iter, covariance_type, n_threads=2):
    """Run ``n_iter`` EM iterations in oneDAL, in the precision of ``X``.

    oneDAL adds nothing to the covariances unless one of them is singular.
    """
    daal4py = pytest.importorskip("daal4py")
    daal4py.daalinit(n_threads)
    # A list with one table for each component; a diagonal is a table with a single row.
    covariances = [np.atleast_2d(c).astype(X.dtype) for c in start.covariances]
    result = daal4py.em_gmm(
        nComponents=len(start.weights),
        fptype="float" if X.dtype == np.float32 else "double",
        maxIterations=n_iter,
        accuracyThreshold=0.0,
        covarianceStorage={"full": "full", "diag": "diagonal"}[covariance_type],
    ).compute(
        X, start.weights[np.newaxis].astype(X.dtype), start.means.astype(X.dtype), covariances
    )
    assert result.nIterations.item() == n_iter
    covariances = np.stack(result.covariances)
    return Parameters(
        result.weights.ravel(),
        result.means,
        covariances if covariance_type == "full" else covariances.reshape(result.means.shape),
    )


#: Every program that runs exactly so many iterations, fastem first.
ITERATIONS = {
    "fastem": fastem_iterations,
    "scikit-learn": sklearn_iterations,
    "oneDAL": onedal_iterations,
}


def installed(X, start, covariance_type):
    """Names of the programs that can be imported, fastem first, after a first call of each."""
    names = []
    for name, iterate in ITERATIONS.items():
        try:
            iterate(X, start, 1, covariance_type)
        except pytest.skip.Exception:
            continue
        names.append(name)
    return names
