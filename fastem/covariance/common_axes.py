"""Ellipsoids of one orientation and varying shapes: mclust's EVE and VVE.

R. P. Browne and P. D. McNicholas, Adv. Data Anal. Classif. 8 (2014) 217, showed that the
objective can be majorised; here every majorisation is minimised over a rotation of two axes, as
B. N. Flury and W. Gautschi, SIAM J. Sci. Stat. Comput. 7 (1986) 169, do for VVE.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import decomposition
from fastem.covariance.decomposition import SHARE, TINY
from fastem.covariance.parsimonious_ellipsoidal import EqualEllipsoids, n_rotation
from fastem.kernels.orientation import common_axes

#: The last sweep turns no axis by more than this, in radians.
ANGLE = 1e-9
MAX_SWEEPS = 1000
#: Matrices share axes along which they have no larger elements off their diagonals, as a share of
#: their traces.
ALIGNED = 1e-9


class VVE(EqualEllipsoids):
    """Common principal axes, Celeux and Govaert's [lambda_k D A_k D']."""

    name = "VVE"
    per_column = False
    equal_volume = False

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """K D variances and D (D - 1) / 2 for the orientation."""
        return n_components * n_features + n_rotation(n_features)

    def _covariances(
        self, shares: NDArray, scatter: NDArray, floor: float, start: NDArray | None
    ) -> NDArray:
        """Axes by rotations, from the present ones or the likeliest of a few; then variances.

        Begun at the present axes the expected log-likelihood never falls, though it may have
        several maxima over orientations.
        """
        share = 0.0 if start is None else SHARE
        axes = None if start is None else _shared_axes(start)
        if axes is None:
            axes = self._likeliest_axes(shares, scatter, floor, start)
        rotated = np.ascontiguousarray(axes.T @ scatter @ axes)
        begun, lowest = axes.copy(), max(floor, TINY)
        common_axes(shares, rotated, axes, lowest, self.equal_volume, ANGLE, share, MAX_SWEEPS)
        spread = np.maximum(np.einsum("kdd->kd", rotated), 0.0)
        variances = self._variances(shares, spread, floor)
        if variances.min() <= floor:
            # What the rotations minimise knows of the floor, but not what it costs the others.
            along = _along(begun, scatter)
            if self._loss(shares, along, floor) < self._loss(shares, spread, floor):
                return decomposition.orient(begun, self._variances(shares, along, floor))
        return decomposition.orient(axes, variances)

    def _likeliest_axes(
        self, shares: NDArray, scatter: NDArray, floor: float, start: NDArray | None
    ) -> NDArray:
        """The best of the axes of each component, of their average, and of `start`."""
        candidates = [np.einsum("k,kde->de", shares, scatter)[None], scatter]
        frames = np.linalg.eigh(np.concatenate(candidates if start is None else [start]))[1]
        losses = [self._loss(shares, _along(frame, scatter), floor) for frame in frames]
        return np.ascontiguousarray(frames[int(np.argmin(losses))])

    def _loss(self, shares: NDArray, spread: NDArray, floor: float) -> float:
        """The objective of `decomposition` along given axes, variances at their best."""
        variances = np.maximum(self._variances(shares, spread, floor), TINY)
        return float(shares @ (np.log(variances) + spread / variances).sum(axis=1))

    def _variances(self, shares: NDArray, spread: NDArray, floor: float) -> NDArray:
        """Given the axes, those of `diag`."""
        return decomposition.varying_volume_varying_shape(shares, spread, floor)


class EVE(VVE):
    """Common principal axes and equal determinants, Celeux and Govaert's [lambda D A_k D']."""

    name = "EVE"
    equal_volume = True

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """1 volume, K (D - 1) for the shapes and D (D - 1) / 2 for the orientation."""
        return 1 + n_components * (n_features - 1) + n_rotation(n_features)

    def _variances(self, shares: NDArray, spread: NDArray, floor: float) -> NDArray:
        """Given the axes, those of EVI."""
        return decomposition.equal_volume_varying_shape(shares, spread, floor)


def _shared_axes(covariances: NDArray) -> NDArray | None:
    """The axes, in columns, that matrices (n_components, D, D) share, or None if they do not."""
    # Any sum of them has these axes too; such weights keep axes apart that a plain sum would make a
    # sphere of.
    traces = np.einsum("kdd->k", covariances)
    mixing = np.linspace(1.0, 2.0, len(covariances)) / np.maximum(traces, TINY)
    axes = np.linalg.eigh(np.einsum("k,kde->de", mixing, covariances))[1]
    rotated = axes.T @ covariances @ axes
    np.einsum("kdd->kd", rotated)[...] = 0.0
    apart = np.abs(rotated).max(axis=(1, 2)) > ALIGNED * traces
    return None if apart.any() else np.ascontiguousarray(axes)


def _along(axes: NDArray, scatter: NDArray) -> NDArray:
    """Variances along axes in columns, (n_components, n_features)."""
    return np.maximum(np.einsum("dj,kde,ej->kj", axes, scatter, axes), 0.0)
