"""Ellipsoids of equal volume or shape, mclust's VEE, EEV, VEV and EVV.

EEE is `tied` and VVV is `full`; those of one orientation and varying shapes are in `common_axes`.
Covariances are matrices (n_components, n_features, n_features).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import decomposition
from fastem.covariance.decomposition import MAX_STEPS, SHARE, TINY, TOLERANCE
from fastem.covariance.ellipsoidal import ROUNDING, Full, raised
from fastem.covariance.family import Bounds, Parameters
from fastem.kernels.proportional import proportional_matrices
from fastem.moments import Moments


class EqualEllipsoids(Full):
    """A matrix for each component, of which volume, shape or orientation must agree."""

    covariances_of: ClassVar[Any] = None

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """Weighted means, and the covariances of the family.

        Matrices singular to rounding are raised as those of `full` are.
        """
        _, means, scatter = moments.scatter()
        if bounds.ridge.any():
            scatter = scatter + np.diag(bounds.ridge)
        previous = None if start is None else start.covariances
        covariances = self._covariances(moments.weights, scatter, bounds.floor, previous)
        return Parameters(moments.weights, means, raised(covariances, bounds.floor))

    def _covariances(
        self, shares: NDArray, scatter: NDArray, floor: float, start: NDArray | None
    ) -> NDArray:
        raise NotImplementedError


class VEE(EqualEllipsoids):
    """lambda_k C: proportional matrices."""

    name = "VEE"

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K volumes, D - 1 for the shape and D (D - 1) / 2 for the orientation."""
        return n_components + n_features - 1 + n_rotation(n_features)

    def _covariances(
        self, shares: NDArray, scatter: NDArray, floor: float, start: NDArray | None
    ) -> NDArray:
        """Celeux and Govaert's [lambda_k C], iterative."""
        volumes = _volumes(scatter, floor) if start is None else _traces(start)
        share = 0.0 if start is None else SHARE
        free, matrices = volumes.copy(), np.zeros((3, *scatter.shape[1:]))
        if proportional_matrices(shares, scatter, free, matrices, TOLERANCE, share, MAX_STEPS):
            covariances = free[:, None, None] * matrices[0]
            half = matrices[2]  # whose squares sum up to the trace of the inverse, above 1 / least
            if free.min() / np.vdot(half, half) >= floor:
                return covariances
            if free.min() * np.linalg.eigvalsh(matrices[0])[0] >= floor:
                return covariances
        return _proportional_above(shares, scatter, floor, volumes, share)


def _proportional_above(
    shares: NDArray, scatter: NDArray, floor: float, volumes: NDArray, share: float
) -> NDArray:
    """What `proportional_matrices` does, with eigenvalues raised to the floor at each half step."""
    n_features, tolerance = scatter.shape[1], TOLERANCE
    for step in range(MAX_STEPS):
        pooled = np.einsum("k,kde->de", shares / volumes, scatter)
        spread, axes = np.linalg.eigh(pooled)
        least = max(floor, TINY) / volumes.min()
        spread = np.maximum(spread, max(least, 2 * ROUNDING * n_features * spread[-1]))
        traces = ((scatter @ axes) * axes).sum(axis=1) @ (1.0 / spread)
        before, volumes = volumes, np.maximum(traces / n_features, TINY)
        if floor > 0:
            volumes = np.maximum(volumes, floor / spread[0])
        change = float((np.abs(volumes - before) / volumes).max())
        if step == 0:
            tolerance = max(tolerance, share * change)
        if change <= tolerance:
            break
    return decomposition.orient(axes, volumes[:, None] * spread)


class _OwnAxes(EqualEllipsoids):
    """Orientations of their own: those of each component's scatter, whatever the variances are.

    Axes are taken in the order of their variances, and every structure keeps that order, so by von
    Neumann's inequality no other orientation does better.
    """

    per_column = False

    def _covariances(
        self, shares: NDArray, scatter: NDArray, floor: float, start: NDArray | None
    ) -> NDArray:
        spread, axes = np.linalg.eigh(scatter)
        spread = np.maximum(spread, 0.0)
        return decomposition.orient(axes, self._variances(shares, spread, floor, start))

    def _variances(
        self, shares: NDArray, spread: NDArray, floor: float, start: NDArray | None
    ) -> NDArray:
        raise NotImplementedError


class EEV(_OwnAxes):
    """lambda D_k A D_k': equal but for orientation."""

    name = "EEV"

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """1 volume, D - 1 for the shape and K D (D - 1) / 2 for the orientations."""
        return n_features + n_components * n_rotation(n_features)

    def _variances(
        self, shares: NDArray, spread: NDArray, floor: float, start: NDArray | None
    ) -> NDArray:
        """Celeux and Govaert's [lambda D_k A D_k']."""
        return decomposition.equal_volume_equal_shape(shares, spread, floor)


class VEV(_OwnAxes):
    """lambda_k D_k A D_k': one shape."""

    name = "VEV"

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K volumes, D - 1 for the shape and K D (D - 1) / 2 for the orientations."""
        return n_components + n_features - 1 + n_components * n_rotation(n_features)

    def _variances(
        self, shares: NDArray, spread: NDArray, floor: float, start: NDArray | None
    ) -> NDArray:
        """Celeux and Govaert's [lambda_k D_k A D_k'], iterative."""
        volumes = None if start is None else _traces(start)
        return decomposition.varying_volume_equal_shape(shares, spread, floor, volumes)


class EVV(_OwnAxes):
    """lambda D_k A_k D_k': matrices of equal determinant."""

    name = "EVV"
    per_column = True

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """1 volume and K (D (D + 1) / 2 - 1) for the rest."""
        return 1 + n_components * (n_features - 1 + n_rotation(n_features))

    def _variances(
        self, shares: NDArray, spread: NDArray, floor: float, start: NDArray | None
    ) -> NDArray:
        """Celeux and Govaert's [lambda C_k]."""
        return decomposition.equal_volume_varying_shape(shares, spread, floor)


def n_rotation(n_features: int) -> int:
    """Free parameters of an orientation, D (D - 1) / 2."""
    return n_features * (n_features - 1) // 2


def _volumes(covariances: NDArray, floor: float) -> NDArray:
    """|Sigma_k|^(1/D), singular matrices raised."""
    spread = np.linalg.eigvalsh(covariances)
    return decomposition.geometric_means(np.maximum(spread, max(floor, TINY)))


def _traces(covariances: NDArray) -> NDArray:
    """Volumes of matrices of one shape, but for a common factor."""
    return np.maximum(np.einsum("kdd->k", covariances), TINY)
