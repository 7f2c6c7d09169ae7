"""select: how many components, of which covariance family."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from math import isclose
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastem import collapse, validation
from fastem.covariance import FAMILIES, ConjugatePrior, Family, families
from fastem.covariance.nesting import breadth, contains
from fastem.data import Data
from fastem.drawing import draw
from fastem.fit import solve
from fastem.mixture import to_units
from fastem.options import Options
from fastem.progress import Progress
from fastem.results import Callback, Fit, Restart, Status
from fastem.rows import Source
from fastem.search.beginning import Starts
from fastem.search.nested import larger_starts
from fastem.summary import Shown, Summary
from fastem.summary.selection import criteria, more_to_try
from fastem.validation.column_choice import Column
from fastem.words import CovarianceGroup, CovarianceType, Criterion, Seed, Start

CRITERIA = "aic", "bic", "icl"


class Row(NamedTuple):
    """One fit of the table; of every criterion, lower is better.

    As its `Fit` has them: the log-likelihood is of all rows, in nats, `status` the status's code.
    """

    n_components: int
    covariance_type: str
    log_likelihood: float
    n_parameters: int
    aic: float
    bic: float
    icl: float
    n_iter: int
    status: str
    seconds: float


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
        return _best(self.table, criterion)

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
        X: ArrayLike | Source,
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
            data = Data.of(X, sample_weight, **self.how.reading, at_once=options.needs_memory)
            self._refuse_others(data)
            starts = Starts(data, options, self.how.seed, self.how.is_seeded)
            fits = _Fits(starts, True)
            for row, fit in zip(self.table, self.how.fits, strict=True):
                fits.keep(row, fit)
            counts = _counts(n_components, data.n_samples)
            tried = [row.covariance_type for row in self.table]
            given = tried if covariance_type is None else covariance_type
            kinds = _kinds(given, data.n_features)
            return _chosen(fits, counts, kinds, self.criterion, self.how, bar)

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
        blocks = criteria(self)
        blocks.append(self.remark and f"{self.remark}.")
        more = more_to_try(self)
        if more is not None:
            low, high = more
            blocks.append(
                f"The best is the largest number tried; try more: n_components=range({low}, "
                f"{high + 1})."
            )
        return Summary(*blocks)


def select(
    X: ArrayLike | Source,
    n_components: int | Iterable[int],
    *,
    covariance_type: CovarianceType
    | CovarianceGroup
    | Sequence[CovarianceType | CovarianceGroup] = "full",
    criterion: Criterion = "bic",
    sample_weight: ArrayLike | None = None,
    n_init: int = 10,
    init: Start | Sequence[Start] = "mixed",
    reg_covar: float | None = None,
    tol: float = 1e-6,
    max_iter: int = 1000,
    accelerate: bool = True,
    random_state: Seed = None,
    callback: Callback | None = None,
    progress: bool = False,
    noise: bool | ArrayLike = False,
    prior: bool | ConjugatePrior = False,
    checkpoint: str | os.PathLike | None = None,
    checkpoint_every: int = 1,
    checkpoint_wait: bool = False,
    columns: Sequence[Column] | None = None,
    missing: str = "error",
    na_values: Any = None,
    labels: ArrayLike | None = None,
) -> Selection:
    """Fit every number of components with every covariance family, and keep the best.

    Fits without collapsed components come before those with any: a singular component has as high a
    likelihood as the bound on variances allows, which says nothing about the data.

    Parameters
    ----------
    X : (n_samples, n_features) array-like, path or source
    n_components : int or iterable of int
    covariance_type : str or sequence of str, default "full"
        Families as in `fastem.fit`, and words for several: "mclust" for all fourteen of mclust's,
        "diagonal" for those with axes along the columns, "ellipsoidal" for the other eight. With
        one column each of these is "E" and "V".
    criterion : {"bic", "aic", "icl"}, default "bic"
        Lower is better; mclust's figures are these with the other sign.
    sample_weight : (n_samples,) array-like, optional
    random_state : int, Generator, RandomState or None
        All fits of one call start from the same seeds on the same sample of rows.
    n_init, init, reg_covar, tol, max_iter, accelerate : optional
        As in `fastem.fit`.
    callback, progress, noise, prior, checkpoint, checkpoint_every, checkpoint_wait : optional
        As in `fastem.fit`. Of several fits each has a checkpoint of its own: "fit.npz" stands for
        "fit.3-full.npz" and so on.
    columns, missing, na_values, labels : optional
        As in `fastem.fit`.

    Returns
    -------
    Selection
        Where the callback stopped a fit, the table ends with that one.

    Raises
    ------
    TypeError, ValueError, OSError, ImportError
        As `fastem.fit`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, (300, 2)), rng.normal(6, 1, (300, 2))])
    >>> select(X, range(1, 4), random_state=0).best.mixture.n_components
    2
    """
    validation.choice(criterion, "criterion", CRITERIA)
    options = Options(
        n_init=n_init,
        init=init,
        reg_covar=reg_covar,
        tol=tol,
        max_iter=max_iter,
        accelerate=accelerate,
        callback=callback,
        progress=progress,
        noise=noise,
        prior=prior,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        labels=labels,
        checkpoint_wait=checkpoint_wait,
    )
    options.refuse_variational(
        "it tells by itself how many components rows need: give fastem.fit the most that there may "
        "be, and see n_effective"
    )
    with options.sole(), Progress(options.progress) as bar:
        reading = {"columns": columns, "missing": missing, "na_values": na_values}
        data = Data.of(X, sample_weight, **reading, at_once=options.needs_memory)
        starts = Starts.of(data, options, random_state)
        plain = replace(options, callback=None, checkpoint=None, progress=False)
        how = How(plain, starts.seed, starts.is_seeded, reading, ())
        counts = _counts(n_components, data.n_samples)
        kinds = _kinds(covariance_type, data.n_features)
        fits = _Fits(starts, len(counts) * len(kinds) > 1)
        return _chosen(fits, counts, kinds, criterion, how, bar)


class How(NamedTuple):
    """How a selection was made, and its fits.

    Parameters
    ----------
    options : Options
    seed : SeedSequence
    is_seeded : bool
    reading : dict
        How rows were read: columns, missing, na_values.
    fits : tuple of Fit
        Of the table.
    """

    options: Options
    seed: np.random.SeedSequence
    is_seeded: bool
    reading: dict[str, Any]
    fits: tuple[Fit, ...]


def _chosen(
    fits: _Fits,
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
    table = tuple(map(_row, found))
    best = found[table.index(_best(table, criterion))]
    n_collapsed = sum(row.status == "collapsed" for row in table)
    remark = collapse.why(data, n_collapsed, len(table))
    restarts = tuple(fit.restarts for fit in found)
    return Selection(criterion, best, table, restarts, remark, how._replace(fits=tuple(found)))


def _kinds(covariance_type: Any, n_features: int) -> list[Family]:
    """The families of those names."""
    listed = np.iterable(covariance_type) and not isinstance(covariance_type, str)
    return families(list(covariance_type) if listed else [covariance_type], n_features)


@dataclass
class _Fits:
    """Fits of nested models: of two that nest in each other the larger one has the higher level."""

    starts: Starts
    several: bool
    _made: dict[tuple[int, str], Fit] = field(default_factory=dict)
    _before: list[tuple[int, str]] = field(default_factory=list)
    stopped: bool = False

    def add(self, k: int, family: Family, bar: Progress) -> None:
        """One more fit, no lower than those of models within it."""
        name = f"{k}-{family.name}" if self.several else ""
        found = solve(self.starts, k, family, bar, name=name)
        self.stopped = found.status.code == "stopped"
        if not self.stopped and not self.starts.options.prior:
            found = self._no_lower(found, family)
        self._made[k, family.name] = found

    def has(self, k: int, family: Family) -> bool:
        """Whether that fit is made."""
        return (k, family.name) in self._made

    def keep(self, row: Row, fit: Fit) -> None:
        """A fit that was made before."""
        self._made[row.n_components, row.covariance_type] = fit
        self._before.append((row.n_components, row.covariance_type))

    def in_order(self, counts: list[int], kinds: list[Family]) -> list[Fit]:
        """All fits: those made before, and others in the order that was asked for.

        Last is the one that the callback stopped.
        """
        keys = [*self._before, *((k, family.name) for k in counts for family in kinds)]
        keys = [key for key in dict.fromkeys(keys) if key in self._made]
        if self.stopped:
            last = next(reversed(self._made))
            keys = [key for key in keys if key != last] + [last]
        return [self._made[key] for key in keys]

    def _no_lower(self, found: Fit, family: Family) -> Fit:
        """A fit, or a better one from the end of a smaller model's that is higher."""
        k = found.mixture.n_components
        # Of these fits none has a checkpoint of its own: they are made anew from those that have.
        starts = replace(self.starts, options=replace(self.starts.options, checkpoint=None))
        for (n_smaller, name), smaller in self._made.items():
            own = FAMILIES[name]
            nests = n_smaller <= k and (own is family or contains(family, own))
            if not nests or _level(smaller) <= _level(found) or smaller.status.code == "collapsed":
                continue
            # What collapses from the best halves is no better held up by twins.
            most = 1 if found.status.code == "collapsed" else None
            for start in islice(larger_starts(starts, smaller.mixture, own, family, k), most):
                better = solve(starts, k, family, Progress(False), start)
                if _level(better) > _level(found):
                    seconds = found.seconds + better.seconds
                    found = replace(better, restarts=found.restarts, seconds=seconds)
                if _level(found) >= _level(smaller):
                    break
        return found


def _level(fit: Fit) -> tuple[bool, float]:
    return fit.status.code != "collapsed", fit.log_likelihood


def _counts(value: int | Iterable[int], n_samples: int) -> list[int]:
    several = np.iterable(value) and not isinstance(value, str | bytes)
    values: list[Any] = list(value) if several else [value]  # type: ignore[arg-type]
    if not values:
        raise ValueError("n_components is empty; give at least one number of components")
    return list(dict.fromkeys(validation.components(v, n_samples) for v in values))


def _row(fitted: Fit) -> Row:
    mixture = fitted.mixture
    return Row(
        mixture.n_components,
        mixture.covariance_type,
        fitted.log_likelihood,
        mixture.n_parameters,
        fitted.aic(),
        fitted.bic(),
        fitted.icl(),
        fitted.n_iter,
        fitted.status.code,
        fitted.seconds,
    )


def _best(table: Sequence[Row], criterion: str) -> Row:
    """The row of the lowest criterion; of several that are one model, the first."""
    best = min(table, key=lambda row: _rank(row, criterion))

    def is_same(row: Row) -> bool:
        sizes = row.n_components, row.n_parameters, row.status == "collapsed"
        return sizes == (1, best.n_parameters, best.status == "collapsed") and isclose(
            row.log_likelihood, best.log_likelihood, rel_tol=1e-9
        )

    if best.n_components > 1:
        return best
    return next(filter(is_same, table), best)


def _rank(row: Row, criterion: str) -> tuple[bool, float]:
    return row.status == "collapsed", getattr(row, criterion)
