"""A family whose parameters have a distribution: EM then maximises a variational bound.

    mu_k | Lambda_k ~ N(m, (beta Lambda_k)^-1),  Lambda_k ~ Wishart(nu, S^-1),  weights by a prior

C. M. Bishop, Pattern Recognition and Machine Learning (2006), section 10.2; D. M. Blei and M. I.
Jordan, Bayesian Analysis 1 (2006) 121. The posterior has the prior's form. All of it follows from
the rows that each component has, its mean and nu times the inverse of its S, which are therefore
the `Parameters` here: weights are the rows' shares, covariances S_k / nu_k.

    E step    the density of a mixture with other norms
    M step    the prior's parameters and the moments, added
    bound     mean log-sum-exp of the density - KL(posterior || prior) / n, by `log_prior`

Families but full follow scikit-learn: "diag" and "spherical" take the Wishart's expected log
determinant, and components that share a matrix share out one posterior of it. With A(nu, S) the log
of the Wishart's constant each is the ascent of a bound in which KL is the Bregman divergence of A,
a convex function, so the bound never falls.

What a row lacks has a distribution too, which depends on its component. The best one is that of the
density of the E step given what is observed, so such rows are treated as in any fit. The share of
noise is uniform on (0, 1) before any row is seen. A mean or a covariance that is held is known, and
has neither prior nor posterior.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy  # whose `special` is imported when it is first used: it is slow to
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.covariance.family import Family, Wrapped
from fastem.covariance.parameters import Bounds, Fixed, Parameters
from fastem.covariance.weight_priors import Dirichlet, WeightPrior
from fastem.density import HALF_BITS, LN2, Density
from fastem.kernels import variational
from fastem.kernels.floor import raised
from fastem.kernels.wide import COLUMNS
from fastem.lazy import lazy
from fastem.moments import Moments
from fastem.units import Units

_TINY = float(np.finfo(np.float64).tiny)
#: Of the share of all components together, and that of the noise.
_SPLIT = Dirichlet(1.0)


@dataclass(frozen=True, eq=False)
class Beliefs:
    """The prior's parameters.

    Parameters
    ----------
    mean : (n_features,)
        m.
    scale : (n_features, n_features) or (n_features,)
        S, or for diagonal families its diagonal.
    mean_precision : float
        beta: rows that the prior mean of each component counts for.
    degrees_of_freedom : float
        nu, above n_features - 1.
    weights : WeightPrior
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    mean_precision: float
    degrees_of_freedom: float
    weights: WeightPrior


class Variational(Wrapped):
    """A family and the distribution of its parameters.

    Parameters
    ----------
    family : Family
        "full", "tied", "diag" or "spherical", beside noise or not.
    prior : Beliefs
    n_rows : float
        Rows in all: those of a sample count for so many.
    units : Units
        Of the prior.
    fixed : Fixed, optional
        The means and covariances that `WithFixed`, around this one, holds.
    """

    def __init__(
        self,
        family: Family,
        prior: Beliefs,
        n_rows: float,
        units: Units,
        fixed: Fixed | None = None,
    ) -> None:
        super().__init__(family)
        self.prior, self.n_rows, self.units, self.fixed = prior, n_rows, units, fixed
        none = np.zeros(1, np.bool_)
        means, spreads = (none, none) if fixed is None else (fixed.means, fixed.covariances)
        self._free_means, self._free_spreads = ~means, ~spreads
        self.exchangeable = prior.weights.exchangeable
        self._believed: tuple[Parameters, float] | None = None
        self._factored: tuple[NDArray, Density] | None = None
        each = not family.shared and len(family.shape(1, len(prior.mean))) > 1
        if self.noise is None and family.diagonal and each:
            self.beliefs = self._numbers
        # Of many columns BLAS multiplies faster than `believe`.
        self._believes = self.noise is None and fixed is None and each and len(prior.mean) < COLUMNS

    def at(self, units: Units) -> Variational:
        """The same in other units."""
        prior, ratio = self.prior, units.scale / self.units.scale
        squared = ratio * ratio if self.diagonal else ratio[:, None] * ratio
        mean = units.enter(self.units.leave(prior.mean))
        moved = replace(prior, mean=mean, scale=prior.scale * squared)
        return Variational(self.family.at(units), moved, self.n_rows, units, self.fixed)

    def least_rows(self, n_features: int) -> int:
        """None: the prior is enough, and a component that is not needed loses all rows."""
        return 0

    def counts(self, parameters: Parameters) -> NDArray[np.float64]:
        """Rows of each component, (n_components,)."""
        return parameters.weights * self.n_rows

    def mean_precision(self, counts: NDArray) -> NDArray[np.float64]:
        """beta_k, (n_components,)."""
        return self.prior.mean_precision + counts

    def degrees_of_freedom(self, counts: NDArray) -> NDArray[np.float64]:
        """nu_k, (n_components,); of a shared matrix all the same."""
        if self.shared:
            counts = np.full(len(counts), counts.sum() / len(counts))
        return self.prior.degrees_of_freedom + counts

    def maximise(
        self, moments: Moments, bounds: Bounds, start: Parameters | None = None
    ) -> Parameters:
        """The posterior; the ridge is added to each component's own covariance."""
        prior, (counts, means, spread) = self.prior, moments.scatter()
        counts = counts * (self.n_rows / moments.n_rows)
        beta = self.mean_precision(counts)
        delta = means - prior.mean
        trailing = (slice(None),) + (None,) * (spread.ndim - 1)
        apart = delta * delta if self.diagonal else delta[:, :, None] * delta[:, None, :]
        ridge = bounds.ridge if self.diagonal else np.diag(bounds.ridge)
        pull = prior.mean_precision / beta
        scatter = counts[trailing] * (spread + ridge + pull[trailing] * apart)
        nu = self.degrees_of_freedom(counts)
        shape = self.family.shape(*means.shape)
        if self.shared:
            scatter, nu = scatter.mean(axis=0), nu[0]
        scale = prior.scale + scatter
        if self.diagonal and len(shape) == 1:
            scale = scale.mean(axis=1)
        covariances = scale / np.reshape(nu, np.shape(nu) + (1,) * (len(shape) - np.ndim(nu)))
        if bounds.floor:
            covariances = self._held_up(covariances, bounds.floor)
        weights = np.maximum(counts / self.n_rows, _TINY)
        return Parameters(weights, means - pull[:, None] * delta, covariances)

    def with_means(
        self, moments: Moments, means: NDArray[np.float64], held: NDArray[np.bool_]
    ) -> Moments:
        """As of every family: rows about a known mean, which the prior's does not pull."""
        found = self.family.with_means(moments, means, held)
        return replace(found, about=np.where(held[:, None], self.prior.mean, found.about))

    def factor(self, parameters: Parameters) -> Density:
        """Exp E log(weight_k N(x | mu_k, Lambda_k^-1)), which is a Gaussian but for its norm."""
        plain = self._plain(parameters)
        if self._believes:
            log_norms, level = self._believe(parameters, plain)
            self._believed = parameters, level
        else:
            log_norms = plain.log_norms + self.log_shares(parameters) / LN2
        log_norms.setflags(write=False)
        if self.noise is None:
            return replace(plain, log_norms=log_norms)
        log_noise = float(_SPLIT.log_weights(self._split(parameters))[1])
        log_noise -= self.noise.log_volume + self.units.log_jacobian
        return replace(plain, log_norms=log_norms, log_noise=log_noise / LN2)

    def log_shares(self, parameters: Parameters) -> NDArray[np.float64]:
        """What stands for the logarithms of weights in `factor`, (n_components,)."""
        counts, n_features = self.counts(parameters), parameters.means.shape[1]
        nu = self.degrees_of_freedom(counts)
        spread = _log_determinant(nu, n_features) - n_features * np.log(nu)
        loose = n_features / self.mean_precision(counts)
        unsure = self._free_spreads * spread - self._free_means * loose
        found = self.prior.weights.log_weights(counts) + 0.5 * unsure
        if self.noise is not None:
            found += _SPLIT.log_weights(self._split(parameters))[0]
        return found

    def log_prior(self, parameters: Parameters) -> float:
        """-KL(posterior || prior) / n, in nats a row."""
        if self._believes:  # mostly of those that were factored last
            known = self._believed
            if known is not None and known[0] is parameters:
                return known[1]
            return self._believe(parameters, self._plain(parameters))[1]
        prior, counts, plain = self.prior, self.counts(parameters), self._plain(parameters)
        n_features = parameters.means.shape[1]
        nu, beta = self.degrees_of_freedom(counts), self.mean_precision(counts)
        delta = parameters.means - prior.mean
        factors = plain.factors / HALF_BITS
        if self.diagonal:
            squares = ((factors * delta) ** 2).sum(axis=1)
            traces = (factors**2 * prior.scale).sum(axis=1)
        else:
            squares = ((factors @ delta[:, :, None]) ** 2).sum(axis=(1, 2))
            traces = (factors @ prior.scale * factors).sum(axis=(1, 2))
        ratio = prior.mean_precision / beta
        means = 0.5 * (n_features * (ratio - 1.0 - np.log(ratio)) + prior.mean_precision * squares)
        log_scale = self._log_scale(plain, nu)
        expected = _log_determinant(nu, n_features) - log_scale
        own = (
            self._log_prior_constant
            - _log_constant(nu, log_scale, n_features)
            + 0.5 * ((nu - prior.degrees_of_freedom) * expected - nu * n_features + traces)
        )
        total = float((self._free_means * means + self._free_spreads * own).sum())
        total += prior.weights.divergence(counts)
        if self.noise is not None:
            total += _SPLIT.divergence(self._split(parameters))
        return -total / self.n_rows

    def reduced_bound(self, before: Density, moments: Moments, found: Parameters) -> float:
        """The bound of all rows after an M step, but for what is constant in the user's units.

        It holds for what `maximise` found from the moments, under the density before it.
        """
        plain, n_features = self._plain(found), found.means.shape[1]
        jacobian = self.units.log_jacobian
        level = moments.log_likelihood - moments.n_rows * jacobian
        entropy = (level - before.expected(moments)) * (self.n_rows / moments.n_rows)
        if self._believes:
            arguments = read_only(found.weights), n_features, read_only(plain.log_norms), jacobian
            return entropy + variational.log_constants(self._numbers, *arguments)
        counts = self.counts(found)
        nu = self.degrees_of_freedom(counts)
        log_scale = self._log_scale(plain, nu) - 2 * jacobian
        log_constants = _log_constant(nu, log_scale, n_features)
        return float(
            entropy
            + log_constants.sum()
            - self.prior.weights.log_norm(counts)
            - 0.5 * n_features * np.log(self.mean_precision(counts)).sum()
        )

    def published(self, parameters: Parameters) -> Parameters:
        """The mixture of expected weights, means and S_k / nu_k."""
        weights = self.prior.weights.weights(self.counts(parameters))
        if self.noise is not None:
            weights *= _SPLIT.weights(self._split(parameters))[0]
        return parameters._replace(weights=weights)

    def _split(self, parameters: Parameters) -> NDArray[np.float64]:
        """Rows of all components together, and of the noise."""
        noise = self.noise_weight(parameters)
        return self.n_rows * np.array([1.0 - noise, noise])

    def _plain(self, parameters: Parameters) -> Density:
        """Components of weight 1: covariances are factored once, which the bound and a pass ask."""
        known = self._factored
        if known is not None and np.array_equal(known[0], parameters.covariances):
            return replace(known[1], means=read_only(parameters.means))
        ones = np.ones(len(parameters.weights))
        plain = self.family.factor(parameters._replace(weights=ones))
        self._factored = parameters.covariances, plain
        return plain

    def _believe(self, parameters: Parameters, plain: Density) -> tuple[NDArray[np.float64], float]:
        """Norms of `factor`, and `log_prior`."""
        weights, means, _ = parameters
        point = np.concatenate((weights, means.ravel()))
        log_norms = np.empty(len(weights))
        level = variational.believe(
            self._numbers, point, means.shape, plain.factors, HALF_BITS, log_norms
        )
        return log_norms, level

    def _log_scale(self, plain: Density, nu: NDArray) -> NDArray[np.float64]:
        """Log determinants of S_k."""
        n_features = plain.means.shape[1]
        log_covariance = -2.0 * LN2 * plain.log_norms - n_features * np.log(2 * np.pi)
        return log_covariance + n_features * np.log(nu)

    @lazy
    def _log_prior_constant(self) -> float:
        """Of the prior Wishart; where a column is constant its scale says nothing."""
        prior, nu = self.prior, np.array([self.prior.degrees_of_freedom])
        matrix = np.diag(prior.scale) if prior.scale.ndim == 1 else prior.scale
        log_scale = np.linalg.slogdet(matrix)[1]
        log_scale = log_scale if np.isfinite(log_scale) else 0.0
        return float(_log_constant(nu, log_scale, len(prior.mean))[0])

    @lazy
    def _numbers(self) -> NDArray[np.float64]:
        """The prior as `kernels.variational` has it."""
        prior = self.prior
        numbers = (
            float(not prior.weights.exchangeable),
            prior.weights.concentration,
            self.n_rows,
            prior.mean_precision,
            prior.degrees_of_freedom,
            self._log_prior_constant,
        )
        return read_only(np.concatenate((numbers, prior.mean, prior.scale.ravel())))

    def _held_up(self, covariances: NDArray, floor: float) -> NDArray[np.float64]:
        """No eigenvalue below the floor, as the families have it."""
        if self.diagonal:
            return np.maximum(covariances, floor)
        return raised(covariances, floor)


def _log_determinant(nu: NDArray, n_features: int) -> NDArray[np.float64]:
    """E log|Lambda| of the Wishart distribution, with S = I."""
    halves = 0.5 * (nu - np.arange(n_features)[:, None])
    return n_features * LN2 + scipy.special.digamma(halves).sum(axis=0)


def _log_constant(nu: NDArray, log_scale: NDArray | float, n_features: int) -> NDArray[np.float64]:
    """Log of what the Wishart density is divided by, but for a constant: A(nu, S)."""
    halves = 0.5 * (nu - np.arange(n_features)[:, None])
    return 0.5 * nu * (n_features * LN2 - log_scale) + scipy.special.gammaln(halves).sum(axis=0)
