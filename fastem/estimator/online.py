"""Online: an estimator that learns from batches of rows, in scikit-learn's words."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.estimator.fitted import Fitted
from fastem.stream import Stream


class Online(Fitted):
    """A fitted estimator that goes on with `partial_fit`, or is fitted by it."""

    def partial_fit(
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Learn from a batch of rows by online EM, as `fastem.Stream` does.

        The first K (D + 1) rows are kept until they are so many, and then fitted as by `fit`; until
        then the estimator is not fitted, and `predict` and the others say so. After `fit` its rows
        stand behind the mixture.

        Parameters
        ----------
        X : (n_samples, n_features) array-like
            With at least one row.
        y : ignored
        sample_weight : (n_samples,) array-like, optional

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            As `fit`; if the batch has other columns than those before.

        Warns
        -----
        ConvergenceWarning
            If the fit of the first rows did not converge.

        Examples
        --------
        >>> from fastem import GaussianMixture
        >>> model = GaussianMixture(2, random_state=0)
        >>> batches = [[[0.0], [9.0]], [[1.0], [10.0]], [[0.5], [9.5]]]
        >>> for batch in batches:
        ...     model = model.partial_fit(batch)
        >>> model.means_.round(1).ravel()
        array([0.5, 9.5])
        """
        self._validate_params()
        is_new = not hasattr(self, "n_features_in_")
        rows = self._validated(X, reset=is_new)
        weight = validation.sample_weight(sample_weight, len(rows))
        if not hasattr(self, "weights_"):
            self._begin_online(rows, weight)
            return self
        if getattr(self, "_online_for", None) is not self._mixture:
            self._online = Stream(self.fit_ if hasattr(self, "fit_") else self.mixture_)
        self._online.update(rows, weight, missing=self.missing)
        self._publish(self._online.mixture, self.means_.dtype)
        self._online_for = self._mixture
        return self

    def _begin_online(self, rows: NDArray, weight: NDArray[np.float64] | None) -> None:
        """Keep first rows, and fit them once they are enough."""
        weight = np.ones(len(rows)) if weight is None else weight
        kept = getattr(self, "_kept", None)
        if kept is not None:
            rows = np.concatenate((kept[0], rows))
            weight = np.concatenate((kept[1], weight))
        needed = self.n_components * (rows.shape[1] + 1)
        if (n_rows := np.count_nonzero(weight)) < needed:
            self._kept: tuple[NDArray, NDArray[np.float64]] | None = (rows, weight)
            self._unfitted = (
                f"This %(name)s has kept {n_rows} rows of partial_fit and is fitted once they are "
                f"{needed}, K (D + 1); give it more, or call fit."
            )
            return
        self._kept = None
        names = getattr(self, "feature_names_in_", None)
        self._estimate(rows, weight)
        if names is not None:
            self.feature_names_in_ = names
