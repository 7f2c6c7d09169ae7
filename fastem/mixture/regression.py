"""Gaussians given some of their columns.

C. M. Bishop, Pattern Recognition and Machine Learning (2006), equations 2.81, 2.82 and 2.98.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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


def check_rest(columns: NDArray, n_features: int) -> None:
    """Raise ValueError if no column is left to be described given `columns`."""
    if len(columns) == n_features:
        raise ValueError(f"columns are all {n_features} there are; leave at least one out")
