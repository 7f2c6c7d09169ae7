"""When EM has converged: rules that `em.run` asks after every pass."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import Parameters
from fastem.density import HALF_BITS, Density
from fastem.kernels.information import measure_steps
from fastem.validation import same_arrays

#: Passes whose largest residual counts.
RESIDUALS = 3
#: Passes whose slowest rate of convergence counts.
RATES = 16
#: Runs that must reach a level are given up where this many times the expected gain does not.
REACH = 300.0
#: Passes without a new highest likelihood after which nothing but rounding moves.
STALLED = 50


class ExpectedGain:
    """Stop when the gain in mean log-likelihood still to be expected is below tol (nats a row).

    Near a maximum an EM step r = M(x) - x is (I - J) times the way e that is left to go, and the
    gain left is e' I_c (I - J) e / 2 = r' I_c (I - J)^-1 r / 2, where I_c is the information of the
    complete data and I - J the fraction of it that the rows carry (A. P. Dempster, N. M. Laird and
    D. B. Rubin 1977, section 3). The inverse is taken as its largest Rayleigh quotient over recent
    pairs of points, |dx|^2 / <dx, -dr> in the norm of I_c: for plain EM this is Aitken's
    1 / (1 - ratio) (D. Boehning et al., Ann. Inst. Stat. Math. 46 (1994) 373), and after an
    extrapolation it still sees the slow directions. Steps keep their digits where differences of
    likelihoods lose theirs, as in float32.

    Parameters
    ----------
    tol : float
        With 0 it never stops.
    precision : float
        A relative rounding error; a gain below it cannot be had.
    to_beat : float
        Stop as well where no end at this level is to be expected.
    least_weight : float
        Stop as well where a component's weight falls below this.

    Attributes
    ----------
    hopeless, dwindled : bool
        Whether that is why it stopped.
    """

    def __init__(
        self,
        tol: float,
        precision: float,
        to_beat: float = -np.inf,
        least_weight: float = 0.0,
    ) -> None:
        self.tol = tol
        self.to_beat, self.hopeless = to_beat, False
        self.least_weight, self.dwindled = least_weight, False
        self.least = max(tol, precision)
        self._sizes: deque[float] = deque(maxlen=RESIDUALS)
        self._rates: deque[float] = deque(maxlen=RATES)
        self._before: NDArray[np.float64] | None = None
        self._highest, self._stalled = -np.inf, 0

    def update(self, level: float, point: Parameters, image: Parameters, density: Density) -> bool:
        """Whether EM has converged at `point`, which a step moves to `image`."""
        if self.least_weight > 0 and point.weights.min() < self.least_weight:
            self.dwindled = True
            return True
        if self.tol <= 0:
            return False
        begins = self._before is None
        place, onward = _vector(point), _vector(image)
        if self._before is None:
            self._before, self._scratch = self._room(place.size)
        factors = density.factors.reshape(len(density.factors), -1)
        size, slowed, length = measure_steps(
            place,
            onward,
            point.means.shape,
            density.is_noisy,
            factors,
            HALF_BITS,
            self._before,
            self._scratch,
        )
        self._sizes.append(size)
        if length > 0 and not begins:
            # A negative quotient is a saddle or a plateau: no end is in sight.
            self._rates.append(max(1.0, length / slowed) if slowed > 0 else np.inf)
        self._stalled = 0 if level > self._highest else self._stalled + 1
        self._highest = max(level, self._highest)
        if len(self._sizes) < RESIDUALS:
            return False
        expected = self.expected
        self.hopeless = level + REACH * expected < self.to_beat
        return expected < self.least or self._stalled >= STALLED or self.hopeless

    def state(self) -> dict[str, NDArray]:
        """All that it remembers of earlier passes."""
        return {
            "sizes": np.array(self._sizes, float),
            "rates": np.array(self._rates, float),
            "before": np.empty((2, 0)) if self._before is None else self._before,
            "highest": np.array(self._highest),
            "stalled": np.array(self._stalled),
        }

    def restore(self, state: dict[str, NDArray], point: Parameters) -> None:
        """Remember that instead."""
        if len(state["sizes"]):
            self._before, self._scratch = self._room(_vector(point).size)
            same_arrays({"before": state["before"]}, {"before": self._before})
            self._before = state["before"]
        self._sizes.extend(state["sizes"].tolist())
        self._rates.extend(state["rates"].tolist())
        self._highest, self._stalled = float(state["highest"]), int(state["stalled"])

    @staticmethod
    def _room(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.zeros((2, size)), np.empty((3, size))

    @property
    def expected(self) -> float:
        """The gain still to be expected, in nats a row."""
        if not self._sizes:
            return np.inf
        size = max(self._sizes)
        return 0.5 * size * max(self._rates, default=1.0) if size > 0 else 0.0


class Change:
    """Stop one step after the mean log-likelihood changed by less than tol: scikit-learn's rule.

    An iteration there is a pass and the M step that follows it, so the step after the small change
    is taken before it stops. A small change says little about what is left to gain: slow
    convergence looks the same.

    Parameters
    ----------
    tol : float
        Nats a row.
    level : float
        Where an earlier run left off.
    """

    def __init__(self, tol: float, level: float = -np.inf) -> None:
        self.tol = tol
        self._level = level
        self._settled = False

    def update(self, level: float, point: Parameters, image: Parameters, density: Density) -> bool:
        """Whether the level had settled before the step that led to `point`."""
        before, self._settled = self._settled, abs(level - self._level) < self.tol
        self._level = level
        return before

    def state(self) -> dict[str, NDArray]:
        """All that it remembers of earlier passes."""
        return {"level": np.array(self._level), "settled": np.array(self._settled)}

    def restore(self, state: dict[str, NDArray], point: Parameters) -> None:
        """Remember that instead."""
        self._level, self._settled = float(state["level"]), bool(state["settled"])


def _vector(parameters: Parameters) -> NDArray[np.float64]:
    weights, means, covariances = parameters
    return np.concatenate((weights, means.ravel(), covariances.ravel()))
