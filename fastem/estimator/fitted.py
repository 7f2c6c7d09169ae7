"""Fitted: what a fitted estimator answers, in scikit-learn's words."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from fastem import covariance, results, validation
from fastem.covariance.precisions import cholesky_factors, covariances_from, precisions_from
from fastem.data import Data
from fastem.mixture import Mixture
from fastem.moments import Moments
from fastem.words import Missing

_DTYPES = [np.float64, np.float32]


class Fitted(DensityMixin, BaseEstimator):
    """The published arrays of a mixture, and what they say of rows.

    The parameters `n_components`, `covariance_type`, `random_state` and `missing` are the
    estimator's.
    """

    n_components: int
    covariance_type: str
    random_state: int | np.random.RandomState | None
    missing: Missing
    #: What is said before `fit`, if not scikit-learn's own words.
    _unfitted: str | None = None

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Index of the likeliest component of each row.

        Parameters
        ----------
        X : (n_samples, n_features) array-like

        Returns
        -------
        labels : (n_samples,) int64
            From 0.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If X is not finite numbers with n_features_in_ columns.
        """
        found = self._density[0].predict(self._rows(X), missing=self.missing)
        return found.astype(np.int64)

    def fit_predict(
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> NDArray[np.int64]:
        """Fit, and label the same rows: `fit(X).predict(X)`.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`, which says what is raised.

        Returns
        -------
        labels : (n_samples,) int64
            The likeliest component of each row, from 0.

        Examples
        --------
        >>> from fastem import GaussianMixture
        >>> labels = GaussianMixture(2, random_state=0).fit_predict([[0.0], [1.0], [9.0], [10.0]])
        >>> bool(labels[0] == labels[1] != labels[2] == labels[3])
        True
        """
        rows = self._estimate(X, sample_weight)
        return self._density[0].predict(rows, missing=self.missing).astype(np.int64)

    def predict_proba(self, X: ArrayLike) -> NDArray:
        """Probability of each component given the row.

        Parameters
        ----------
        X : (n_samples, n_features) array-like
            As in `predict`, which says what is raised.

        Returns
        -------
        resp : (n_samples, n_components)
            float32 if X and the rows fitted to are, else float64. Each row sums to 1.
        """
        return self._density[0].responsibilities(self._rows(X), missing=self.missing)

    def score_samples(self, X: ArrayLike) -> NDArray:
        """Log-likelihood of each row.

        Parameters
        ----------
        X : (n_samples, n_features) array-like
            As in `predict`, which says what is raised.

        Returns
        -------
        log_prob : (n_samples,), in nats
            float32 if X and the rows fitted to are, else float64.
        """
        rows, (mixture, log_total) = self._rows(X), self._density
        found = mixture.log_prob(rows, missing=self.missing) + log_total
        return found.astype(rows.dtype, copy=False)

    def score(
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """Mean log-likelihood of the rows.

        Parameters
        ----------
        X : (n_samples, n_features) array-like
            As in `predict`, which says what is raised.
        y : ignored
        sample_weight : (n_samples,) array-like, optional

        Returns
        -------
        float, in nats a row
        """
        log_prob = self.score_samples(X)
        weight = validation.sample_weight(sample_weight, len(log_prob))
        return float(np.average(log_prob, weights=weight))

    def aic(self, X: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Akaike's criterion, 2 p - 2 log L; lower is better.

        H. Akaike, IEEE Trans. Autom. Control 19 (1974) 716.

        Parameters
        ----------
        X : (n_samples, n_features) array-like
            As in `predict`, which says what is raised.
        sample_weight : (n_samples,) array-like, optional
            A weight of 2 is the row twice.

        Returns
        -------
        float
            On the scale of -2 log L, log L in nats.
        """
        moments = self._summary(X, sample_weight)
        return results.aic(self._n_parameters(), moments.log_likelihood)

    def bic(self, X: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Schwarz's criterion, p log n - 2 log L, n the sum of weights; lower is better.

        G. Schwarz, Ann. Stat. 6 (1978) 461.

        Parameters
        ----------
        X, sample_weight
            As in `aic`.

        Returns
        -------
        float
        """
        moments = self._summary(X, sample_weight)
        return results.bic(self._n_parameters(), moments.log_likelihood, moments.n_rows)

    def icl(self, X: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Integrated completed likelihood, BIC - 2 sum_i log max_k r_ik; lower is better.

        C. Biernacki, G. Celeux and G. Govaert, IEEE PAMI 22 (2000) 719.

        Parameters
        ----------
        X, sample_weight
            As in `aic`.

        Returns
        -------
        float
        """
        moments = self._summary(X, sample_weight)
        return results.icl(
            self._n_parameters(),
            moments.log_likelihood,
            moments.n_rows,
            moments.classification_entropy,
        )

    def sample(self, n_samples: int = 1) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Draw rows, ordered by component: those of scikit-learn for the same random state.

        Parameters
        ----------
        n_samples : int, default 1

        Returns
        -------
        X : (n_samples, n_features)
        y : (n_samples,)
            The component each row came from.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            If n_samples is not a whole number.
        ValueError
            If it is below 1.
        """
        mixture = self.mixture_
        n_samples = validation.integer(n_samples, "n_samples", least=None)
        if n_samples < 1:
            raise ValueError(
                f"Invalid value for 'n_samples': {n_samples}. "
                f"The sampling requires at least one sample."
            )
        rng = check_random_state(self.random_state)
        counts = rng.multinomial(n_samples, mixture.weights)
        shape = mixture.n_features
        if mixture.family.diagonal:
            variances = np.diagonal(mixture.full_covariances, axis1=1, axis2=2)
            drawn = [
                mean + rng.standard_normal((count, shape)) * np.sqrt(variance)
                for mean, variance, count in zip(mixture.means, variances, counts, strict=True)
            ]
        else:
            # The covariances are valid; NumPy's own check is absolute and warns of rounding.
            drawn = [
                rng.multivariate_normal(mean, covariance, count, check_valid="ignore")
                for mean, covariance, count in zip(
                    mixture.means, mixture.full_covariances, counts, strict=True
                )
            ]
        return np.concatenate(drawn), np.repeat(np.arange(len(counts)), counts)

    @property
    def mixture_(self) -> Mixture:
        """The fitted mixture; what `weights_`, `means_` and `precisions_cholesky_` say now.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self, msg=self._unfitted)
        published = self.weights_, self.means_, self.precisions_cholesky_
        if all(map(np.array_equal, published, self._published)):
            return self._mixture
        # Somebody has set them by hand, as scikit-learn's users do.
        family = covariance.family_by_name(self.covariance_type)
        weights, means, factors = (np.asarray(array, dtype=np.float64) for array in published)
        spread = covariances_from(precisions_from(factors, family), family)
        return Mixture(weights, means, spread, family.name)

    @abstractmethod
    def _estimate(self, X: ArrayLike, sample_weight: ArrayLike | None) -> NDArray:
        """Fit; returns the checked rows."""

    @property
    def _density(self) -> tuple[Mixture, float]:
        """A mixture, and the log of what its density is multiplied by: what rows answer to."""
        return self.mixture_, 0.0

    def _publish(self, mixture: Mixture, dtype: np.dtype) -> None:
        """Set the attributes that scikit-learn's users read, and remember what they were."""
        factors = cholesky_factors(mixture.covariances, mixture.family)
        self.weights_ = mixture.weights.astype(dtype)
        self.means_ = mixture.means.astype(dtype)
        self.covariances_ = mixture.covariances.astype(dtype)
        self.precisions_cholesky_ = factors.astype(dtype)
        self.precisions_ = precisions_from(factors, mixture.family).astype(dtype)
        self._mixture = mixture
        published = self.weights_, self.means_, self.precisions_cholesky_
        self._published = tuple(array.copy() for array in published)

    def _rows(self, X: ArrayLike) -> NDArray:
        """Checked rows, in the wider of the types of these and of the fitted rows."""
        check_is_fitted(self, msg=self._unfitted)
        rows = self._validated(X, reset=False)
        return rows.astype(np.result_type(rows.dtype, self.means_.dtype), copy=False)

    def _data(self, X: ArrayLike, sample_weight: ArrayLike | None) -> tuple[NDArray, Data]:
        """Checked rows and parameters, as `fit` takes them."""
        self._validate_params()
        validation.integer(self.n_components, "n_components")  # True is Integral, but no number
        rows = self._validated(X, ensure_min_samples=2)
        data = Data.of(rows, sample_weight, missing=self.missing)
        if data.n_samples < self.n_components:
            raise ValueError(
                f"Expected n_samples >= n_components but got n_components = {self.n_components}, "
                f"n_samples = {data.n_samples}"
            )
        return rows, data

    def _validated(self, X: ArrayLike, **checks: Any) -> NDArray:
        """Rows that scikit-learn accepts; it sees no masks, and warns before it refuses."""
        finite: bool | str = True
        if self.missing == "mar":
            finite = "allow-nan"
            if isinstance(X, np.ma.MaskedArray):
                X = np.ma.filled(X.astype(np.float64), np.nan)
        validation.check_mask(X, "X")
        how = {"dtype": _DTYPES, "order": "C", "ensure_all_finite": finite}
        with np.errstate(over="ignore", invalid="ignore"):
            rows: NDArray = validate_data(self, X, **how, **checks)
        return rows

    def _summary(self, X: ArrayLike, sample_weight: ArrayLike | None) -> Moments:
        return self.mixture_.summarise(self._rows(X), sample_weight, missing=self.missing)

    def __sklearn_is_fitted__(self) -> bool:
        """Not by the number of columns alone, which `partial_fit` knows before."""
        return hasattr(self, "weights_")

    def __sklearn_tags__(self) -> Any:
        """NaN is taken where rows may lack columns."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "mar"
        return tags

    def _n_parameters(self) -> int:
        """Free parameters of the model, by scikit-learn's name for it."""
        return self.mixture_.n_parameters
