"""Evaluation: what a mixture says of rows, wherever they live."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.mixture.answers import summarise
from fastem.mixture.rowwise import Rowwise, far_rows
from fastem.moments import Moments
from fastem.rows import RowsLike, Source, elsewhere
from fastem.rows.labels import labels_file
from fastem.words import Missing


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Rowwise):
    """Components that rows are held against."""

    def log_prob(self, X: RowsLike, *, missing: Missing = "error") -> NDArray[np.float64]:
        """Log density of each row, log sum_k weight_k N(x_i | mean_k, covariance_k).

        Noise adds its weight over its volume, outside its box too.

        Of float64 rows, to 13 digits: where a covariance is so ill conditioned that float64 would
        not hold them, this works in twice the precision, and so do `responsibilities` and
        `predict`.

        Parameters
        ----------
        X : (n_samples, n_features) array-like, path or source
            As `fastem.fit` takes it. Rows of weight 0 are rows. Where the mixture and X name their
            columns, these are put in the mixture's order.
        missing : {"error", "drop", "mar"}, default "error"
            What becomes of rows with missing values: where they are dropped the answer for them is
            NaN, a label -2; with "mar" it is by what is observed of them. A source has its own way.

        Returns
        -------
        log_prob : (n_samples,) float64, in nats

        Raises
        ------
        TypeError, ValueError
            If X is not a finite array of numbers with n_features columns.
        OSError
            If X is a path that cannot be read.

        Examples
        --------
        >>> from fastem import Mixture
        >>> mixture = Mixture([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]])
        >>> mixture.log_prob([[0.0], [2.5]]).round(4)
        array([-1.6121, -4.0439])
        """
        return self._of_each_row("log_prob", X, missing=missing)

    def score(
        self,
        X: RowsLike,
        sample_weight: ArrayLike | None = None,
        *,
        missing: Missing = "error",
    ) -> float:
        """Mean log-likelihood of the rows: the mean of `log_prob`, by weight.

        Rows of files, of blocks and of Dask are never held together.

        Parameters
        ----------
        X : (n_samples, n_features) array-like, path or source
            A source has weights of its own, if any.
        sample_weight : (n_samples,) array-like, optional
            As in `summarise`, which says what is raised.
        missing : {"error", "drop", "mar"}, default "error"
            As in `log_prob`: rows that are dropped do not count; with "mar" a row counts by the
            density of what is observed of it, which is 1 where nothing is.

        Returns
        -------
        float, in nats a row

        Warns
        -----
        UserWarning
            As `fastem.fit`, of rows that are not in memory.

        Examples
        --------
        >>> from fastem import Mixture
        >>> mixture = Mixture([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]])
        >>> round(mixture.score([[0.0], [2.5]]), 4)
        -2.828
        >>> round(mixture.score([[0.0], [2.5]], sample_weight=[1, 2]), 4)
        -3.2333
        """
        source = elsewhere(X, sample_weight, self.feature_names, missing)
        if source is not None:
            limits = np.stack(source.limits()).astype(source.dtype)
            far = far_rows(limits, self._factored_for(source.dtype)[1]) is not None
            moments = self._summarised(source.widened() if far else source)
            return moments.log_likelihood / moments.n_rows
        log_prob = self.log_prob(X, missing=missing)
        weight = validation.sample_weight(sample_weight, len(log_prob))
        kept = ~np.isnan(log_prob)
        if weight is not None:
            weight = validation.sample_weight(weight[kept], int(kept.sum()))
        return float(np.average(log_prob[kept], weights=weight))

    def responsibilities(self, X: RowsLike, *, missing: Missing = "error") -> NDArray:
        """Probability that each row comes from each component.

        Parameters
        ----------
        X, missing
            As in `log_prob`, which says what is raised.

        Returns
        -------
        resp : (n_samples, n_components), or (n_samples, n_components + 1) with noise, the last
            float32 if X is, else float64. Each row sums to 1.

        Examples
        --------
        >>> from fastem import Mixture
        >>> mixture = Mixture([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]])
        >>> mixture.responsibilities([[2.0], [2.5]]).round(3)
        array([[0.924, 0.076],
               [0.5  , 0.5  ]])
        """
        return self._of_each_row("responsibilities", X, missing=missing)

    def component_log_prob(self, X: RowsLike, *, missing: Missing = "error") -> NDArray[np.float64]:
        """Log density of each row in each component by itself: mclust's `cdens`.

        Parameters
        ----------
        X, missing
            As in `log_prob`, which says what is raised.

        Returns
        -------
        log_prob : (n_samples, n_components) float64
            log N(x_i | mean_k, covariance_k), in nats; noise has no column.

        Examples
        --------
        >>> from fastem import Mixture
        >>> mixture = Mixture([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]])
        >>> mixture.component_log_prob([[2.0]]).round(4)
        array([[-2.9189, -5.4189]])
        """
        return self._of_each_row("component_log_prob", X, missing=missing)

    def uncertainty(self, X: RowsLike, *, missing: Missing = "error") -> NDArray[np.float64]:
        """How uncertain each row's label is: 1 - its largest responsibility.

        C. Fraley and A. E. Raftery, J. Am. Stat. Assoc. 97 (2002) 611.

        Parameters
        ----------
        X, missing
            As in `log_prob`, which says what is raised.

        Returns
        -------
        uncertainty : (n_samples,) float64
            From 0 to 1.

        Examples
        --------
        >>> from fastem import Mixture
        >>> mixture = Mixture([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]])
        >>> mixture.uncertainty([[2.0], [2.5]]).round(3)
        array([0.076, 0.5  ])
        """
        return self._of_each_row("uncertainty", X, missing=missing)

    def summarise(
        self,
        X: RowsLike,
        sample_weight: ArrayLike | None = None,
        *,
        missing: Missing = "error",
    ) -> Moments:
        """Sufficient statistics of rows under this mixture, about its means.

        Parameters
        ----------
        X : (n_samples, n_features) array-like, path or source
        sample_weight : (n_samples,) array-like, optional
            A weight of 2 is the row twice. As in `fastem.fit`.
        missing : {"error", "drop", "mar"}, default "error"
            As in `log_prob`; with "mar" moments are those expected of the rows if they were whole.

        Returns
        -------
        Moments
            Their log-likelihood is sum_i v_i log p(x_i), in nats. Means and moments are in units
            of the mixture's own choosing: powers of two times the user's, and of float32 rows
            about the mixture's mean.

        Raises
        ------
        TypeError, ValueError, OSError
            As `log_prob`; and if the weights are not one for each row, at least 0 and not all 0.

        Examples
        --------
        >>> from fastem import Mixture
        >>> mixture = Mixture([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]])
        >>> mixture.summarise([[0.0], [2.5]], sample_weight=[1, 2]).counts.round(3)
        array([2., 1.])
        """
        source = elsewhere(X, sample_weight, self.feature_names, missing)
        if source is not None:
            return self._summarised(source)
        rows, gaps = validation.complete(self._in_order(X), missing, "X", self.n_features)
        weight = validation.sample_weight(sample_weight, len(rows) if gaps is None else len(gaps))
        if gaps is not None and weight is not None:
            weight = weight[~gaps.any(axis=1)]
        density, units = self._factored_for(rows.dtype)
        if missing == "mar" and np.isnan(rows).any():
            return summarise(self, rows, weight)
        return density.summarise(rows, weight, units)

    def predict(self, X: RowsLike, *, missing: Missing = "error") -> NDArray[np.int32]:
        """Index of the likeliest component of each row; -1 is noise, -2 a row that was left out.

        As `log_prob` and `responsibilities`, of Dask's array or data frame a Dask array, in chunks
        like its own and computed when it is asked for.

        Parameters
        ----------
        X, missing
            As in `log_prob`, which says what is raised.

        Returns
        -------
        labels : (n_samples,) int32
            From 0.

        Examples
        --------
        >>> from fastem import Mixture
        >>> mixture = Mixture([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]])
        >>> mixture.predict([[0.2], [4.0]])
        array([0, 1], dtype=int32)
        """
        return self._of_each_row("predict", X, missing=missing)

    def predict_to(
        self,
        path: str | os.PathLike,
        X: RowsLike,
        *,
        probabilities: bool = False,
        missing: Missing = "error",
    ) -> int:
        """Write the label of each row to a file, while the rows are read.

        No more than a few blocks of rows are held at a time. The file appears when it is whole; if
        anything goes wrong, none does.

        Parameters
        ----------
        path : path
            .npy: an int32 array of labels or, with probabilities, the array of those, whose largest
            in a row is at its label. .csv or .parquet (extra: parquet): a column `label` and, with
            probabilities, `probability_0`, `probability_1` and so on, and `probability_noise`
            where there is noise.
        X : path, source or (n_samples, n_features) array-like
            Rows, as `fastem.rows.open` takes or returns them. All rows are labelled, in their
            order, those of weight 0 as well.
        probabilities : bool, default False
        missing : {"error", "drop", "mar"}, default "error"
            As in `log_prob`.

        Returns
        -------
        n_samples : int
            How many rows there were.

        Raises
        ------
        ImportError
            If the file is .parquet and pyarrow is not installed.
        OSError
            If a file cannot be read or written.
        TypeError, ValueError
            If the suffix is another, probabilities is neither True nor False, or X is not finite
            numbers with n_features columns.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> from fastem import Mixture
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> np.save(folder / "rows.npy", [[0.2], [4.0]])
        >>> mixture = Mixture([0.5, 0.5], [[0.0], [5.0]], [[[1.0]], [[1.0]]])
        >>> mixture.predict_to(folder / "labels.npy", folder / "rows.npy")
        2
        >>> np.load(folder / "labels.npy")
        array([0, 1], dtype=int32)
        """
        path = validation.path(path, "path")
        probabilities = validation.boolean(probabilities, "probabilities")
        wanted = ("predict", "responsibilities") if probabilities else ("predict",)
        n_samples = 0
        n_components = self.n_components if probabilities else None
        with (
            labels_file(path, n_components, self.noise is not None) as write,
            closing(self.each(wanted, X, missing=missing)) as results,
        ):
            for labels, *resp in results:
                write(labels, resp[0] if resp else None, ())
                n_samples += len(labels)
        return n_samples

    def _summarised(self, source: Source) -> Moments:
        """Moments of rows that are not in memory."""
        self._check_source(source)
        density, units = self._factored_for(source.dtype)
        return source.at(units).summarise(density).scaled(source.weight_unit)
