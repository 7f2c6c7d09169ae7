"""Selection: every fit tried, the best one, and more of them on demand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isclose
from typing import Any

from numpy.typing import ArrayLike

from fastem import collapse, validation
from fastem.covariance import Family
from fastem.covariance.nesting import breadth
from fastem.data import Data
from fastem.drawing import draw
from fastem.mixture import to_units
from fastem.progress import Progress
from fastem.results import Fit, Restart, Status
from fastem.rows import RowsLike
from fastem.search.beginning import Starts
from fastem.selection.fits import Fits, counts_of, kinds_of
from fastem.selection.shown import criteria, more_to_try
from fastem.selection.table import CRITERIA, How, Row, best_of, row_of
from fastem.summary import Shown, Summary
from fastem.words import CovarianceGroup, CovarianceType, Criterion


@dataclass(frozen=True, eq=False, repr=False)
class Selection(Shown):
    """Every fit tried, and the best one as it was fitted.

    Parameters
    ----------
    criterion : {"aic", "bic", "icl"}
        Lower is better.
    best : Fit
    table : tuple of Row
        In the order of fitting. `table_columns()` gives it by column, as a data frame takes it.
    restarts : tuple of tuples of Restart
        What became of the starts of each fit of the table.
    remark : str
        Why fits collapsed and what to do about it; empty where none did.
    how : How, optional
        What `update` goes on with.

    Examples
    --------
    >>> import fastem
    >>> choice = fastem.select([[0.0], [1.0], [9.0], [10.0]], [1, 2], random_state=0)
    >>> choice.best.mixture.n_components
    2
    >>> choice.best_by("aic").n_parameters
    5
    >>> len(choice.restarts_of(choice.best_row))
    10
    >>> {name: choice.table_columns()[name] for name in ("n_components", "status")}
    {'n_components': [1, 2], 'status': ['converged', 'converged']}
    """

    criterion: Criterion
    best: Fit
    table: tuple[Row, ...]
    restarts: tuple[tuple[Restart, ...], ...] = ()
    remark: str = ""
    how: How | None = None

    @property
    def status(self) -> Status:
        """How the best fit ended, and why others collapsed, if any did."""
        ended = self.best.status
        return Status(ended.code, "; ".join(filter(None, (ended.text, self.remark))))

    @property
    def best_row(self) -> Row:
        """The row of `best`."""
        return self.best_by(self.criterion)

    def best_by(self, criterion: Criterion) -> Row:
        """The row that another criterion would choose.

        Parameters
        ----------
        criterion : {"aic", "bic", "icl"}

        Returns
        -------
        Row
            With the lowest, of fits without collapsed components if there are any. Of families
            that are one model, as some are with one component, the first that was asked for.

        Raises
        ------
        ValueError
            If the criterion is unknown.
        """
        validation.choice(criterion, "criterion", CRITERIA)
        return best_of(self.table, criterion)

    def restarts_of(self, row: Row) -> tuple[Restart, ...]:
        """What became of the starts of that row's fit.

        Parameters
        ----------
        row : Row
            Of `table`.

        Returns
        -------
        tuple of Restart
            In the order of the starts.

        Raises
        ------
        TypeError, ValueError
            If row is no Row, or the table has no such row.
        """
        validation.instance(row, "row", Row, "one of the rows of table, such as best_row")
        if row not in self.table:
            raise ValueError(f"row is {row}, which is not in the table; give one that is")
        return self.restarts[self.table.index(row)] if self.restarts else ()

    def update(
        self,
        X: RowsLike,
        n_components: int | Iterable[int] | None = None,
        *,
        covariance_type: CovarianceType
        | CovarianceGroup
        | Sequence[CovarianceType | CovarianceGroup]
        | None = None,
        sample_weight: ArrayLike | None = None,
        progress: bool = False,
    ) -> Selection:
        """Try more numbers of components or more families; what was fitted is not fitted again.

        It is as if `select` had been called with all of them, from the same seeds and with the
        same options.

        Parameters
        ----------
        X : (n_samples, n_features) array-like, path or source
            The same rows, which a selection does not hold.
        n_components : int or iterable of int, optional
            By default those that were tried.
        covariance_type : str or sequence of str, optional
            By default those that were tried. Of the two all combinations are tried.
        sample_weight : (n_samples,) array-like, optional
            Those of the selection.
        progress : bool, default False
            Show a progress bar (extra: progress).

        Returns
        -------
        Selection
            Of what was tried before, in its order, and of what is new.

        Raises
        ------
        TypeError, ValueError, OSError, ImportError
            As `select`; ValueError too if these are not the rows of the selection.

        Examples
        --------
        >>> import numpy as np, fastem
        >>> X = np.random.default_rng(0).normal([[0.0], [9.0]], size=(200, 2, 1)).reshape(-1, 1)
        >>> choice = fastem.select(X, [1, 2], random_state=0)
        >>> [row.n_components for row in choice.update(X, 3).table]
        [1, 2, 3]
        """
        if self.how is None:
            raise ValueError("the selection does not say how it was made; call fastem.select")
        if n_components is None:
            n_components = list(dict.fromkeys(row.n_components for row in self.table))
        options = replace(self.how.options, progress=progress)
        with Progress(options.progress) as bar:
            labels, at_once = options.labels, options.needs_memory
            reading = self.how.reading
            data = Data.of(X, sample_weight, **reading, at_once=at_once, labels=labels)
            self._refuse_others(data)
            starts = Starts(data, options, self.how.seed, self.how.is_seeded)
            fits = Fits(starts, True)
            for row, fit in zip(self.table, self.how.fits, strict=True):
                fits.keep(row, fit)
            counts = counts_of(n_components, data.n_samples)
            tried = [row.covariance_type for row in self.table]
            given = tried if covariance_type is None else covariance_type
            kinds = kinds_of(given, data.n_features)
            return chosen(fits, counts, kinds, self.criterion, self.how, bar)

    def _refuse_others(self, data: Data) -> None:
        """Refuse rows that are not those of the selection, as far as can be told."""
        best, family = self.best, self.best.mixture.family
        total = data.source.total * data.weight_unit
        if data.n_features != best.mixture.n_features or not isclose(total, best.n_samples):
            raise ValueError(
                f"X has {total:.10g} rows in {data.n_features} columns but the selection is of "
                f"{best.n_samples:.10g} in {best.mixture.n_features}; give the rows and weights "
                f"that it was made of"
            )
        rows = data.rows(family)
        own = family.at(rows.units)
        density = own.factor(to_units(best.mixture._parameters, own, rows.units))
        level = rows.summarise(density).log_likelihood * data.weight_unit
        labels = self.how is not None and self.how.options.labels is not None
        if not (labels or isclose(level, best.log_likelihood, rel_tol=1e-4, abs_tol=1e-4 * total)):
            raise ValueError(
                f"X has a log-likelihood of {level:g} under the best fit, which had "
                f"{best.log_likelihood:g}; give the rows and weights that the selection was made of"
            )

    def plot(self, ax: Any = None, criteria: str | Sequence[str] | None = None) -> Any:
        """The criterion against the number of components: `fastem.plot.selection` (extra: plot).

        Parameters
        ----------
        ax, criteria : optional
            As in `fastem.plot.selection`.

        Returns
        -------
        Axes

        Raises
        ------
        ImportError
            If matplotlib or Pillow is not installed.
        TypeError, ValueError
            As `fastem.plot.selection`.
        """
        return draw("selection", self, ax, criteria)

    def table_columns(self) -> dict[str, list[Any]]:
        """The table as lists by column: `pandas.DataFrame(choice.table_columns())`.

        Returns
        -------
        dict of str to list
            For each field of a `Row`, as many values as there were fits.
        """
        return {name: [getattr(row, name) for row in self.table] for name in Row._fields}

    def summary(self) -> Summary:
        """The best three models, and the criterion of every fit; it is what `print` shows.

        Returns
        -------
        Summary
        """
        blocks = criteria(self.table, self.best_row, self.criterion)
        blocks.append(self.remark and f"{self.remark}.")
        more = more_to_try(self.table, self.best_row, self.best.n_samples)
        if more is not None:
            low, high = more
            blocks.append(
                f"The best is the largest number tried; try more: n_components=range({low}, "
                f"{high + 1})."
            )
        return Summary(*blocks)


def chosen(
    fits: Fits,
    counts: list[int],
    kinds: list[Family],
    criterion: Criterion,
    how: How,
    bar: Progress,
) -> Selection:
    """The selection of what was fitted and of what is to be."""
    data = fits.starts.data
    for k in counts:
        # Narrower families first: those that contain them are no lower.
        for family in sorted(kinds, key=breadth):
            if not (fits.stopped or fits.has(k, family)):
                fits.add(k, family, bar)
    found = fits.in_order(counts, kinds)
    table = tuple(map(row_of, found))
    best = found[table.index(best_of(table, criterion))]
    n_collapsed = sum(row.status == "collapsed" for row in table)
    remark = collapse.why(data, n_collapsed, len(table))
    restarts = tuple(fit.restarts for fit in found)
    return Selection(criterion, best, table, restarts, remark, how._replace(fits=tuple(found)))
