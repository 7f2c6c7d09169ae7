"""When EM has converged: rules that `em.run` asks after every pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import Parameters
from fastem.density import HALF_BITS, Density
from fastem.kernels.convergence import GO_ON, HOPELESS, Memory, expected_gain, judge
from fastem.validation import same_arrays

#: What is remembered of earlier passes.
STATE = "before", "sizes", "rates", "n_seen", "levels"


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
        self._memory: Memory | None = None

    def update(self, level: float, point: Parameters, image: Parameters, density: Density) -> bool:
        """Whether EM has converged at `point`, which a step moves to `image`."""
        if self.least_weight > 0 and point.weights.min() < self.least_weight:
            self.dwindled = True
            return True
        if self.tol <= 0:
            return False
        place, onward = vector(point), vector(image)
        found = judge(
            level,
            place,
            onward,
            point.means.shape,
            density.is_noisy,
            density.factors.reshape(len(density.factors), -1),
            HALF_BITS,
            self.least,
            self.to_beat,
            self.begin(place.size),
        )
        self.hopeless = found == HOPELESS
        return found != GO_ON

    def begin(self, size: int) -> Memory:
        """What it remembers, of parameters so many: nothing before the first pass."""
        if self._memory is None:
            self._memory = Memory.empty(size)
        return self._memory

    def state(self) -> dict[str, NDArray]:
        """All that it remembers of earlier passes."""
        known = Memory.empty(0) if self._memory is None else self._memory
        return {name: getattr(known, name) for name in STATE}

    def restore(self, state: dict[str, NDArray], point: Parameters) -> None:
        """Remember that instead."""
        self._memory = None
        if state["before"].size:
            memory = self.begin(vector(point).size)
            same_arrays(state, self.state())
            self._memory = memory._replace(**state)

    @property
    def expected(self) -> float:
        """The gain still to be expected, in nats a row."""
        known = self._memory
        if known is None or not known.n_seen[0]:
            return np.inf
        return expected_gain(known.sizes, known.rates, known.n_seen)


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


def vector(parameters: Parameters) -> NDArray[np.float64]:
    """Weights, means and covariances one after the other."""
    weights, means, covariances = parameters
    return np.concatenate((weights, means.ravel(), covariances.ravel()))
