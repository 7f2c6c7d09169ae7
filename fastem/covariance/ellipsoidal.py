"""Families whose covariances are full matrices: `full` and `tied`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.covariance.family import Bounds, Family, Parameters, not_positive_definite
from fastem.density import HALF_BITS, Density, Ellipsoidal
from fastem.kernels import matrices
from fastem.kernels.averaged import average
from fastem.moments import Moments

#: Correlation matrices with eigenvalues below this, times D, are singular to rounding.
ROUNDING = 4 * float(np.finfo(np.float64).eps)


class Full(Family):
    """A covariance matrix for each component: Celeux and Govaert's [lambda_k C_k]."""

    name = "full"
    averages: tuple[bool, bool] | None = (False, False)

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
        _, means, covariances = moments.scatter()
        return Parameters(moments.weights, means, bound(covariances, bounds))

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
    averages: tuple[bool, bool] | None = (True, False)

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
        _, means, covariances = moments.scatter()
        pooled, ridge = np.empty((1, *covariances.shape[1:])), read_only(bounds.ridge)
        # Not by BLAS, whose bits differ from one type of processor to another.
        average((True, False), moments.statistics, means.shape, ridge, bounds.floor, pooled)
        return Parameters(moments.weights, means, bound(pooled, bounds)[0])

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


def bound(covariances: NDArray, bounds: Bounds) -> NDArray:
    """Add the ridge to, and raise eigenvalues below the floor of, a stack (n, D, D) of matrices.

    The result can be factored, unless it is zero: a matrix singular to rounding is raised too.
    """
    covariances, ridge = read_only(np.ascontiguousarray(covariances)), read_only(bounds.ridge)
    rounding = ROUNDING * covariances.shape[-1]
    bounded, passed = np.empty(covariances.shape), np.empty(len(covariances), np.bool_)
    if matrices.above_floor(covariances, ridge, bounds.floor, rounding, bounded, passed):
        return bounded
    for k in np.flatnonzero(~passed):
        values, vectors = np.linalg.eigh(bounded[k])
        floor = max(bounds.floor, 2 * rounding * values[-1])
        half = vectors * np.sqrt(np.maximum(values, floor))
        bounded[k] = half @ half.T
    return bounded
