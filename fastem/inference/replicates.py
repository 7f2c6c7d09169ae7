"""Replicates of a fitted mixture, and what they say: standard errors and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem import validation
from fastem.drawing import draw
from fastem.mixture import Mixture
from fastem.summary import Shown, Summary, Table
from fastem.validation.column_choice import printable

#: Kinds of pictures, and what draws them.
PICTURES = {"means": "replicates", "histograms": "histograms"}
#: Lines of the table that people are shown.
LINES = 24


class Estimates(NamedTuple):
    """One number for each parameter of a mixture of K components in D columns.

    Parameters
    ----------
    weights : (n_components,)
    means : (n_components, n_features)
    variances : (n_components, n_features)
        The diagonals of `covariances`.
    covariances : (n_components, n_features, n_features)
        Whatever the family.
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    covariances: NDArray[np.float64]

    @classmethod
    def of(cls, weights: NDArray, means: NDArray, covariances: NDArray) -> Estimates:
        """With the diagonals of the covariances as variances; more axes may stand in front."""
        return cls(weights, means, np.diagonal(covariances, axis1=-2, axis2=-1), covariances)


@dataclass(frozen=True, eq=False, repr=False)
class Bootstrap(Shown):
    """Replicates of a fitted mixture.

    Parameters
    ----------
    mixture : Mixture
        The one that was fitted to all rows.
    kind : {"nonparametric", "weighted-likelihood", "parametric", "jackknife"}
    weights : (n, n_components)
        Of the n replicates that did not collapse. Noise has what they lack of a sum of 1.
    means : (n, n_components, n_features)
    covariances : (n, n_components, n_features, n_features)
        Whatever the family.
    n_collapsed : int
        Replicates left out because a component of theirs became singular or lost its rows.
    n_not_converged : int
        Replicates kept although `max_iter` ended them.

    Examples
    --------
    >>> import numpy as np, fastem
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, (100, 1)), rng.normal(9, 1, (100, 1))])
    >>> fitted = fastem.fit(X, 2, random_state=0)
    >>> made = fastem.bootstrap(fitted, X, 99, random_state=0)
    >>> made.means.shape
    (99, 2, 1)
    >>> low, high = made.interval(0.9)
    >>> bool((low.means < fitted.mixture.means).all() and (fitted.mixture.means < high.means).all())
    True
    >>> list(made.table_columns())
    ['parameter', 'component', 'column', 'estimate', 'standard_error', 'low', 'high']
    """

    mixture: Mixture
    kind: str
    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    n_collapsed: int = 0
    n_not_converged: int = 0

    @property
    def variances(self) -> NDArray[np.float64]:
        """The diagonals of `covariances`, (n, n_components, n_features)."""
        return self._replicates.variances

    @property
    def estimates(self) -> Estimates:
        """The fitted mixture's own parameters."""
        mixture = self.mixture
        return Estimates.of(mixture.weights, mixture.means, mixture.full_covariances)

    @property
    def standard_errors(self) -> Estimates:
        """Standard deviations of the replicates (n - 1 in the denominator).

        Of the jackknife (n - 1) / sqrt(n) times as much: its n replicates differ by a row or a
        group of them (B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans (1982)).
        """
        n = len(self.weights)
        stretch = (n - 1) / np.sqrt(n) if self.kind == "jackknife" else 1.0
        return Estimates(*(stretch * _deviations(part) for part in self._replicates))

    def interval(self, level: float = 0.95) -> tuple[Estimates, Estimates]:
        """Percentile intervals: between the (1 - level) / 2 quantiles from below and above.

        B. Efron, Can. J. Stat. 9 (1981) 139. Each is of one parameter by itself, none of several.
        Those of the jackknife are normal ones instead: so many standard errors about the estimate.

        Parameters
        ----------
        level : float, default 0.95
            Between 0 and 1: the share of the replicates within.

        Returns
        -------
        low, high : Estimates
            In the units of the parameters.

        Raises
        ------
        TypeError, ValueError
            If level is not a number between 0 and 1.
        """
        level = validation.proportion(level, "level")
        if self.kind == "jackknife":
            reach, own = NormalDist().inv_cdf((1 + level) / 2), self.estimates
            steps = [reach * error for error in self.standard_errors]
            low, high = (
                Estimates(*(part + sign * step for part, step in zip(own, steps, strict=True)))
                for sign in (-1, 1)
            )
            return low, high
        tails = (1 - level) / 2, (1 + level) / 2
        low, high = (
            Estimates(*(np.quantile(part, tail, axis=0) for part in self._replicates))
            for tail in tails
        )
        return low, high

    def plot(
        self,
        ax: Any = None,
        columns: Sequence[int] | None = None,
        *,
        kind: Literal["means", "histograms"] | None = None,
        **options: Any,
    ) -> Any:
        """The replicates: `fastem.plot.replicates` or `fastem.plot.histograms` (extra: plot).

        Parameters
        ----------
        ax, columns : optional
            As in those.
        kind : {"means", "histograms"}, optional
            The means in two columns, or a histogram of each parameter. By default means where
            there are two columns to draw, else histograms.
        **options
            What else they take, such as level=0.9 or, of histograms, parameter="weight".

        Returns
        -------
        Axes, or (n_rows, n_components) ndarray of Axes for histograms

        Raises
        ------
        ImportError
            If matplotlib or Pillow is not installed.
        TypeError, ValueError
            As those functions; and if kind is another.
        """
        if kind is None:
            n_drawn = self.mixture.n_features if columns is None else np.size(columns)
            kind = "means" if n_drawn == 2 else "histograms"
        validation.choice(kind, "kind", PICTURES)
        return draw(PICTURES[kind], self, ax, columns=columns, **options)

    def table_columns(self, level: float = 0.95) -> dict[str, list[Any]]:
        """Weights, means and variances as lists by column, for `pandas.DataFrame`.

        A line is a parameter ("weight", "mean" or "variance") of a component, for means and
        variances of a column of the data too, with its estimate, standard error and interval.

        Parameters
        ----------
        level : float, default 0.95
            As in `interval`.

        Returns
        -------
        dict of str to list
            Each of length K + 2 K D; `column` is a name, or a number where the mixture has no
            names, and None for weights.

        Raises
        ------
        TypeError, ValueError
            As `interval`.
        """
        K, D = self.mixture.means.shape
        parts = ["weights", "means", "variances"]
        columns = self.mixture.feature_names or range(D)
        names: list[tuple[str, int, Any]] = [("weight", k, None) for k in range(K)]
        names += [(name, *at) for name in ("mean", "variance") for at in product(range(K), columns)]
        numbers = {
            name: np.concatenate([getattr(values, part).ravel() for part in parts]).tolist()
            for name, values in zip(
                ["estimate", "standard_error", "low", "high"],
                [self.estimates, self.standard_errors, *self.interval(level)],
                strict=True,
            )
        }
        parameter, component, column = map(list, zip(*names, strict=True))
        return {"parameter": parameter, "component": component, "column": column} | numbers

    def summary(self, level: float = 0.95) -> Summary:
        """Estimates, standard errors and intervals; it is what `print` shows.

        Parameters
        ----------
        level : float, default 0.95
            As in `interval`.

        Returns
        -------
        Summary

        Raises
        ------
        TypeError, ValueError
            As `interval`.
        """
        columns = self.table_columns(level)
        n_lines = len(columns["estimate"])
        names = zip(columns["parameter"], columns["component"], columns["column"], strict=True)
        cells = [["parameter", *(_head(*name) for name in list(names)[:LINES])]]
        for title in "estimate", "standard_error", "low", "high":
            numbers = (f"{number:.4g}" for number in columns[title][:LINES])
            cells.append([title.replace("_", " "), *numbers])
        n, more = len(self.weights), n_lines - LINES
        return Summary(
            f"Jackknife of {n} replicates; intervals are normal ones of {100 * level:g}%"
            if self.kind == "jackknife"
            else f"Bootstrap ({self.kind}) of {n} replicates; intervals hold {100 * level:g}% of "
            "them",
            f"{self.n_collapsed} more collapsed and are left out" if self.n_collapsed else "",
            f"{self.n_not_converged} did not converge; raise max_iter"
            if self.n_not_converged
            else "",
            Table(cells, left=True),
            f"  and {more} more lines: table_columns()" if more > 0 else "",
        )

    @property
    def _replicates(self) -> Estimates:
        return Estimates.of(self.weights, self.means, self.covariances)


def _head(parameter: str, component: int, column: str | int | None) -> str:
    """How a line of the table begins."""
    where = f"column {column}" if isinstance(column, int) else printable(column or "")
    return f"{parameter} {component}{where and ', '}{where}"


def _deviations(values: NDArray) -> NDArray[np.float64]:
    """Standard deviations along the first axis, of variances whose squares overflow too."""
    _, exponent = np.frexp(np.abs(values).max(axis=0))
    return np.ldexp(np.ldexp(values, -exponent).std(axis=0, ddof=1), exponent)
