"""GaussianMixture: scikit-learn's class over fastem's EM."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from itertools import islice
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from fastem import covariance, validation
from fastem.account import account
from fastem.covariance import FAMILIES, Bounds, Family, Parameters
from fastem.data import Data
from fastem.estimator import starts
from fastem.estimator.given_start import given_start
from fastem.estimator.online import Online
from fastem.estimator.own_search import NAME as OWN_SEARCH
from fastem.estimator.own_search import own_search
from fastem.estimator.runs import Outcome, Verbose, best_run
from fastem.mixture import Mixture, to_units
from fastem.results import Restart
from fastem.search.starts import UserStart
from fastem.words import Missing

ILL_DEFINED = (
    "Fitting the mixture model failed because some components have ill-defined empirical "
    "covariance (for instance caused by singleton or collapsed samples). Try to decrease the "
    "number of components, increase reg_covar, or scale the input data."
)
NOT_CONVERGED = (
    "Best performing initialization did not converge. Try different init parameters, or increase "
    "max_iter, tol, or check for degenerate data."
)


class GaussianMixture(Online):
    """Gaussian mixture by Expectation-Maximisation, with scikit-learn's interface.

    Parameters, attributes and methods are those of `sklearn.mixture.GaussianMixture`, of the same
    meaning: from the same start, the same number of iterations gives the same parameters. Beyond it
    there are sample weights, missing values, `icl`, `mixture_`, `fit_`, `from_mixture` and
    `partial_fit`.

    Parameters
    ----------
    n_components : int, default 1
    covariance_type : str, default "full"
        "full", "tied", "diag", "spherical" or any other family that fastem knows.
    tol : float, default 1e-3
        EM has converged when the mean log-likelihood (nats a row) changes by less in an iteration.
    reg_covar : float, default 1e-6
        Added to the diagonal of every covariance, in squared units of the data.
    max_iter : int, default 100
        EM iterations, at most; 0 keeps the start.
    n_init : int, default 1
        Starts. Each runs to its end, and the one with the best lower bound is kept.
    init_params : str, default "kmeans"
        "kmeans", "k-means++", "random" or "random_from_data" as in scikit-learn, from the same
        random numbers; "random-subsets", "hierarchical" and the other kinds of `fastem.fit`.
        "fastem" is all of `fastem.fit`: its search, its tolerance, its floor of covariances, with
        the same mixture for the same integer `random_state`; of `tol`, `reg_covar`, `max_iter` and
        `n_init` those that have the defaults above take its defaults (1e-6, a relative floor, 1000
        and 10).
    weights_init : (n_components,) array-like, optional
    means_init : (n_components, n_features) array-like, optional
    precisions_init : array-like, optional
        Inverse covariances, of the shape of `covariances_`.
    random_state : int, RandomState or None
        Of the starts and of `sample`.
    warm_start : bool, default False
        Begin the next `fit` where the last one ended.
    verbose : int, default 0
        1 prints starts and iterations, 2 also changes of the lower bound and times.
    verbose_interval : int, default 10
        Iterations between two lines.
    missing : {"error", "mar"}, default "error"
        Whether rows may lack columns, NaN, and count by what they have, as in `fastem.fit`.

    Attributes
    ----------
    weights_ : (n_components,)
    means_ : (n_components, n_features)
    covariances_, precisions_, precisions_cholesky_ : array
        (n_components, n_features, n_features) if "full", (n_features, n_features) if "tied",
        (n_components, n_features) if "diag", (n_components,) if "spherical". Arrays are float32 if
        the data was.
    converged_ : bool
    n_iter_ : int
        Iterations of the best start.
    lower_bound_ : float
        Mean log-likelihood before the last M step, in nats a row.
    lower_bounds_ : list of float
        The same for each iteration.
    n_features_in_ : int
    feature_names_in_ : (n_features_in_,) ndarray of str
        Where the data had names that are all strings.
    fit_ : Fit
        Trace, status and restarts.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> model = GaussianMixture(n_components=2, random_state=0).fit(X)
    >>> np.sort(model.means_[:, 0]).round(6)
    array([ 1., 10.])
    >>> labels = model.predict([[0, 0], [12, 3]])
    >>> bool(labels[0] == labels[1])
    False
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions(set(FAMILIES))],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions({*starts.NAMES, OWN_SEARCH})],
        "weights_init": ["array-like", None],
        "means_init": ["array-like", None],
        "precisions_init": ["array-like", None],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
        "missing": [StrOptions({"error", "mar"})],
    }

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weights_init: ArrayLike | None = None,
        means_init: ArrayLike | None = None,
        precisions_init: ArrayLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
        missing: Missing = "error",
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.missing = missing

    @classmethod
    def from_mixture(cls, mixture: Mixture, **parameters: Any) -> GaussianMixture:
        """An estimator that has this mixture as if it had been fitted.

        Parameters
        ----------
        mixture : Mixture
        **parameters
            Of the constructor, such as warm_start=True to go on from here.

        Returns
        -------
        GaussianMixture

        Raises
        ------
        TypeError
            If mixture is no Mixture, or there is no such parameter.
        ValueError
            If the mixture has noise.

        Examples
        --------
        >>> mixture = Mixture([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]])
        >>> GaussianMixture.from_mixture(mixture).predict([[4.0]])
        array([1])
        """
        wanted = "a fastem.Mixture, such as fit.mixture"
        validation.instance(mixture, "mixture", Mixture, wanted)
        if mixture.noise is not None:
            raise ValueError(
                "the mixture has noise, which scikit-learn's class knows nothing of; give "
                "mixture.without_noise()"
            )
        model = cls(mixture.n_components, covariance_type=mixture.covariance_type, **parameters)
        model.n_features_in_ = mixture.n_features
        model._publish(mixture, np.dtype(np.float64))
        model.converged_, model.n_iter_ = False, 0
        model.lower_bound_, model.lower_bounds_ = np.float64(-np.inf), []
        return model

    def fit(
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> GaussianMixture:
        """Estimate the mixture.

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
        >>> model = GaussianMixture(2, random_state=0).fit(X, sample_weight=[1, 3, 2, 2])
        >>> sorted(model.means_.ravel().round(6).tolist())
        [0.75, 9.5]
        """
        self._estimate(X, sample_weight)
        return self

    def _estimate(self, X: ArrayLike, sample_weight: ArrayLike | None) -> NDArray:
        """Fit; returns the checked rows."""
        began = time.perf_counter()
        rows, data = self._data(X, sample_weight)
        family = covariance.family_by_name(self.covariance_type)
        if self.init_params == OWN_SEARCH:
            self._search(data, family)
        else:
            self._run_each(data, family, began)
        if not self.converged_ and self.max_iter > 0:
            warnings.warn(NOT_CONVERGED, ConvergenceWarning, stacklevel=3)
        return rows

    def _search(self, data: Data, family: Family) -> None:
        """Fit as `fastem.fit` does."""
        user_start = self._given(data, family)
        if self._is_warm:
            self._last(data)  # which checks it
            user_start = UserStart.of_mixture(self.mixture_, family)
        self.fit_ = own_search(self.get_params(), data, family, user_start)
        self._publish(self.fit_.mixture, data.source.dtype)
        self.converged_ = self.fit_.status.code == "converged"
        self.n_iter_ = self.fit_.n_iter
        self.lower_bounds_ = [np.float64(level) for level in self.fit_.trace]
        self.lower_bound_ = self.lower_bounds_[-1]

    def _run_each(self, data: Data, family: Family, began: float) -> None:
        """Fit from each start by scikit-learn's rule."""
        bounds = starts.bounds_of(self.reg_covar, data.rows(family).units, family)
        try:
            with np.errstate(divide="ignore", invalid="ignore"):
                outcome, restarts = self._run(data, family, bounds)
        except np.linalg.LinAlgError as error:
            raise ValueError(ILL_DEFINED) from error
        unsettled = f"the log-likelihood still changed by tol={self.tol:g}; raise max_iter or tol"
        end = outcome.run, data.rows(family), data, family, bounds, restarts, began
        self.fit_ = account(*end, unsettled=unsettled)
        self._publish(self.fit_.mixture, data.source.dtype)
        self.converged_ = outcome.converged
        self.n_iter_ = outcome.run.n_iter
        self.lower_bound_ = outcome.lower_bound
        self.lower_bounds_ = outcome.lower_bounds

    def _run(
        self, data: Data, family: Family, bounds: Bounds
    ) -> tuple[Outcome, tuple[Restart, ...]]:
        given, warm = self._given(data, family), self._is_warm
        return best_run(
            data.rows(family),
            family,
            [self._last(data)] if warm else self._starts(data, family, given),
            bounds=bounds,
            tol=self.tol,
            max_iter=self.max_iter,
            bound=self.lower_bound_ if warm else -np.inf,
            verbose=Verbose(self.verbose, self.verbose_interval),
        )

    def _given(self, data: Data, family: Family) -> UserStart:
        init = self.weights_init, self.means_init, self.precisions_init
        return given_start(*init, family, self.n_components, data.n_features)

    @property
    def _is_warm(self) -> bool:
        return self.warm_start and hasattr(self, "converged_")

    def _last(self, data: Data) -> Parameters:
        """The parameters of the last fit, in the units of the data's rows."""
        mixture = self.mixture_
        left = mixture.n_components, mixture.covariance_type, mixture.n_features
        asked = self.n_components, self.covariance_type, data.n_features
        if left != asked:
            raise ValueError(
                f"warm_start cannot go on from n_components, covariance_type and columns {left} to "
                f"{asked}; fit a clone, or set warm_start=False"
            )
        last = Parameters(mixture.weights, mixture.means, mixture.covariances)
        return to_units(last, mixture.family, data.rows(mixture.family).units)

    def _starts(self, data: Data, family: Family, given: UserStart) -> Iterator[Parameters]:
        """The start of each run, drawn in its turn: `random_state` is used in that order."""
        units = data.rows(family).units
        if given.weights is not None and given.means is not None and given.covariances is not None:
            # Nothing is random, but `n_init` asks for that many runs.
            yield from [to_units(given.complete(), family, units)] * self.n_init
            return
        rng = check_random_state(self.random_state)
        drawn = starts.begin(self.init_params, data, self.n_components, family, self.reg_covar, rng)
        for start in islice(drawn, self.n_init):
            start = given.override(start, family, units)
            if self.max_iter == 0:
                start = start._replace(weights=start.weights / start.weights.sum())
            yield start
