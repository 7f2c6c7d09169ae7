"""BayesianGaussianMixture: scikit-learn's class over fastem's passes."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from fastem import covariance
from fastem.account import account
from fastem.covariance import DirichletProcess, NormalWishart, Parameters, Variational
from fastem.data import Data
from fastem.estimator import starts, variational_runs
from fastem.estimator.fitted import Fitted
from fastem.estimator.gaussian_mixture import ILL_DEFINED, NOT_CONVERGED
from fastem.estimator.given_start import check_positive, shaped
from fastem.estimator.runs import Verbose
from fastem.mixture import Mixture, to_units

#: Priors of the weights by scikit-learn's names.
PRIORS: dict[str, type[NormalWishart]] = {
    "dirichlet_process": DirichletProcess,
    "dirichlet_distribution": NormalWishart,
}


class BayesianGaussianMixture(Fitted):
    """Variational Gaussian mixture, with scikit-learn's interface.

    Parameters, attributes and methods are those of `sklearn.mixture.BayesianGaussianMixture`, of
    the same meaning: from the same start, the same number of iterations gives the same parameters.
    Beyond it there are sample weights, `mixture_` and `fit_`. `fastem.fit` with a prior does the
    same for rows in files and on Dask, accelerated.

    D. M. Blei and M. I. Jordan, Bayesian Analysis 1 (2006) 121; C. M. Bishop, Pattern Recognition
    and Machine Learning (2006), section 10.2.

    Parameters
    ----------
    n_components : int, default 1
        At most; those that are not needed lose their rows.
    covariance_type : {"full", "tied", "diag", "spherical"}, default "full"
    tol : float, default 1e-3
        It has converged when the bound, of all rows together, changes by less in an iteration.
    reg_covar : float, default 1e-6
        Added to the diagonal of every component's own covariance, in squared units of the data.
    max_iter : int, default 100
        Iterations, at most; 0 keeps the start.
    n_init : int, default 1
        Starts. Each runs to its end, and the one with the best lower bound is kept.
    init_params : str, default "kmeans"
        "kmeans", "k-means++", "random" or "random_from_data" as in scikit-learn, from the same
        random numbers, or another kind of `fastem.fit`.
    weight_concentration_prior_type : str, default "dirichlet_process"
        "dirichlet_process" or "dirichlet_distribution".
    weight_concentration_prior : float, optional
        By default 1 / n_components.
    mean_precision_prior : float, optional
        Rows that the prior mean counts for; by default 1.
    mean_prior : (n_features,) array-like, optional
        By default the mean of the rows.
    degrees_of_freedom_prior : float, optional
        Above n_features - 1; by default n_features.
    covariance_prior : float or array-like, optional
        (n_features, n_features) if "full" or "tied", (n_features,) if "diag", a number if
        "spherical". By default the covariance of the rows, its diagonal, or the mean of that.
    random_state : int, RandomState or None
        Of the starts and of `sample`.
    warm_start : bool, default False
        Begin the next `fit` where the last one ended.
    verbose : int, default 0
        1 prints starts and iterations, 2 also changes of the lower bound and times.
    verbose_interval : int, default 10
        Iterations between two lines.

    Attributes
    ----------
    weights_, means_, covariances_, precisions_, precisions_cholesky_ : array
        As of `GaussianMixture`: expected weights and means, and inverse expected precisions.
    weight_concentration_ : (n_components,) or a tuple of two of them
        Of the Dirichlet distribution, or of the beta distributions of a process.
    mean_precision_ : (n_components,)
    degrees_of_freedom_ : (n_components,), or float if "tied"
    weight_concentration_prior_, mean_precision_prior_, degrees_of_freedom_prior_ : float
    mean_prior_ : (n_features,)
    covariance_prior_ : float or array
    converged_ : bool
    n_iter_ : int
        Iterations of the best start.
    lower_bound_ : float
        Bound of all rows together but for constants, in nats.
    lower_bounds_ : list of float
        The same after each iteration.
    n_features_in_ : int
    feature_names_in_ : (n_features_in_,) ndarray of str
        Where the data had names that are all strings.
    fit_ : Fit
        Status and restarts; its trace is the bound with its constants, in nats a row.

    Examples
    --------
    >>> X = [[1.0, 2.0], [1.0, 4.0], [1.0, 0.0], [4.0, 2.0], [12.0, 4.0], [10.0, 7.0]]
    >>> model = BayesianGaussianMixture(n_components=2, random_state=42).fit(X)
    >>> model.predict([[0.0, 0.0], [9.0, 3.0]])
    array([0, 1])
    """

    missing = "error"
    lower_bound_: np.float64

    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions({"full", "tied", "diag", "spherical"})],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions(starts.NAMES)],
        "weight_concentration_prior_type": [StrOptions(set(PRIORS))],
        "weight_concentration_prior": [None, Interval(Real, 0.0, None, closed="neither")],
        "mean_precision_prior": [None, Interval(Real, 0.0, None, closed="neither")],
        "mean_prior": [None, "array-like"],
        "degrees_of_freedom_prior": [None, Interval(Real, 0.0, None, closed="neither")],
        "covariance_prior": [None, "array-like", Interval(Real, 0.0, None, closed="neither")],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        n_components: int = 1,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weight_concentration_prior_type: str = "dirichlet_process",
        weight_concentration_prior: float | None = None,
        mean_precision_prior: float | None = None,
        mean_prior: ArrayLike | None = None,
        degrees_of_freedom_prior: float | None = None,
        covariance_prior: ArrayLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weight_concentration_prior_type = weight_concentration_prior_type
        self.weight_concentration_prior = weight_concentration_prior
        self.mean_precision_prior = mean_precision_prior
        self.mean_prior = mean_prior
        self.degrees_of_freedom_prior = degrees_of_freedom_prior
        self.covariance_prior = covariance_prior
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval

    def fit(
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> BayesianGaussianMixture:
        """Estimate the posterior.

        Parameters
        ----------
        X : (n_samples, n_features) array-like
            At least two rows.
        y : ignored
        sample_weight : (n_samples,) array-like, optional
            A weight of 2 is the row twice, of 0 an absent row.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If a parameter, the rows or their weights are not what they must be, or a covariance is
            singular.

        Warns
        -----
        ConvergenceWarning
            If the best start did not converge.

        Examples
        --------
        >>> X = [[0.0], [1.0], [9.0], [10.0]]
        >>> model = BayesianGaussianMixture(n_components=2, random_state=0)
        >>> sorted(model.fit(X, sample_weight=[9, 9, 9, 9]).means_.ravel().round().tolist())
        [1.0, 9.0]
        """
        self._estimate(X, sample_weight)
        return self

    def _estimate(self, X: ArrayLike, sample_weight: ArrayLike | None) -> NDArray:
        """Fit; returns the checked rows."""
        began = time.perf_counter()
        rows, data = self._data(X, sample_weight)
        family = self._family(data)
        own = data.rows(family)
        bounds = starts.bounds_of(self.reg_covar, own.units, family)
        warm = self.warm_start and hasattr(self, "converged_")
        try:
            with np.errstate(divide="ignore", invalid="ignore"):
                best, restarts = variational_runs.best_run(
                    own,
                    family,
                    [self._last(data, family)] if warm else self._starts(data, family),
                    bounds=bounds,
                    tol=self.tol,
                    max_iter=self.max_iter,
                    bound=self.lower_bound_ if warm else -np.inf,
                    verbose=Verbose(self.verbose, self.verbose_interval),
                )
        except np.linalg.LinAlgError as error:
            raise ValueError(ILL_DEFINED) from error
        unsettled = f"the bound still changed by tol={self.tol:g}; raise max_iter or tol"
        end = best.run, own, data, family, bounds, restarts, began
        self.fit_ = account(*end, unsettled=unsettled)
        self._publish_posterior(best.run.parameters, family, data.source.dtype)
        self.converged_, self.n_iter_ = best.converged, best.run.n_iter
        self.lower_bound_, self.lower_bounds_ = best.lower_bound, best.lower_bounds
        if not self.converged_ and self.max_iter > 0:
            warnings.warn(NOT_CONVERGED, ConvergenceWarning, stacklevel=3)
        return rows

    def _family(self, data: Data) -> Variational:
        """The family under the prior, in the units of the data's rows."""
        plain, D = covariance.family_by_name(self.covariance_type), data.n_features
        mean, scale, dof = self.mean_prior, self.covariance_prior, self.degrees_of_freedom_prior
        if mean is not None:
            mean = shaped(mean, "mean_prior", "means", (D,))
        if scale is not None:
            name = f"{plain.name} covariance_prior"
            shape = plain.shape(1, D)[1:] if plain.diagonal else (D, D)
            scale = shaped(scale, "covariance_prior", name, shape)
            check_positive(scale, name, plain)
        if dof is not None and not dof > D - 1:
            raise ValueError(
                f"The parameter 'degrees_of_freedom_prior' should be greater than {D - 1}, but got "
                f"{dof:.3f}."
            )
        prior = PRIORS[self.weight_concentration_prior_type](
            self.weight_concentration_prior,
            mean,
            1.0 if self.mean_precision_prior is None else self.mean_precision_prior,
            dof,
            scale,
        )
        return prior.of(plain, self.n_components, *data.centre(plain))

    def _starts(self, data: Data, family: Variational) -> Iterator[Parameters]:
        """The start of each run, drawn in its turn: `random_state` is used in that order."""
        rng = check_random_state(self.random_state)
        drawn = starts.begin(self.init_params, data, self.n_components, family, self.reg_covar, rng)
        return islice(drawn, self.n_init)

    def _last(self, data: Data, family: Variational) -> Parameters:
        """The posterior of the last fit, in the units of the data's rows."""
        counts = family.prior.weights.counts(np.array(self.weight_concentration_, dtype=float))
        means = np.asarray(self.means_, dtype=np.float64)
        shape = len(counts), means.shape[1]
        asked = self.n_components, data.n_features
        spread = np.asarray(self.covariances_, dtype=np.float64)
        if shape != asked or spread.shape != family.shape(*asked):
            raise ValueError(
                f"warm_start cannot go on from n_components and columns {shape} to {asked}, or to "
                f"another covariance_type; fit a clone, or set warm_start=False"
            )
        last = Parameters(counts / family.n_rows, means, spread)
        return to_units(last, family, data.rows(family).units)

    def _publish_posterior(self, found: Parameters, family: Variational, dtype: np.dtype) -> None:
        """Set the attributes that scikit-learn's users read."""
        self._publish(self.fit_.mixture, dtype)
        prior, units, counts = family.prior, family.units, family.counts(found)
        weights = prior.weights
        posterior = weights.posterior(counts).astype(dtype)
        self.weight_concentration_ = posterior if posterior.ndim == 1 else tuple(posterior)
        self.weight_concentration_prior_ = weights.concentration
        self.mean_precision_ = family.mean_precision(counts).astype(dtype)
        self.mean_precision_prior_ = prior.mean_precision
        dof = family.degrees_of_freedom(counts).astype(dtype)
        self.degrees_of_freedom_ = dof[0] if family.shared else dof
        self.degrees_of_freedom_prior_ = prior.degrees_of_freedom
        self.mean_prior_ = units.leave(prior.mean).astype(dtype)
        squared = units.scale**2 if family.diagonal else units.scale[:, None] * units.scale
        scale = (prior.scale / squared).astype(dtype)
        single = family.diagonal and self.covariances_.ndim == 1
        self.covariance_prior_ = scale[0] if single else scale
        log_shares = family.log_shares(found)
        self._log_total = float(logsumexp(log_shares))
        self._shares = np.exp(log_shares - self._log_total)

    @property
    def _density(self) -> tuple[Mixture, float]:
        """What rows have for density in the E step."""
        return replace(self.mixture_, weights=self._shares), self._log_total
