"""MixtureClassifier: scikit-learn's interface to `fastem.classify`."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from fastem import validation
from fastem.classification import Classifier, classify
from fastem.covariance import FAMILIES, GROUPS
from fastem.words import CovarianceGroup, CovarianceType

_DTYPES = [np.float64, np.float32]


class MixtureClassifier(ClassifierMixin, BaseEstimator):
    """A Gaussian mixture for each class, with scikit-learn's interface.

    Parameters
    ----------
    n_components : int or sequence of int, default 1
        Of each class; of several the criterion picks one.
    covariance_type : str or sequence of str, default "full"
        As in `fastem.select`. With one component a class "EEE" is linear and "VVV" quadratic
        discriminant analysis, but for the divisors of covariances.
    criterion : {"bic", "aic"}, default "bic"
    priors : (n_classes,) array-like, optional
        By default the classes' shares.
    reg_covar : float, default 1e-6
        Added to the diagonal of every covariance, in squared units of the data.
    tol : float, default 1e-6
    max_iter : int, default 1000
    n_init : int, default 10
        As in `fastem.fit`.
    missing : {"error", "mar"}, default "error"
        Whether rows may lack columns, NaN, and count by what they have.
    random_state : int, RandomState or None

    Attributes
    ----------
    classes_ : (n_classes,) ndarray
    classifier_ : Classifier
        What `fastem.classify` returned, of classes that are numbered.
    n_iter_ : int
        Of the longest fit.
    n_features_in_ : int
    feature_names_in_ : (n_features_in_,) ndarray of str
        Where the data had names that are all strings.

    Examples
    --------
    >>> X = [[0.0], [1.0], [0.5], [9.0], [10.0], [9.5]]
    >>> model = MixtureClassifier().fit(X, ["low", "low", "low", "high", "high", "high"])
    >>> model.predict([[2.0], [8.0]]).tolist()
    ['low', 'high']
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "covariance_type": [StrOptions({*FAMILIES, *GROUPS}), "array-like"],
        "criterion": [StrOptions({"bic", "aic"})],
        "priors": ["array-like", None],
        "reg_covar": [Interval(Real, 0.0, None, closed="left")],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "missing": [StrOptions({"error", "mar"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int | Sequence[int] = 1,
        *,
        covariance_type: CovarianceType
        | CovarianceGroup
        | Sequence[CovarianceType | CovarianceGroup] = "full",
        criterion: Literal["aic", "bic"] = "bic",
        priors: ArrayLike | None = None,
        reg_covar: float = 1e-6,
        tol: float = 1e-6,
        max_iter: int = 1000,
        n_init: int = 10,
        missing: Literal["error", "mar"] = "error",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.criterion = criterion
        self.priors = priors
        self.reg_covar = reg_covar
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.missing = missing
        self.random_state = random_state

    classifier_: Classifier

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> MixtureClassifier:
        """Learn a mixture for each class.

        Parameters
        ----------
        X : (n_samples, n_features) array-like
        y : (n_samples,) array-like
            All known.
        sample_weight : (n_samples,) array-like, optional
            A weight of 2 is the row twice.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If a parameter, the rows or their classes are not what they must be.
        """
        self._validate_params()
        rows, classes = self._validated(X, y)
        check_classification_targets(classes)
        self.classes_, codes = np.unique(classes, return_inverse=True)
        weight = validation.sample_weight(sample_weight, len(rows))
        if weight is not None:  # a class of rows that do not count is none
            counted = (np.bincount(codes, weight, len(self.classes_)) > 0)[codes]
            rows, codes, weight = rows[counted], codes[counted], weight[counted]
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.classifier_ = classify(
            rows,
            codes,
            self.n_components,
            covariance_type=self.covariance_type,
            criterion=self.criterion,
            priors=self.priors,
            sample_weight=weight,
            reg_covar=self.reg_covar,
            tol=self.tol,
            max_iter=self.max_iter,
            n_init=self.n_init,
            missing=self.missing,
            random_state=seed,
        )
        self.n_iter_ = max(1, *(row.n_iter for row in self.classifier_.table))
        return self

    def predict(self, X: ArrayLike) -> NDArray:
        """The likeliest class of each row.

        Parameters
        ----------
        X : (n_samples, n_features) array-like

        Returns
        -------
        classes : (n_samples,) ndarray

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If X is not numbers with n_features_in_ columns.
        """
        codes = self._known.predict(self._rows(X), missing=self.missing)
        found: NDArray = self.classes_[codes]
        return found

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probability that each row is of each class.

        Parameters
        ----------
        X : (n_samples, n_features) array-like
            As in `predict`, which says what is raised.

        Returns
        -------
        probabilities : (n_samples, n_classes)
        """
        rows, known = self._rows(X), self._known
        found = np.zeros((len(rows), len(self.classes_)))
        found[:, known.classes] = known.predict_proba(rows, missing=self.missing)
        return found

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Logarithms of `predict_proba`.

        Parameters
        ----------
        X : (n_samples, n_features) array-like
            As in `predict`, which says what is raised.

        Returns
        -------
        logarithms : (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            found: NDArray[np.float64] = np.log(self.predict_proba(X))
        return found

    def __sklearn_tags__(self) -> Any:
        """NaN is taken where rows may lack columns."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "mar"
        return tags

    @property
    def _known(self) -> Classifier:
        check_is_fitted(self)
        return self.classifier_

    def _rows(self, X: ArrayLike) -> NDArray:
        check_is_fitted(self)
        return self._validated(X, reset=False)

    def _validated(self, X: ArrayLike, *y: Any, **checks: Any) -> Any:
        finite = True if self.missing == "error" else "allow-nan"
        how = {"dtype": _DTYPES, "order": "C", "ensure_all_finite": finite}
        with np.errstate(over="ignore", invalid="ignore"):
            return validate_data(self, X, *y, **how, **checks)
