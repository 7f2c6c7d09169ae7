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


class VVE(EqualEllipsoids):
    """lambda_k D A_k D': common principal axes."""

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
        if start is None:
            candidates = np.concatenate([np.tensordot(shares, scatter, axes=1)[None], scatter])
        else:
            # Where components share their axes, so does any sum of them; these weights keep
            # axes apart that a plain sum would make a sphere of.
            mixing = np.linspace(1.0, 2.0, len(shares))
            mixing /= np.maximum(np.trace(start, axis1=1, axis2=2), TINY)
            candidates = np.concatenate([np.tensordot(mixing, start, axes=1)[None], start])
        frames = np.linalg.eigh(candidates)[1]
        losses = [self._loss(shares, _along(frame, scatter), floor) for frame in frames]
        axes = np.ascontiguousarray(frames[int(np.argmin(losses))])
        rotated = np.ascontiguousarray(axes.T @ scatter @ axes)
        lowest = max(floor, TINY)
        share = 0.0 if start is None else SHARE
        common_axes(shares, rotated, axes, lowest, self.equal_volume, ANGLE, share, MAX_SWEEPS)
        return decomposition.orient(axes, self._variances(shares, _along(axes, scatter), floor))

    def _loss(self, shares: NDArray, spread: NDArray, floor: float) -> float:
        """The objective of `decomposition` along given axes, variances at their best."""
        variances = np.maximum(self._variances(shares, spread, floor), TINY)
        return float(shares @ (np.log(variances) + spread / variances).sum(axis=1))

    def _variances(self, shares: NDArray, spread: NDArray, floor: float) -> NDArray:
        """Given the axes, those of `diag`."""
        return decomposition.varying_volume_varying_shape(shares, spread, floor)


class EVE(VVE):
    """lambda D A_k D': common principal axes and equal determinants."""

    name = "EVE"
    equal_volume = True

    def n_covariance_parameters(self, n_components: int, n_features: int) -> int:
        """1 volume, K (D - 1) for the shapes and D (D - 1) / 2 for the orientation."""
        return 1 + n_components * (n_features - 1) + n_rotation(n_features)

    def _variances(self, shares: NDArray, spread: NDArray, floor: float) -> NDArray:
        """Given the axes, those of EVI."""
        return decomposition.equal_volume_varying_shape(shares, spread, floor)


def _along(axes: NDArray, scatter: NDArray) -> NDArray:
    """Variances along axes in columns, (n_components, n_features)."""
    return np.maximum(np.einsum("dj,kde,ej->kj", axes, scatter, axes), 0.0)
