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
        n_components, n_features = start.means.shape
        spread = family.expand(start.covariances, n_components, n_features)
        if family.diagonal:
            spread = np.diagonal(spread, axis1=1, axis2=2)
        self._image = _pack(start.weights, start.means, spread)
        self._order = max(1, min(ORDER, HISTORY_BYTES // (16 * self._image.size)))
        self._n_components, self._n_features = n_components, n_features
        self.forget()

    def forget(self) -> None:
        """Drop the history, after a leap that failed: the plain EM step is taken in its place."""
        self._images: list[NDArray] = []
        self._residuals: list[NDArray] = []
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
        _, means, spread = moments.scatter()
        self._image = _pack(moments.weights, means, spread)
        self._images = [*self._images[-self._order :], self._image]
        self._residuals = [*self._residuals[-self._order :], self._image - self._point]
        with fork_waits(self._image.size):
            target = self._extrapolate() if len(self._images) > 1 else None
            self._point = self._image if target is None else target
            return None if target is None else self._at(target, moments, image)

    def _extrapolate(self) -> NDArray | None:
        """Walker and Ni's gamma by damped normal equations; None where it leaves the domain."""
        metric = self._metric(self._image)
        residuals = np.array(self._residuals) * metric
        steps = residuals[1:] - residuals[:-1]
        size = np.linalg.norm(steps)
        if not size > 0:
            return None
        steps, last = steps / size, residuals[-1] / size
        gram = steps @ steps.T
        gram.flat[:: len(gram) + 1] += CUTOFF
        gamma = np.linalg.solve(gram, steps @ last)
        images = np.array(self._images)
        target = self._image - gamma @ (images[1:] - images[:-1])
        weights, _, spread = self._unpack(target)
        variances = spread if spread.ndim == 2 else np.diagonal(spread, axis1=1, axis2=2)
        inside = (weights >= 0).all() and (variances > 0).all()
        return target if inside and np.isfinite(target).all() else None

    def _metric(self, point: NDArray) -> NDArray:
        """Square roots of the complete data's information, off-diagonal correlations left out."""
        weights, _, spread = self._unpack(point)
        weights = np.maximum(weights, 1e-12)
        variances = spread if spread.ndim == 2 else np.diagonal(spread, axis1=1, axis2=2)
        deviations = np.sqrt(np.maximum(variances, self._bounds.floor))
        share = np.sqrt(weights)[:, None]
        if spread.ndim == 2:
            second = share / variances.clip(self._bounds.floor) / np.sqrt(2.0)
        else:
            product = deviations[:, :, None] * deviations[:, None, :]
            second = share[:, :, None] / product / np.sqrt(2.0)
        return _pack(1.0 / share[:, 0], share / deviations, second)

    def _unpack(self, point: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        K, D = self._n_components, self._n_features
        shape = (K, D) if self._family.diagonal else (K, D, D)
        end = K + K * D
        return point[:K], point[K:end].reshape(K, D), point[end:].reshape(shape)

    def _at(self, point: NDArray, moments: Moments, image: Parameters | None) -> Parameters:
        """The M step from statistics instead of rows."""
        weights, means, spread = self._unpack(point)
        counts = moments.n_rows * weights
        second = counts.reshape((-1,) + (1,) * (spread.ndim - 1)) * spread
        statistics = Moments(means, moments.n_rows, 0.0, 0.0, counts, np.zeros_like(means), second)
        return self._family.maximise(statistics, self._bounds, image)


def _pack(weights: NDArray, means: NDArray, spread: NDArray) -> NDArray:
    return np.concatenate([weights, means.ravel(), spread.ravel()])
