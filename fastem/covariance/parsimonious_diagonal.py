"""Diagonal covariances of equal volume or shape: mclust's EII, EEI, VEI and EVI.

VII is `spherical` and VVI is `diag`. Covariances are variances (n_components, n_features), equal
ones repeated.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import decomposition
from fastem.covariance.axis_aligned import Diagonal
from fastem.covariance.decomposition import TINY
from fastem.covariance.family import Bounds, Parameters
from fastem.kernels import averages
from fastem.moments import Moments


class _EqualDiagonal(Diagonal):
    """Variances for each component and column, of which some must agree."""

    covariances_of: ClassVar[Any] = None

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """Weighted means, and the variances of the family."""
        _, means, spread = moments.scatter()
        spread = spread + bounds.ridge
        volumes = None
        if start is not None:
            # Of variances of one shape, but for a common factor.
            volumes = np.maximum(np.add.reduce(start.covariances, axis=1), TINY)
        variances = self._variances(moments.weights, spread, bounds.floor, volumes)
        return Parameters(moments.weights, means, variances)

    def _variances(
        self, shares: NDArray, spread: NDArray, floor: float, volumes: NDArray | None
    ) -> NDArray:
        raise NotImplementedError


class EII(Diagonal):
    """lambda I: one variance for all components and columns, Celeux and Govaert's [lambda I]."""

    name = "EII"
    shared = True
    per_column = False
    covariances_of: ClassVar[Any] = staticmethod(averages.equal_spherical)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """1."""
        return 1


class EEI(Diagonal):
    """lambda A: one variance for each column, Celeux and Govaert's [lambda B]."""

    name = "EEI"
    shared = True
    covariances_of: ClassVar[Any] = staticmethod(averages.equal_diagonal)

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """D."""
        return n_features


class VEI(_EqualDiagonal):
    """lambda_k A: proportional variances."""

    name = "VEI"

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K volumes and D - 1 for the shape."""
        return n_components + n_features - 1

    def _variances(
        self, shares: NDArray, spread: NDArray, floor: float, volumes: NDArray | None
    ) -> NDArray:
        """Celeux and Govaert's [lambda_k B], iterative."""
        return decomposition.varying_volume_equal_shape(shares, spread, floor, volumes)


class EVI(_EqualDiagonal):
    """lambda A_k: variances of equal product."""

    name = "EVI"

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """1 volume and K (D - 1) for the shapes."""
        return 1 + n_components * (n_features - 1)

    def _variances(
        self, shares: NDArray, spread: NDArray, floor: float, volumes: NDArray | None
    ) -> NDArray:
        """Celeux and Govaert's [lambda B_k]."""
        return decomposition.equal_volume_varying_shape(shares, spread, floor)
