"""Precisions, which scikit-learn's users give and read: inverse covariances and their factors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.compiler.options import read_only
from fastem.covariance import Family
from fastem.kernels.matrices import factor
from fastem.search.starts import UserStart


def cholesky_factors(covariances: NDArray, family: Family) -> NDArray:
    """Upper triangular U with U U' the precision; 1 / standard deviation for diagonal families."""
    if family.diagonal:
        return 1.0 / np.sqrt(covariances)
    n_features = covariances.shape[-1]
    stack = covariances.reshape(-1, n_features, n_features)
    scratch, inverses, norms = np.empty_like(stack), np.zeros_like(stack), np.empty(len(stack))
    failed = factor(read_only(np.ones(len(stack))), read_only(stack), 1.0, scratch, inverses, norms)
    if failed >= 0:
        raise np.linalg.LinAlgError(f"covariance {failed} is not positive definite")
    return inverses.swapaxes(-1, -2).reshape(covariances.shape)


def from_factors(factors: NDArray, family: Family) -> NDArray:
    """Inverse covariances from what `cholesky_factors` returns."""
    if family.diagonal:
        return factors**2
    return factors @ factors.swapaxes(-1, -2)


def covariances(inverses: NDArray, family: Family) -> NDArray:
    """Covariances from precisions."""
    if family.diagonal:
        return 1.0 / inverses
    inverted = np.linalg.inv(inverses)
    return 0.5 * (inverted + inverted.swapaxes(-1, -2))


def given_start(
    weights: Any, means: Any, precisions: Any, family: Family, n_components: int, n_features: int
) -> UserStart:
    """The start that the user gives, whole or in part."""
    K, D = n_components, n_features
    if weights is not None:
        weights = shaped(weights, "weights_init", "weights", (K,))
        _check_weights(weights)
    if means is not None:
        means = shaped(means, "means_init", "means", (K, D))
    spread = None
    if precisions is not None:
        name = f"{family.name} precision"
        precisions = shaped(precisions, "precisions_init", name, family.shape(K, D))
        check_positive(precisions, name, family)
        spread = covariances(precisions, family)
    return UserStart(weights, means, spread, family)


def shaped(
    value: ArrayLike, argument: str, name: str, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """An array of that shape; the argument is fastem's name for it, the other scikit-learn's."""
    array = validation.numeric(value, argument)
    array = validation.parameter(array, argument, array.shape)
    if array.shape != shape:
        raise ValueError(
            f"The parameter '{name}' should have the shape of {shape}, but got {array.shape}"
        )
    return array


def _check_weights(weights: NDArray) -> None:
    if (weights < 0).any() or (weights > 1).any():
        raise ValueError(
            f"The parameter 'weights' should be in the range [0, 1], but got max value "
            f"{weights.max():.5f}, min value {weights.min():.5f}"
        )
    # float32 weights sum to 1 within their own rounding.
    if abs(weights.sum() - 1) > 1e-6:
        raise ValueError(
            f"The parameter 'weights' should be normalized, but got sum(weights) = "
            f"{weights.sum():.5f}; divide them by their sum"
        )


def check_positive(array: NDArray, name: str, family: Family) -> None:
    """Refuse what is no precision or covariance of the family."""
    if family.diagonal:
        if (array <= 0).any():
            raise ValueError(f"'{name}' should be positive, but its smallest is {array.min():g}")
        return
    mirrored = array.swapaxes(-1, -2)
    symmetric = np.allclose(array, mirrored)
    smallest = np.linalg.eigvalsh(0.5 * (array + mirrored)).min()
    if not symmetric or smallest <= 0:
        found = f"its smallest eigenvalue is {smallest:g}" if symmetric else "it is not symmetric"
        raise ValueError(f"'{name}' should be symmetric, positive-definite, but {found}")
