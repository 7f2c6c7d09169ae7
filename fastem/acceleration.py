"""Acceleration of EM: Anderson's extrapolation of the EM map, safeguarded by the likelihood.

The map is taken in the space of sufficient statistics (weight, mean and scatter of each component's
rows) and not of parameters: an M step follows every extrapolation, so the point lies in its
covariance family whatever the family is, and this file knows none of them.

Sources: D. G. Anderson, J. ACM 12 (1965) 547; H. F. Walker and P. Ni, SIAM J. Numer. Anal. 49
(2011) 1715, equation 2.3; N. C. Henderson and R. Varadhan, J. Comput. Graph. Stat. 28 (2019) 834,
for the safeguard by the likelihood and the restarts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import Bounds, Family, Parameters
from fastem.kernels.extrapolation import extrapolate
from fastem.kernels.jit import fork_waits
from fastem.moments import Moments

#: Steps of history that an extrapolation uses at most.
ORDER = 8
#: Bytes that the history may take.
HISTORY_BYTES = 2**26
#: Directions whose share of the history's variance is below this are left out.
CUTOFF = 1e-12


class Plain:
    """EM as it is: no leaps."""

    def __init__(self, family: Family, bounds: Bounds, start: Parameters) -> None:
        pass

    def step(self, moments: Moments, image: Parameters | None = None) -> Parameters | None:
        """Where to leap: nowhere."""

    def forget(self) -> None:
        """Nothing to forget."""


class Anderson:
    """Extrapolate from the last few steps, weighted by the information of the complete data."""

    def __init__(self, family: Family, bounds: Bounds, start: Parameters) -> None:
        self._family, self._bounds = family, bounds
        n_components, n_features = self._shape = start.means.shape
        spread = family.expand(start.covariances, n_components, n_features)
        if family.diagonal:
            spread = np.diagonal(spread, axis1=1, axis2=2)
        self._spread_shape = spread.shape
        self._image = np.concatenate([start.weights, start.means.ravel(), spread.ravel()])
        size = self._image.size
        order = max(1, min(ORDER, HISTORY_BYTES // (16 * size)))
        self._last, self._steps = np.empty((2, size)), np.empty((2, order, size))
        self._scratch = np.empty((order, order + 1)), np.empty((2, size))
        self.forget()

    def forget(self) -> None:
        """Drop the history, after a leap that failed: the plain EM step is taken in its place."""
        self._n_seen = 0
        self._point = self._image

    def step(self, moments: Moments, image: Parameters | None = None) -> Parameters | None:
        """Where to leap after a pass at the present point; None is the plain EM step.

        Parameters
        ----------
        moments : Moments
            Of the rows at the present point.
        image : Parameters, optional
            Where the plain step leads: iterative M steps begin there.
        """
        self._image, target = moments.statistics, np.empty(self._image.size)
        leaps = extrapolate(
            self._image,
            self._point,
            self._n_seen,
            self._shape,
            self._bounds.floor,
            CUTOFF,
            self._last,
            self._steps,
            *self._scratch,
            target,
        )
        self._n_seen += 1
        self._point = target if leaps else self._image
        return self._at(target, moments.n_rows, image) if leaps else None

    def _at(self, point: NDArray, n_rows: float, image: Parameters | None) -> Parameters:
        """The M step from statistics instead of rows."""
        K, D = self._shape
        counts, means = n_rows * point[:K], point[K : K + K * D].reshape(K, D)
        spread = point[K + K * D :].reshape(self._spread_shape)
        second = counts.reshape((K,) + (1,) * (spread.ndim - 1)) * spread
        statistics = Moments(means, n_rows, 0.0, 0.0, counts, np.zeros((K, D)), second)
        with fork_waits(point.size):
            return self._family.maximise(statistics, self._bounds, image)
