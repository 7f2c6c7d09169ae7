"""Priors of mixing weights, and the posteriors that rows turn them into.

    Dirichlet      weights ~ Dirichlet(g, ..., g)
    StickBreaking  weight_k = v_k (1 - v_1) ... (1 - v_k-1),  v_k ~ Beta(1, g)

The second is a Dirichlet process, cut off at K components (D. M. Blei and M. I. Jordan, Bayesian
Analysis 1 (2006) 121); for the first see C. M. Bishop, Pattern Recognition and Machine Learning
(2006), section 10.2. Both are told how many rows each component has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy  # whose `special` is imported when it is first used: it is slow to
from numpy.typing import NDArray


@dataclass(frozen=True)
class WeightPrior(ABC):
    """What all of them answer of the rows that components have, `counts` (n_components,).

    Parameters
    ----------
    concentration : float
        g.
    """

    concentration: float
    #: Whether components are of equal standing, in whatever order.
    exchangeable: ClassVar[bool]

    @abstractmethod
    def posterior(self, counts: NDArray) -> NDArray[np.float64]:
        """Parameters of the posterior: (n_components,), or (2, n_components) for sticks."""

    @abstractmethod
    def counts(self, posterior: NDArray) -> NDArray[np.float64]:
        """The rows that lead to a posterior."""

    @abstractmethod
    def weights(self, counts: NDArray) -> NDArray[np.float64]:
        """Expected weights, with sum 1."""

    @abstractmethod
    def log_weights(self, counts: NDArray) -> NDArray[np.float64]:
        """Expected logarithms of the weights."""

    @abstractmethod
    def log_norm(self, counts: NDArray) -> float:
        """Logarithm of the constant that the posterior density has before its powers."""

    @abstractmethod
    def divergence(self, counts: NDArray) -> float:
        """Kullback-Leibler divergence of the posterior from the prior, in nats."""


class Dirichlet(WeightPrior):
    """One concentration for each component."""

    exchangeable = True

    def posterior(self, counts: NDArray) -> NDArray[np.float64]:
        """Concentrations, (n_components,)."""
        return self.concentration + counts

    def counts(self, posterior: NDArray) -> NDArray[np.float64]:
        """Rows."""
        return np.maximum(posterior - self.concentration, 0.0)

    def weights(self, counts: NDArray) -> NDArray[np.float64]:
        """Concentrations over their sum."""
        found = self.posterior(counts)
        return found / found.sum()

    def log_weights(self, counts: NDArray) -> NDArray[np.float64]:
        """digamma(a_k) - digamma(sum_j a_j)."""
        found = self.posterior(counts)
        return scipy.special.digamma(found) - scipy.special.digamma(found.sum())

    def log_norm(self, counts: NDArray) -> float:
        """Log Gamma(sum_k a_k) - sum_k log Gamma(a_k)."""
        found = self.posterior(counts)
        return float(scipy.special.gammaln(found.sum()) - scipy.special.gammaln(found).sum())

    def divergence(self, counts: NDArray) -> float:
        """That of two Dirichlet distributions."""
        gain = self.log_norm(counts) - self.log_norm(np.zeros_like(counts))
        return gain + float((counts * self.log_weights(counts)).sum())


class StickBreaking(WeightPrior):
    """Two parameters of a beta distribution for each stick."""

    exchangeable = False

    def posterior(self, counts: NDArray) -> NDArray[np.float64]:
        """Rows of each and one, and rows of all that follow it and g: (2, n_components)."""
        return np.stack((1.0 + counts, self.concentration + _following(counts)))

    def counts(self, posterior: NDArray) -> NDArray[np.float64]:
        """Rows."""
        return np.maximum(posterior[0] - 1.0, 0.0)

    def weights(self, counts: NDArray) -> NDArray[np.float64]:
        """Of expected sticks; what is left after the last is shared among all."""
        taken, left = self.posterior(counts)
        total = taken + left
        found = taken / total * np.append(1.0, np.cumprod(left / total)[:-1])
        return found / found.sum()

    def log_weights(self, counts: NDArray) -> NDArray[np.float64]:
        """E log v_k + sum_j<k E log(1 - v_j)."""
        log_taken, log_left = self._log_sticks(counts)
        return log_taken + np.append(0.0, np.cumsum(log_left)[:-1])

    def log_norm(self, counts: NDArray) -> float:
        """Of all sticks together."""
        return -float(scipy.special.betaln(*self.posterior(counts)).sum())

    def divergence(self, counts: NDArray) -> float:
        """That of all sticks together."""
        gain = self.log_norm(counts) - self.log_norm(np.zeros_like(counts))
        log_taken, log_left = self._log_sticks(counts)
        return gain + float((counts * log_taken + _following(counts) * log_left).sum())

    def _log_sticks(self, counts: NDArray) -> tuple[NDArray, NDArray]:
        """E log v and E log(1 - v)."""
        posterior = self.posterior(counts)
        found = scipy.special.digamma(posterior) - scipy.special.digamma(posterior.sum(axis=0))
        return found[0], found[1]


def _following(counts: NDArray) -> NDArray[np.float64]:
    """Rows of all components after each."""
    return np.append(np.cumsum(counts[::-1])[-2::-1], 0.0)
