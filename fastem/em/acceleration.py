"""Acceleration of EM: a quasi-Newton ascent that EM preconditions, safeguarded by the likelihood.

EM's step is the gradient of the likelihood, measured by the information of the complete data
(D. M. Titterington, J. R. Stat. Soc. B 46 (1984) 257). Limited-memory BFGS in that metric learns
from the last few steps what the complete data have and the rows lack. Its Hessian is definite, so
that it climbs away from saddles, towards which the extrapolation of a fixed point iteration leads.

Steps are taken in the space of sufficient statistics (weight, mean and scatter of each component's
rows) and not of parameters: an M step follows each, so the point lies in its covariance family
whatever the family is, and this file knows none of them.

Sources: K. Lange, Statistica Sinica 5 (1995) 1, and M. Jamshidian and R. I. Jennrich, J. R. Stat.
Soc. B 59 (1997) 569, for quasi-Newton acceleration of EM; J. Nocedal, Math. Comp. 35 (1980) 773.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import Bounds, Family, Parameters
from fastem.density import HALF_BITS, Density
from fastem.kernels.forks import fork_waits
from fastem.kernels.jit import read_only
from fastem.kernels.quasi_newton import ascend, land
from fastem.moments import Moments
from fastem.validation import same_arrays

#: Steps that a leap learns from, at most.
ORDER = 8
#: Bytes that these may take.
HISTORY_BYTES = 2**26
#: Length of a leap over that of the plain step, at most.
LONGEST = 10.0
#: Halvings of a leap that leaves the domain, before the plain step is taken instead.
HALVINGS = 4
#: What is remembered of earlier steps.
STATE = "image", "point", "before", "seen", "pairs", "white"


class Plain:
    """EM as it is: no leaps."""

    def __init__(self, family: Family, bounds: Bounds, start: Parameters) -> None:
        pass

    def step(
        self, density: Density, moments: Moments, image: Parameters | None = None
    ) -> Parameters | None:
        """Where to leap: nowhere."""

    def reject(self) -> None:
        """Nothing to take back."""

    def state(self) -> dict[str, NDArray]:
        """Nothing to remember."""
        return {}

    def restore(self, state: dict[str, NDArray], point: Parameters) -> None:
        """Nothing to remember."""


class QuasiNewton:
    """Leap along EM's step, turned and stretched by what the last steps have taught."""

    def __init__(self, family: Family, bounds: Bounds, start: Parameters) -> None:
        self._family, self._bounds = family, bounds
        K, D = self._shape = start.means.shape
        spread = family.expand(start.covariances, K, D)
        if family.diagonal:
            spread = np.diagonal(spread, axis1=1, axis2=2)
        self._spread_shape = spread.shape
        self._image = np.concatenate([start.weights, start.means.ravel(), spread.ravel()])
        self._point = self._image
        self._still = np.zeros((K, D))
        size = self._image.size
        # No more pairs than dimensions: nothing would be learnt, and the scratch is that long.
        order = max(1, min(ORDER, size, HISTORY_BYTES // (32 * size)))
        self._before, self._seen = np.zeros((2, size)), np.array([-1, 0])
        self._pairs, self._white = np.zeros((2, order, size)), np.zeros((2, order + 1, size + 1))
        self._matrices = np.empty((0 if family.diagonal else K, D, D))

    def reject(self) -> None:
        """The leap led down: the plain EM step is taken in its place."""
        self._point = self._image

    def step(
        self, density: Density, moments: Moments, image: Parameters | None = None
    ) -> Parameters | None:
        """Where to leap after a pass at the present point; None is the plain EM step.

        Parameters
        ----------
        density : Density
            Of the present point.
        moments : Moments
            Of the rows there.
        image : Parameters, optional
            Where the plain step leads: iterative M steps begin there.
        """
        self._image = moments.statistics
        leap = np.empty(self._image.shape)
        found = ascend(
            read_only(self._image),
            read_only(self._point),
            self._shape,
            density.is_noisy,
            density.factors.reshape(len(density.factors), -1),
            HALF_BITS,
            self._before,
            self._seen,
            self._pairs,
            self._white,
            LONGEST,
            leap,
        )
        target = self._landed(leap, density.is_noisy) if found else None
        self._point = self._image if target is None else target
        return None if target is None else self._at(target, moments.n_rows, image)

    def state(self) -> dict[str, NDArray]:
        """All that it remembers of earlier steps."""
        return {name: getattr(self, f"_{name}") for name in STATE}

    def restore(self, state: dict[str, NDArray], point: Parameters) -> None:
        """Remember that instead."""
        same_arrays(state, self.state())
        order = self._pairs.shape[1]
        n_pairs, slot = state["seen"]
        if not (-1 <= n_pairs <= order and 0 <= slot < order):
            raise ValueError(f"seen is {state['seen']}")
        for name in STATE:
            setattr(self, f"_{name}", state[name])

    def _landed(self, leap: NDArray, noisy: bool) -> NDArray | None:
        """The end of the leap, halved until it is in the domain."""
        target, point = np.empty(leap.shape), read_only(self._point)
        shape, floor = self._shape, self._bounds.floor
        for _ in range(1 + HALVINGS):
            if land(point, leap, shape, noisy, floor, self._matrices, target):
                target.flags.writeable = False
                return target
            leap *= 0.5
        return None

    def _at(self, point: NDArray, n_rows: float, image: Parameters | None) -> Parameters:
        """The M step from statistics instead of rows."""
        K, D = self._shape
        counts, means = n_rows * point[:K], point[K : K + K * D].reshape(K, D)
        second = (counts[:, None] * point[K + K * D :].reshape(K, -1)).reshape(self._spread_shape)
        statistics = Moments(means, n_rows, 0.0, 0.0, counts, self._still, second)
        with fork_waits(point.size):
            return self._family.maximise(statistics, self._bounds, image)
