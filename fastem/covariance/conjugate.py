"""Conjugate priors by name, as users give them to a variational fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.covariance.family import Family
from fastem.covariance.parameters import Fixed
from fastem.covariance.variational import Beliefs, Variational
from fastem.covariance.weight_priors import Dirichlet, StickBreaking, WeightPrior
from fastem.covariance.with_prior import checked_scale
from fastem.units import Units

#: Families that have a variational fit, by both their names.
VARIATIONAL = "full", "tied", "diag", "spherical", "VVV", "EEE", "VVI", "VII"


@dataclass(frozen=True)
class NormalWishart:
    """A normal-Wishart prior of each component, and a Dirichlet prior of the weights.

    What is None is taken from the data, as scikit-learn takes it. What a fit holds (`fixed`) is
    known and has no prior, and of weights nothing can be held; the share of noise is uniform on
    (0, 1) before any row is seen, whatever the concentration.

    Parameters
    ----------
    concentration : float, optional
        Of the weights: the smaller, the fewer components keep rows. By default 1 / n_components.
    mean : (n_features,) array-like, optional
        Where the means are expected. By default the mean of the rows.
    mean_precision : float, default 1
        Rows that this mean counts for in each component.
    degrees_of_freedom : float, optional
        Rows that `covariance` counts for; above n_features - 1. By default n_features.
    covariance : array-like, optional
        Scatter matrix of the prior's rows, in squared units of the data: (n_features, n_features)
        for "full" and "tied", (n_features,) for "diag", a number for "spherical". By default the
        covariance of all rows, its diagonal, or the mean of that.

    Raises
    ------
    TypeError, ValueError
        If one of them is not what it must be.

    Examples
    --------
    >>> import fastem, numpy
    >>> X = numpy.random.default_rng(0).normal([[0.0, 9.0]] * 200).reshape(-1, 1)
    >>> fitted = fastem.fit(X, 4, prior=fastem.NormalWishart(concentration=1e-3), random_state=0)
    >>> fitted.n_effective
    2
    """

    concentration: float | None = None
    mean: ArrayLike | None = None
    mean_precision: float = 1.0
    degrees_of_freedom: float | None = None
    covariance: ArrayLike | None = None
    _weights: ClassVar[type[WeightPrior]] = Dirichlet

    def __post_init__(self) -> None:
        """Check what does not depend on the data."""
        for name in "concentration", "mean_precision", "degrees_of_freedom":
            value = getattr(self, name)
            if value is None and name != "mean_precision":
                continue
            if not validation.real(value, name) > 0:
                raise ValueError(f"{name} is {value!r}; give a number above 0")

    def of(
        self,
        family: Family,
        n_components: int,
        n_rows: float,
        mean: NDArray[np.float64],
        covariance: NDArray[np.float64],
        units: Units,
        fixed: Fixed | None = None,
    ) -> Variational:
        """The family under this prior, from the mean and covariance of all rows in those units.

        What is fixed has no prior.
        """
        if family.name not in VARIATIONAL:
            known = ", ".join(map(repr, VARIATIONAL))
            raise ValueError(
                f"covariance_type is {family.name!r}, which has no variational fit; use one of "
                f"{known}"
            )
        n_features = len(mean)
        dof = self.degrees_of_freedom
        if dof is not None and not dof > n_features - 1:
            raise ValueError(
                f"degrees_of_freedom is {dof:g}; with {n_features} columns give more than "
                f"{n_features - 1}"
            )
        if self.mean is not None:
            given = validation.numeric(self.mean, "mean")
            mean = units.enter(validation.parameter(given, "mean", (n_features,)))
        concentration = 1 / n_components if self.concentration is None else self.concentration
        prior = Beliefs(
            mean,
            self._scale(family, covariance, units),
            float(self.mean_precision),
            float(n_features if dof is None else dof),
            self._weights(float(concentration)),
        )
        return Variational(family, prior, n_rows, units, fixed)

    def _scale(
        self, family: Family, covariance: NDArray[np.float64], units: Units
    ) -> NDArray[np.float64]:
        """The prior's scatter in those units, of the shape that `Beliefs` has it."""
        n_features = len(covariance)
        one = family.shape(1, n_features)
        single = family.diagonal and len(one) == 1
        if self.covariance is None:
            own = np.diagonal(covariance)
            if not family.diagonal:
                return covariance
            return np.full(n_features, own.mean()) if single else own
        if single:
            variance = validation.real(self.covariance, "covariance")
            given = np.full(n_features, variance)
        else:
            shape = (n_features,) if family.diagonal else (n_features, n_features)
            numbers = validation.numeric(self.covariance, "covariance")
            given = validation.parameter(numbers, "covariance", shape)
        checked_scale(given, "covariance")
        squared = units.scale**2 if family.diagonal else units.scale[:, None] * units.scale
        return given * squared


@dataclass(frozen=True)
class DirichletProcess(NormalWishart):
    """A normal-Wishart prior of each component, and weights by a Dirichlet process.

    The process is cut off at n_components, and its components are in order: each takes a share of
    what those before it left (D. M. Blei and M. I. Jordan, Bayesian Analysis 1 (2006) 121). So many
    components as the data need keep rows.

    Parameters
    ----------
    concentration, mean, mean_precision, degrees_of_freedom, covariance
        As of `NormalWishart`.

    Examples
    --------
    >>> import fastem, numpy
    >>> X = numpy.random.default_rng(0).normal([[0.0, 9.0]] * 200).reshape(-1, 1)
    >>> fastem.fit(X, 4, prior=fastem.DirichletProcess(1e-3), random_state=0).n_effective
    2
    """

    _weights: ClassVar[type[WeightPrior]] = StickBreaking
