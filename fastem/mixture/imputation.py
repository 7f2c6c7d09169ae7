"""Imputation: what rows lack, as the mixture has it."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import validation
from fastem.mixture.answers import AT_ONCE, Shares, described
from fastem.mixture.evaluation import Evaluation
from fastem.rows import RowsLike, streamed
from fastem.rows.files import is_path
from fastem.rows.labels import rows_file
from fastem.words import Seed


@dataclass(frozen=True, eq=False, repr=False)
class Imputation(Evaluation):
    """A mixture that fills what rows lack."""

    def impute(
        self,
        X: ArrayLike,
        draws: int | None = None,
        random_state: Seed = None,
    ) -> NDArray:
        """Rows with what they lack: its expectation, or draws for multiple imputation.

        The expectation of missing columns given those observed is an average over the components,
        E[x_m | x_o] = sum_k r_k(x_o) (mean of x_m given x_o in component k). A draw takes one
        component at random, with probabilities r_k(x_o), and draws from its conditional density:
        so estimates from each of several draws vary as the missing values leave them open (D. B.
        Rubin, Multiple Imputation for Nonresponse in Surveys, 1987).

        Parameters
        ----------
        X : (n_samples, n_features) array-like
            NaN, None, NA and masked entries are missing; a row may lack all. Columns by name are
            put in the mixture's order.
        draws : int, optional
            How many. By default expectations.
        random_state : int, Generator, RandomState or None
            Of the draws. The same int gives the same bits.

        Returns
        -------
        filled : (n_samples, n_features) or (draws, n_samples, n_features)
            float32 if X is, else float64. What is observed is as it was.

        Raises
        ------
        TypeError, ValueError
            If X is not an array of numbers with n_features columns, a number is infinite, draws is
            not a whole number from 1, or noise lies in a box that is not along the columns.

        Examples
        --------
        >>> from fastem import Mixture
        >>> mixture = Mixture([1.0], [[0.0, 5.0]], [[[1.0, 0.5], [0.5, 1.0]]])
        >>> mixture.impute([[2.0, np.nan], [np.nan, np.nan], [1.0, 4.0]])
        array([[2., 6.],
               [0., 5.],
               [1., 4.]])
        >>> mixture.impute([[2.0, np.nan]], draws=3, random_state=0)[:, 0, 1].round(3)
        array([5.536, 7.129, 5.391])
        """
        n_draws = 0 if draws is None else validation.integer(draws, "draws")
        rng = np.random.default_rng(validation.random_state(random_state))
        rows, _ = validation.complete(self._in_order(X), "mar", "X", self.n_features)
        found = np.repeat(rows[None], max(n_draws, 1), axis=0)
        which = np.flatnonzero(np.isnan(rows).any(axis=1))
        for start in range(0, len(which), AT_ONCE):
            some = which[start : start + AT_ONCE]
            found[:, some] = self._filled(rows[some], n_draws, rng)
        return found[0] if draws is None else found

    def impute_to(self, path: str | os.PathLike, X: RowsLike) -> int:
        """Rows of a file with expectations of what they lack, written to another as they are read.

        Parameters
        ----------
        path : str or path
            Ends in .npy, for an array (n_samples, n_features), or in .csv or .parquet, for columns
            called as the rows' are. Written whole or not at all.
        X : path, source or (n_samples, n_features) array-like
            Rows, as `fastem.rows.open` takes or, with `missing="mar"`, returns them. All rows are
            written, in their order.

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
            As `impute`, and if the suffix is another.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> from fastem import Mixture
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> np.save(folder / "rows.npy", [[2.0, np.nan], [0.0, 1.0]])
        >>> mixture = Mixture([1.0], [[0.0, 5.0]], [[[1.0, 0.5], [0.5, 1.0]]])
        >>> mixture.impute_to(folder / "filled.npy", folder / "rows.npy")
        2
        >>> np.load(folder / "filled.npy")
        array([[2., 6.],
               [0., 1.]])
        """
        path, n_samples = validation.path(path, "path"), 0
        with rows_file(path, self.column_names) as write, closing(self.each_filled(X)) as blocks:
            for rows in blocks:
                write(rows)
                n_samples += len(rows)
        return n_samples

    def each_filled(self, X: RowsLike) -> Generator[NDArray, None, None]:
        """Rows as `impute_to` writes them: of an array at once, of files in blocks."""
        how = "mar" if is_path(X) else "error"  # a source has its own way
        source = streamed(X, None, self.feature_names, how)
        if source is None:
            yield self.impute(X)  # type: ignore[arg-type]
            return
        self._check_source(source)
        beside = 4 * self.n_features * source.dtype.itemsize
        with closing(source.every(lambda block: [self.impute(block)], beside)) as results:
            for (rows,) in results:
                yield rows

    @property
    def column_names(self) -> tuple[str, ...]:
        """What columns are called in files."""
        return self.feature_names or tuple(f"column_{j}" for j in range(self.n_features))

    def _filled(self, rows: NDArray, n_draws: int, rng: np.random.Generator) -> NDArray:
        """Rows (n, n_features) with what they lack, (n_draws or 1, n, n_features)."""
        n, variates = len(rows), None
        if n_draws:
            uniforms = rng.random((n_draws, n))
            variates = uniforms, rng.standard_normal((n_draws, *rows.shape))
        told = described(self, rows, fill=True, variates=variates)
        found = told.filled
        if self.noise is not None and not n_draws:
            share = Shares.of(told.log_densities).resp[:, -1:]
            found += share * (self.noise.centre - self._factored_for(rows.dtype)[1].centre)
        elif self.noise is not None:
            of_noise = np.isnan(found)
            found[of_noise] = self.noise.sample(n_draws * n, rng).reshape(found.shape)[of_noise]
        return np.where(np.isnan(rows), found, rows).astype(rows.dtype)
