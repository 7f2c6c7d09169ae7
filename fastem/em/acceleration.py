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

from fastem.compiler.options import read_only
from fastem.covariance import Bounds, Family, Parameters
from fastem.density import HALF_BITS, Density
from fastem.kernels.quasi_newton import Memory, leap
from fastem.moments import Moments
from fastem.validation import same_arrays

#: What is remembered of earlier steps, beside where the last one led.
STATE = "before", "seen", "pairs", "white"


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
        self.image = np.concatenate([start.weights, start.means.ravel(), spread.ravel()])
        self.point = self.image
        self._still = np.zeros((K, D))
        self.memory = Memory.empty(self.image.size, 0 if family.diagonal else K, D)

    def reject(self) -> None:
        """The leap led down: the plain EM step is taken in its place."""
        self.point = self.image

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
        self.image = moments.statistics
        target = np.empty(self.image.shape)
        found = leap(
            read_only(self.image),
            read_only(self.point),
            self._shape,
            density.is_noisy,
            density.factors.reshape(len(density.factors), -1),
            HALF_BITS,
            self._bounds.floor,
            self.memory,
            target,
        )
        if not found:
            self.point = self.image
            return None
        target.flags.writeable = False
        self.point = target
        return self.land(moments.n_rows, image)

    def state(self) -> dict[str, NDArray]:
        """All that it remembers of earlier steps."""
        remembered = {name: getattr(self.memory, name) for name in STATE}
        return {"image": self.image, "point": self.point, **remembered}

    def restore(self, state: dict[str, NDArray], point: Parameters) -> None:
        """Remember that instead."""
        same_arrays(state, self.state())
        order = self.memory.pairs.shape[1]
        n_pairs, slot = state["seen"]
        if not (-1 <= n_pairs <= order and 0 <= slot < order):
            raise ValueError(f"seen is {state['seen']}")
        self.image, self.point = state["image"], state["point"]
        self.memory = self.memory._replace(**{name: state[name] for name in STATE})

    def land(self, n_rows: float, image: Parameters | None) -> Parameters:
        """The M step at `point`, from statistics of so many rows."""
        K, D = self._shape
        point = self.point
        counts, means = n_rows * point[:K], point[K : K + K * D].reshape(K, D)
        second = (counts[:, None] * point[K + K * D :].reshape(K, -1)).reshape(self._spread_shape)
        statistics = Moments(means, n_rows, 0.0, 0.0, counts, self._still, second)
        return self._family.maximise(statistics, self._bounds, image)
