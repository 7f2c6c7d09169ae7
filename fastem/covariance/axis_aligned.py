"""Families whose covariances are diagonal: `diag` and `spherical`."""

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
from fastem.density import HALF_BITS, AxisAligned, Density
from fastem.kernels import averages, matrices
from fastem.moments import Moments


class Diagonal(Family):
    """A variance for each component and column: Celeux and Govaert's [lambda_k B_k]."""

    name = "diag"
    diagonal = True
    covariances_of: ClassVar[Any] = staticmethod(averages.diagonal)

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components, n_features)."""
        return n_components, n_features

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K D."""
        return n_components * n_features

    def factor(self, parameters: Parameters) -> Density:
        """One factor for each component and column."""
        return factor_variances(parameters, parameters.covariances)

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """Weighted mean and variances of each component's rows."""
        variances = compiled_covariances(self, moments, bounds, start)
        return Parameters(moments.weights, moments.scatter()[1], variances)

    def expand(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """Variances on the diagonals."""
        return covariances[:, :, None] * np.eye(n_features)

    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """Variances times scale squared."""
        return covariances * scale * scale


class Spherical(Family):
    """One variance for each component: Celeux and Govaert's [lambda_k I]."""

    name = "spherical"
    per_column = False
    diagonal = True
    covariances_of: ClassVar[Any] = staticmethod(averages.spherical)

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """(n_components,)."""
        return (n_components,)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K."""
        return n_components

    def factor(self, parameters: Parameters) -> Density:
        """One factor for each component, for all columns."""
        shape = parameters.means.shape
        return factor_variances(
            parameters, np.repeat(parameters.covariances, shape[1]).reshape(shape)
        )

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """Weighted mean of each component's rows, and their variance averaged over the columns."""
        variances = compiled_covariances(self, moments, bounds, start)
        return Parameters(moments.weights, moments.scatter()[1], variances)

    def expand(self, covariances: NDArray, n_components: int, n_features: int) -> NDArray:
        """Multiples of the identity."""
        return covariances[:, None, None] * np.eye(n_features)

    def rescale(self, covariances: NDArray, scale: NDArray) -> NDArray:
        """Variances times the one scale squared."""
        return covariances * scale[0] * scale[0]


def factor_variances(parameters: Parameters, variances: NDArray) -> AxisAligned:
    """Density from variances (n_components, n_features)."""
    inverses, norms = np.empty(variances.shape), np.empty(len(variances))
    weights, variances = read_only(parameters.weights), read_only(variances)
    failed = matrices.factor_diagonal(weights, variances, HALF_BITS, inverses, norms)
    if failed >= 0:
        raise not_positive_definite(failed)
    inverses.flags.writeable = norms.flags.writeable = False
    return AxisAligned(read_only(parameters.means), inverses, norms)
