"""Parameters that the user starts from, whole or in part."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastem import validation
from fastem.covariance import Family, Fixed, Parameters, fixed_from
from fastem.mixture import Mixture, to_units
from fastem.moments import Moments
from fastem.units import Units


class SymmetricStartWarning(UserWarning):
    """A given start in which components coincide: EM moves them alike and never parts them.

    Examples
    --------
    >>> import fastem, warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     fitted = fastem.fit([[0.0], [1.0], [9.0]], 2, means_init=[[1.0], [1.0]])
    >>> caught[0].category.__name__
    'SymmetricStartWarning'
    """


@dataclass(frozen=True, eq=False)
class UserStart:
    """Parameters that the user starts from, in the user's units; None where there are none.

    Parameters
    ----------
    weights, means, covariances : ndarray or None
        As of a `Mixture`; the weights sum to 1, unless the share of the noise is given.
    family : Family or None
    noise : float or None
        Share of the noise, which is what the weights lack. By default it is guessed from the rows.
    fixed : Fixed or None
        What of it EM holds.
    seen : Moments or None
        Of rows that stand behind it, as the mixture itself summarises them in double precision.
    """

    weights: NDArray[np.float64] | None = None
    means: NDArray[np.float64] | None = None
    covariances: NDArray[np.float64] | None = None

    family: Family | None = None
    noise: float | None = None
    fixed: Fixed | None = None
    seen: Moments | None = None

    @classmethod
    def of(
        cls,
        weights: Any,
        means: Any,
        covariances: Any,
        family: Family,
        n_components: int,
        n_features: int,
        fixed: Any = None,
    ) -> UserStart:
        """Check shapes and values."""
        K, D = n_components, n_features
        if weights is not None:
            weights = validation.weights(weights, K, name="weights_init")
        if means is not None:
            means = validation.parameter(means, "means_init", (K, D))
        if covariances is not None:
            shape = family.shape(K, D)
            covariances = validation.parameter(covariances, "covariances_init", shape)
            try:
                Mixture(np.full(K, 1 / K), np.zeros((K, D)), covariances, family.name)
            except ValueError as error:
                raise ValueError(f"covariances_init: {error}") from None
        own = {"weights": weights, "means": means, "covariances": covariances}
        return cls(**own, family=family, fixed=fixed_from(fixed, own, family, (K, D)))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is given."""
        return self.weights is None and self.means is None and self.covariances is None

    @classmethod
    def of_mixture(
        cls, mixture: Mixture, family: Family, fixed: Any = None, seen: Moments | None = None
    ) -> UserStart:
        """All of a mixture, its share of noise too; what is held of it, and stands behind it."""
        noise = None if mixture.noise is None else mixture.noise.weight
        weights, means, covariances = mixture.weights, mixture.means, mixture.covariances
        shares = weights if noise is None else weights / weights.sum()
        own = {"weights": shares, "means": means, "covariances": covariances}
        held = fixed_from(fixed, own, family, means.shape)
        return cls(weights, means, covariances, mixture.family, noise, held, seen)

    def override(self, start: Parameters, family: Family, units: Units) -> Parameters:
        """A start with the given parameters in place of its own, in those units."""
        K, D = start.means.shape
        own = Parameters(
            start.weights if self.weights is None else self.weights,
            np.zeros((K, D)) if self.means is None else self.means,
            np.ones(family.shape(K, D)) if self.covariances is None else self.covariances,
        )
        weights, means, covariances = to_units(own, family, units)
        weights = weights if self.weights is None else weights * (1.0 - family.noise_weight(start))
        return Parameters(
            weights,
            start.means if self.means is None else means,
            start.covariances if self.covariances is None else covariances,
        )

    def complete(self) -> Parameters:
        """Parameters from given means and covariances; equal weights where none are given."""
        assert self.means is not None
        assert self.covariances is not None
        weights = self.weights
        if weights is None:
            weights = np.full(len(self.means), 1.0 / len(self.means))
        return Parameters(weights, self.means, self.covariances)

    def warn_if_symmetric(self) -> None:
        """Warn where components coincide: same mean, and same covariance if covariances are given.

        Warns
        -----
        SymmetricStartWarning
        """
        if self.means is None:
            return
        described = self.means
        if self.covariances is not None and self.family is not None:
            K, D = self.means.shape
            expanded = self.family.expand(self.covariances, K, D).reshape(K, -1)
            described = np.hstack([described, expanded])
        same: dict[bytes, list[int]] = {}
        for k, row in enumerate(described + 0.0):  # -0.0 and 0.0 are the same start
            same.setdefault(row.tobytes(), []).append(k)
        twins = [indices for indices in same.values() if len(indices) > 1]
        if twins:
            named = "; ".join(", ".join(map(str, indices)) for indices in twins)
            warnings.warn(
                f"components {named} start at the same means and covariances: EM moves them alike "
                f"and cannot separate them. Give different means_init, or none: the default starts "
                f"differ",
                SymmetricStartWarning,
                stacklevel=3,
            )
