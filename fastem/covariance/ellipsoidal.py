"""Families whose covariances are full matrices: `full` and `tied`."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.covariance.family import (
    Bounds,
    Family,
    Parameters,
    compiled_covariances,
    not_positive_definite,
)
from fastem.density import HALF_BITS, Density, Ellipsoidal
from fastem.kernels import averages, matrices
from fastem.moments import Moments

#: Correlation matrices with eigenvalues below this, times D, are singular to rounding.
ROUNDING = 4 * float(np.finfo(np.float64).eps)


class Full(Family):
    """A covariance matrix for each component: Celeux and Govaert's [lambda_k C_k]."""

    name = "full"
    covariances_of: ClassVar[Any] = staticmethod(averages.full)

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components, n_features, n_features)."""
        return n_components, n_features, n_features

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K D (D + 1) / 2."""
        return n_components * n_features * (n_features + 1) // 2

    def factor(self, parameters: Parameters) -> Density:
        """One triangular factor for each component."""
        return factor_ellipsoids(parameters, parameters.covariances)

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """Weighted mean and covariance of each component's rows."""
        covariances = compiled_covariances(self, moments, bounds, start)
        return Parameters(moments.weights, moments.scatter()[1], raised(covariances, bounds.floor))

    def expand(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """The same."""
        return covariances

    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """Rows and columns times scale."""
        return covariances * scale[:, None] * scale


class Tied(Family):
    """One covariance matrix that all components share: Celeux and Govaert's [lambda C]."""

    name = "tied"
    shared = True
    covariances_of: ClassVar[Any] = staticmethod(averages.tied)

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_features, n_features)."""
        return n_features, n_features

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """D (D + 1) / 2."""
        return n_features * (n_features + 1) // 2

    def factor(self, parameters: Parameters) -> Density:
        """One triangular factor for all."""
        return factor_ellipsoids(parameters, parameters.covariances[None])

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """Weighted means, and the pooled covariance of the rows about them."""
        pooled = compiled_covariances(self, moments, bounds, start)
        return Parameters(moments.weights, moments.scatter()[1], raised(pooled, bounds.floor))

    def expand(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """Repeated for each component."""
        return np.broadcast_to(covariances, (n_components, n_features, n_features))

    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """Rows and columns times scale."""
        return covariances * scale[:, None] * scale


def factor_ellipsoids(parameters: Parameters, covariances: NDArray) -> Ellipsoidal:
    """Density from covariances (K, D, D), or (1, D, D) for all."""
    covariances = read_only(np.ascontiguousarray(covariances))
    scratch, inverses = np.empty(covariances.shape), np.zeros(covariances.shape)
    norms = np.empty(len(parameters.weights))
    weights = read_only(np.ascontiguousarray(parameters.weights))
    failed = matrices.factor(weights, covariances, HALF_BITS, scratch, inverses, norms)
    if failed >= 0:
        raise not_positive_definite(failed)
    inverses.flags.writeable = norms.flags.writeable = False
    return Ellipsoidal(read_only(parameters.means), inverses, norms)


def raised(covariances: NDArray, floor: float) -> NDArray:
    """Raise eigenvalues below the floor of a matrix, or of a stack of them, in place.

    The result can be factored, unless it is zero: a matrix singular to rounding is raised too.
    """
    n_features = covariances.shape[-1]
    stack = covariances.reshape(-1, n_features, n_features)
    rounding, passed = ROUNDING * n_features, np.empty(len(stack), np.bool_)
    if not matrices.above_floor(read_only(stack), floor, rounding, passed):
        for k in np.flatnonzero(~passed):
            values, vectors = np.linalg.eigh(stack[k])
            least = max(floor, 2 * rounding * values[-1])
            half = vectors * np.sqrt(np.maximum(values, least))
            stack[k] = half @ half.T
    return covariances
