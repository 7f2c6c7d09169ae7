"""Regression: some columns of a mixture by themselves, and where the others are given.

C. M. Bishop, Pattern Recognition and Machine Learning (2006), equations 2.81, 2.82 and 2.98.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.mixture.imputation import Imputation
from fastem.noise import Noise
from fastem.validation.column_choice import Column


@dataclass(frozen=True, eq=False, repr=False)
class Regression(Imputation):
    """A mixture that tells what some of its columns follow."""

    def marginal(self, columns: Column | Sequence[Column]) -> Self:
        """The mixture that some of the columns follow.

        Parameters
        ----------
        columns : int or str, or sequence of them
            Counted from 0, or by name; the columns of the result are in this order.

        Returns
        -------
        Mixture
            "diag" if the family's axes lie along the columns, else "full".

        Raises
        ------
        TypeError, ValueError
            If a column is repeated or there is no such column, or there is noise in a box that does
            not lie along the columns: what such a box casts on some of them is not uniform.

        Examples
        --------
        >>> from fastem import Mixture
        >>> Mixture([1.0], [[0.0, 5.0]], [[1.0, 4.0]], "diag").marginal(1).covariances
        array([[4.]])
        """
        chosen = self._numbers(columns)
        covariances = self.full_covariances[:, chosen[:, None], chosen]
        noise = None if self.noise is None else self.noise.marginal(chosen)
        return self._of_columns(chosen, self.weights, self.means[:, chosen], covariances, noise)

    def condition(
        self,
        columns: Column | Sequence[Column] | Mapping[Column, float],
        values: ArrayLike | None = None,
    ) -> Self:
        """The mixture that the other columns follow where these have the values given.

        Parameters
        ----------
        columns : int or str, sequence of them, or mapping of them to values
            Counted from 0, or by name.
        values : float or (len(columns),) array-like
            In the order of `columns`, unless that is a mapping.

        Returns
        -------
        Mixture
            Of the other columns in their order; "diag" or "full", as `marginal`'s.

        Raises
        ------
        TypeError, ValueError
            If a column is repeated, there is no such column or none is left, values are not finite
            numbers, one for each column, or noise has no marginal (see `marginal`).

        Examples
        --------
        >>> from fastem import Mixture
        >>> mixture = Mixture([1.0], [[0.0, 5.0]], [[[1.0, 0.5], [0.5, 1.0]]])
        >>> mixture.condition(0, 2.0).means
        array([[6.]])
        """
        if isinstance(columns, Mapping):
            values = list(columns.values())
        chosen, others = self._parted(columns)
        given = validation.parameter(
            np.atleast_1d(validation.numeric(values, "values")),  # type: ignore[arg-type]
            "values",
            chosen.shape,
        )
        weights = self.marginal(chosen.tolist()).responsibilities(given[None])[0]
        regressions = Regressions.of(self.means, self.full_covariances, chosen)
        noise = None
        if self.noise is not None:
            noise = self.noise.marginal(others).with_weight(float(weights[-1]))
            weights = weights[:-1]
        means, covariances = regressions.means(given), regressions.covariances
        return self._of_columns(others, weights, means, covariances, noise)

    def predict_mean(self, columns: Column | Sequence[Column], X: ArrayLike) -> NDArray[np.float64]:
        """Mean of the other columns where these have the values given: a regression.

        E[y | x] = sum_k r_k(x) (mean of y given x in component k); see `condition`.

        Parameters
        ----------
        columns : int or str, or sequence of them
            The columns of the mixture that X holds, counted from 0 or by name.
        X : (n_samples, len(columns)) array-like

        Returns
        -------
        means : (n_samples, n_features - len(columns))

        Raises
        ------
        TypeError, ValueError
            As `condition`, for each row.

        Examples
        --------
        >>> from fastem import Mixture
        >>> mixture = Mixture([1.0], [[0.0, 5.0]], [[[1.0, 0.5], [0.5, 1.0]]])
        >>> mixture.predict_mean(0, [[2.0], [0.0]])
        array([[6.],
               [5.]])
        """
        chosen, others = self._parted(columns)
        X = validation.rows(X, n_features=len(chosen)).astype(np.float64, copy=False)
        resp = self.marginal(chosen.tolist()).responsibilities(X)
        means = Regressions.of(self.means, self.full_covariances, chosen).mean(X, resp)
        if self.noise is not None:
            means += resp[:, -1:] * self.noise.centre[others]
        return means

    def _numbers(self, columns: Any) -> NDArray[np.intp]:
        """Columns by name or number as numbers."""
        owner = self.feature_names, self.n_features, "the mixture"
        return validation.column_numbers(columns, *owner)

    def _parted(self, columns: Any) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Numbers of columns that are given, and of the others, of which there must be some."""
        chosen = self._numbers(columns)
        others = np.setdiff1d(np.arange(self.n_features), chosen)
        if not len(others):
            raise ValueError(f"columns are all {self.n_features} there are; leave at least one out")
        return chosen, others

    def _of_columns(
        self,
        columns: NDArray[np.intp],
        weights: NDArray,
        means: NDArray,
        covariances: NDArray,
        noise: Noise | None,
    ) -> Self:
        """A mixture of these columns with matrices that may have left this one's family."""
        names = self.feature_names
        kind = "full"
        if self.family.diagonal:
            kind, covariances = "diag", np.diagonal(covariances, axis1=1, axis2=2)
        return replace(
            self,
            weights=weights,
            means=means,
            covariances=covariances,
            covariance_type=kind,
            noise=noise,
            feature_names=None if names is None else tuple(names[j] for j in columns),
        )


@dataclass(frozen=True, eq=False)
class Regressions:
    """The linear regression of some columns on the others, in each component.

    Parameters
    ----------
    given, sought : (n_components, n_given), (n_components, n_sought)
        Means of the columns that are given and of those that are sought.
    coefficients : (n_components, n_sought, n_given)
    covariances : (n_components, n_sought, n_sought)
        Of the sought columns about their regression.
    """

    given: NDArray[np.float64]
    sought: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    covariances: NDArray[np.float64]

    @classmethod
    def of(cls, means: NDArray, covariances: NDArray, columns: NDArray) -> Regressions:
        """Regressions on `columns` of means (K, D) and covariances (K, D, D)."""
        others = np.setdiff1d(np.arange(means.shape[1]), columns)
        deviations = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
        # As correlations no product of the columns' scales can overflow.
        correlations = covariances / deviations[:, :, None] / deviations[:, None, :]
        roots = np.linalg.cholesky(correlations[:, columns[:, None], columns])
        whitened = np.linalg.solve(roots, correlations[:, columns[:, None], others])
        left = correlations[:, others[:, None], others] - whitened.swapaxes(1, 2) @ whitened
        coefficients = np.linalg.solve(roots.swapaxes(1, 2), whitened).swapaxes(1, 2)
        own = deviations[:, others]
        left = 0.5 * (left + left.swapaxes(1, 2)) * own[:, :, None] * own[:, None, :]
        coefficients = coefficients * own[:, :, None] / deviations[:, None, columns]
        return cls(means[:, columns], means[:, others], coefficients, left)

    def means(self, values: NDArray) -> NDArray[np.float64]:
        """Means of the sought columns in each component at values (n_given,)."""
        steps = values - self.given
        return self.sought + (self.coefficients @ steps[:, :, None])[:, :, 0]

    def mean(self, X: NDArray, responsibilities: NDArray) -> NDArray[np.float64]:
        """The components' means at rows X (n, n_given), averaged by responsibilities (n, K)."""
        total = np.zeros((len(X), self.sought.shape[1]))
        for k, coefficients in enumerate(self.coefficients):
            predicted = self.sought[k] + (X - self.given[k]) @ coefficients.T
            total += responsibilities[:, k, None] * predicted
        return total
