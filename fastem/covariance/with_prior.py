"""A family under a conjugate prior: EM then ends at a posterior mode, which is never singular.

    mu_k | Sigma_k ~ N(mu_P, Sigma_k / kappa),    Sigma_k ~ inverse Wishart(nu, Lambda)

C. Fraley and A. E. Raftery, Journal of Classification 24 (2007) 155, section 4, and Technical
Report 486 (University of Washington, revised 2009), which corrects its table 2. There the inverse
Wishart is for ellipsoids; variances along the columns, and the variance of a sphere, are inverse
gamma with parameters nu / 2 and Lambda / 2. Components that share one matrix have one prior for
it. The paper stops at the families whose components have everything or nothing in common: EII, VII,
EEI, VVI, EEE, VVV, E and V. The others take here the prior of components with matrices of their
own, restricted to the family's.

The log prior has the form of the expected log-likelihood, so its M step is that of the family,
from moments with the prior's pseudo rows among them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.compiler.options import read_only
from fastem.covariance.family import Family, Wrapped
from fastem.covariance.parameters import Bounds, Parameters
from fastem.density import HALF_BITS
from fastem.kernels import conjugate
from fastem.moments import DEAD, Moments
from fastem.units import Units

#: kappa: rows that the prior mean of each component counts for.
SHRINKAGE = 0.01


@dataclass(frozen=True)
class ConjugatePrior:
    """The conjugate prior of Fraley and Raftery (2007), of each component: mclust's `priorControl`.

        mean | covariance ~ N(mean, covariance / shrinkage)
        covariance ~ inverse Wishart(df, scale), or inverse gamma(df / 2, scale / 2)

    What is None is taken from the data, as with `prior=True`.

    Parameters
    ----------
    shrinkage : float, default 0.01
        Rows that `mean` counts for in each component; at least 0.
    mean : (n_features,) array-like, optional
        Where the means are expected. By default the mean of the rows.
    scale : array-like, optional
        In squared units of the data: (n_features, n_features) for families of full matrices, a
        number, or (n_features,) for "diag" and its like, for families with axes along the columns.
        By default the covariance of the rows, or the mean of their variances, over K^(2 / D).
    df : float, optional
        Degrees of freedom, which `scale` counts for; above n_features - 1. By default
        n_features + 2.

    Raises
    ------
    TypeError, ValueError
        If one of them is not what it must be; what depends on the data, in the fit.

    Examples
    --------
    >>> import fastem, numpy
    >>> X = numpy.random.default_rng(0).normal([[0.0, 9.0]] * 200).reshape(-1, 1)
    >>> prior = fastem.ConjugatePrior(shrinkage=1e4, mean=[4.0])
    >>> fastem.fit(X, 2, prior=prior, random_state=0).mixture.means.ravel().round()
    array([4., 4.])
    """

    shrinkage: float = SHRINKAGE
    mean: ArrayLike | None = None
    scale: ArrayLike | None = None
    df: float | None = None

    def __post_init__(self) -> None:
        """Check what does not depend on the data."""
        validation.real(self.shrinkage, "shrinkage")
        if self.df is not None and not validation.real(self.df, "df") > 0:
            raise ValueError(f"df is {self.df!r}; give a number above 0")

    def centre(self, n_features: int, units: Units) -> NDArray[np.float64] | None:
        """The mean in those units, if it is given."""
        if self.mean is None:
            return None
        given = validation.numeric(self.mean, "prior.mean")
        return units.enter(validation.parameter(given, "prior.mean", (n_features,)))

    def degrees(self, n_features: int) -> float:
        """Degrees of freedom."""
        if self.df is None:
            return n_features + 2.0
        if not self.df > n_features - 1:
            raise ValueError(
                f"prior.df is {self.df:g}; with {n_features} columns give more than "
                f"{n_features - 1}"
            )
        return float(self.df)

    def spread(self, family: Family, n_features: int, units: Units) -> NDArray[np.float64] | None:
        """The scale in those units, as `WithPrior` has it, if it is given."""
        if self.scale is None:
            return None
        given = validation.numeric(self.scale, "prior.scale").astype(np.float64)
        if not family.diagonal:
            shape: tuple[int, ...] = (n_features, n_features)
            checked_scale(validation.parameter(given, "prior.scale", shape), "prior.scale")
            return given * units.scale[:, None] * units.scale
        if given.ndim == 0 or not family.per_column:
            given = np.full(n_features, validation.real(self.scale, "prior.scale"))
        checked_scale(validation.parameter(given, "prior.scale", (n_features,)), "prior.scale")
        return given * units.scale**2 / (1 if family.per_column else n_features)


def checked_scale(scale: NDArray[np.float64], name: str) -> None:
    """Refuse what is no positive definite matrix, or no positive variances.

    Raises
    ------
    ValueError
        If it is not.
    """
    if scale.ndim == 1:
        if not (scale > 0).all():
            raise ValueError(f"{name} holds {scale.min():g}; give variances above 0")
        return
    symmetric = np.allclose(scale, scale.T)
    smallest = np.linalg.eigvalsh(0.5 * (scale + scale.T))[0] if symmetric else 0.0
    if not smallest > 0:
        found = f"its smallest eigenvalue is {smallest:g}" if symmetric else "it is not symmetric"
        raise ValueError(f"{name} is no covariance matrix: {found}; give a positive definite one")


class WithPrior(Wrapped):
    """A family and a prior on its means and covariances.

    Parameters
    ----------
    family : Family
    mean : (n_features,)
        mu_P.
    scale : (n_features, n_features) or (n_features,)
        Lambda; its diagonal for families that are diagonal.
    share : float
        1 / rows in all: fewer of them, a sample, weigh as much less against the prior.
    units : Units
        Of mean and scale.
    shrinkage : float
        kappa.
    dof : float, optional
        nu; by default n_features + 2.
    """

    def __init__(
        self,
        family: Family,
        mean: NDArray[np.float64],
        scale: NDArray[np.float64],
        share: float,
        units: Units,
        shrinkage: float = SHRINKAGE,
        dof: float | None = None,
    ) -> None:
        super().__init__(family)
        self.mean, self.scale, self.share, self.units = mean, scale, share, units
        self.shrinkage, self.favours_few = shrinkage, not family.shared
        n_features = len(mean)
        dof = n_features + 2 if dof is None else dof
        self.dof = dof
        if not family.diagonal:
            power = dof + n_features + 1.0
        elif family.per_column:
            power = dof + 2.0
        else:  # one variance for all columns, in whose prior each has its part
            power = (dof + 2.0) / n_features
        numbers = share, shrinkage, power, float(family.shared)
        self._prior = read_only(np.concatenate((numbers, mean, scale.ravel())))
        if family.covariances_of is not None:
            self.covariances_of, self.beliefs = family.covariances_of, self._prior

    @classmethod
    def of(
        cls,
        family: Family,
        n_components: int,
        n_rows: float,
        mean: NDArray[np.float64],
        covariance: NDArray[np.float64],
        units: Units,
        prior: ConjugatePrior | None = None,
    ) -> WithPrior:
        """From the mean and covariance of all rows in those units; by default as the paper has it.

        nu = D + 2, and Lambda = covariance / K^(2 / D), or the variances' mean in its place.
        """
        n_features = len(mean)
        prior = ConjugatePrior() if prior is None else prior
        centre, scale = prior.centre(n_features, units), prior.spread(family, n_features, units)
        own = mean if centre is None else centre
        if scale is None:
            scale = cls._default_scale(family, n_components, covariance, units)
        degrees = prior.degrees(n_features)
        return cls(family, own, scale, 1 / n_rows, units, float(prior.shrinkage), degrees)

    @staticmethod
    def _default_scale(
        family: Family, n_components: int, covariance: NDArray[np.float64], units: Units
    ) -> NDArray[np.float64]:
        """Lambda, from the covariance of all rows in those units."""
        n_features = len(covariance)
        if family.diagonal:
            with np.errstate(over="ignore"):
                ratios = (units.scale[:, None] / units.scale) ** 2
                scale = (ratios * np.diagonal(covariance)).mean(axis=1)
            if not np.diagonal(covariance).any():
                raise ValueError(
                    "prior=True takes its scale from the variances of the columns, which are all "
                    "0; give a ConjugatePrior(scale=...), or other columns"
                )
            if not (scale.max() < 1e300 and scale.min() > 0):
                raise ValueError(
                    f"prior=True takes the mean of the columns' variances, but the scales of the "
                    f"columns, {(1 / units.scale).min():g} to {(1 / units.scale).max():g}, are too "
                    f"far apart for it; multiply columns by constants"
                )
            if not family.per_column:
                scale = scale / n_features
        else:
            scale = covariance
        return scale / n_components ** (2 / n_features)

    def at(self, units: Units) -> WithPrior:
        """The same prior in other units."""
        mean = units.enter(self.units.leave(self.mean))
        ratio = units.scale / self.units.scale
        squared = ratio * ratio if self.family.diagonal else ratio[:, None] * ratio
        scale = self.scale * squared
        own = self.share, units, self.shrinkage, self.dof
        return WithPrior(self.family.at(units), mean, scale, *own)

    def least_rows(self, n_features: int) -> int:
        """None: the prior is enough."""
        return 0

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """M step of `family`, from the rows and the prior's pseudo rows.

        Each component of n_k rows about their mean m_k gets (kappa m_P + n_k m_k) / (kappa + n_k)
        for its mean, and a scatter of Lambda + W_k + kappa n_k / (kappa + n_k) (m_k - m_P)(..)'.
        """
        (K, D), total = moments.about.shape, float(moments.counts.sum())
        joined = np.empty(moments.statistics.shape)
        # Of no rows at all the prior's are what there is, whatever they weigh.
        unit, dead = (self.share * moments.n_rows / total, DEAD) if total > 0 else (1.0, np.inf)
        conjugate.add_rows(moments.statistics, (K, D), unit, dead, self._prior, joined)
        counts, means = joined[:K], joined[K : K + K * D].reshape(K, D)
        second = counts[:, None] * joined[K + K * D :].reshape(K, -1)
        second = second.reshape(moments.second.shape)
        pseudo = Moments(means, 1.0, 0.0, 0.0, counts, np.zeros((K, D)), second)
        return self.family.maximise(pseudo, bounds, start)._replace(weights=moments.weights)

    def with_means(
        self, moments: Moments, means: NDArray[np.float64], held: NDArray[np.bool_]
    ) -> Moments:
        """As of every family.

        The prior's rows about a held mean are in the scatter, and nothing is left to be pulled.
        """
        found = self.family.with_means(moments, means, held)
        delta = np.where(held[:, None], means - self.mean, 0.0)
        kappa = self.shrinkage * moments.n_rows * self.share
        about = np.where(held[:, None], self.mean, found.about)
        return replace(found, about=about, second=found.second + kappa * self.products(delta))

    def log_prior(self, parameters: Parameters) -> float:
        """Log density of the parameters but for a constant, in nats a row of all."""
        point = np.concatenate((parameters.weights, parameters.means.ravel()))
        density = self.family.factor(parameters)
        factors, norms = density.factors.copy(), density.log_norms.copy()
        own = self._prior, point, parameters.means.shape, factors, HALF_BITS, norms
        return float(conjugate.log_density(*own))
