"""Precisions, inverse covariances, and their factors, as scikit-learn has them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.covariance.family import Family, not_positive_definite
from fastem.kernels.matrices import factor


def cholesky_factors(covariances: NDArray, family: Family) -> NDArray:
    """Upper triangular U with U U' the precision; 1 / standard deviation for diagonal families."""
    if family.diagonal:
        return 1.0 / np.sqrt(covariances)
    n_features = covariances.shape[-1]
    stack = covariances.reshape(-1, n_features, n_features)
    scratch, inverses, norms = np.empty_like(stack), np.zeros_like(stack), np.empty(len(stack))
    failed = factor(read_only(np.ones(len(stack))), read_only(stack), 1.0, scratch, inverses, norms)
    if failed >= 0:
        raise not_positive_definite(failed)
    return inverses.swapaxes(-1, -2).reshape(covariances.shape)


def precisions_from(factors: NDArray, family: Family) -> NDArray:
    """Inverse covariances from what `cholesky_factors` returns."""
    if family.diagonal:
        return factors**2
    return factors @ factors.swapaxes(-1, -2)


def covariances_from(precisions: NDArray, family: Family) -> NDArray:
    """Covariances from precisions."""
    if family.diagonal:
        return 1.0 / precisions
    inverted = np.linalg.inv(precisions)
    return 0.5 * (inverted + inverted.swapaxes(-1, -2))
