"""Weights, means and precisions that scikit-learn's users give, checked in its words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.covariance import Family
from fastem.covariance.precisions import covariances_from
from fastem.search.starts import UserStart


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
        spread = covariances_from(precisions, family)
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
