"""fit_columns: a mixture for each column of a table, by one call."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastem import covariance, em, validation
from fastem.account import account
from fastem.covariance import NormalWishart
from fastem.data import Data
from fastem.mixture import change_units
from fastem.options import Options
from fastem.progress import Progress
from fastem.results import Fit, Restart
from fastem.rows import AscendingRows, Memory
from fastem.search.objective import Objective
from fastem.search.samples import Samples
from fastem.search.starts import STARTS

#: Columns that a message names, at most.
SHOWN = 5


def fit_columns(
    X: ArrayLike,
    n_components: int,
    *,
    prior: bool | NormalWishart = False,
    n_init: int = 1,
    tol: float = 1e-4,
    max_iter: int = 1000,
    random_state: int | np.random.Generator | None = None,
    n_threads: int | None = None,
    progress: bool = False,
) -> list[Fit]:
    """Fit a mixture to each column on its own, several columns at a time.

    This is what synthesisers of tables need, which normalise every column by its own mixture. A
    column is sorted, which lets a pass leave out what is far from its rows, and its EM is compiled
    as a whole, but for `prior=True`.

    Parameters
    ----------
    X : (n_samples, n_features) array-like
        Missing values, NaN, are left out of their columns. Single precision is widened.
    n_components : int
        Of each column, at most; with a prior those that are not needed lose their rows.
    prior, tol, max_iter : optional
        As in `fastem.fit`; by default with a tolerance of 1e-4.
    n_init : int, default 1
        Starts by k-means, each of which runs to its end.
    random_state : int, Generator or None
        The same int gives the same bits, whatever the number of threads.
    n_threads : int, optional
        Columns at a time; by default as many as there are processors.
    progress : bool, default False
        Show a progress bar of columns (extra: progress).

    Returns
    -------
    list of Fit
        One for each column, in their order, of `covariance_type` "diag".

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it must be, or columns hold infinity or have fewer numbers than
        components; the message names them before any is fitted. So does one whose squares float64
        cannot hold, or a constant one with `prior=True`, which end the call when their turn comes.
    ImportError
        If `progress` is asked for without tqdm.

    Examples
    --------
    >>> import numpy as np
    >>> import fastem
    >>> X = np.random.default_rng(0).normal([[0.0, 5.0], [9.0, 5.0]] * 200)
    >>> fits = fit_columns(X, 5, prior=fastem.DirichletProcess(1e-3), random_state=0)
    >>> [fitted.n_effective for fitted in fits]
    [2, 1]
    """
    validation.boolean(progress, "progress")
    if n_threads is not None:
        validation.integer(n_threads, "n_threads")
    n_components = validation.integer(n_components, "n_components")
    columns = validation.matrix(X).T
    names = validation.feature_names(X)
    options = Options(n_init=n_init, tol=tol, max_iter=max_iter, prior=prior)
    rng = np.random.default_rng(validation.random_state(random_state))
    seeds = rng.integers(2**63, size=len(columns))

    called = [str(j) if names is None else f"{j} ({names[j]})" for j in range(len(columns))]
    _check(columns, called, n_components)

    def of(j: int) -> Fit:
        rows = np.sort(columns[j][~np.isnan(columns[j])].astype(np.float64))[:, None]
        try:
            return _fitted(Data.of(rows), n_components, options, np.random.default_rng(seeds[j]))
        except ValueError as error:
            raise ValueError(f"X column {called[j]}: {error}") from error

    found: dict[int, Fit] = {}
    workers = ThreadPoolExecutor(n_threads or os.cpu_count())
    with Progress(progress, unit="columns", total=len(columns)) as bar:
        try:
            waiting = {workers.submit(of, j): j for j in range(len(columns))}
            for done in as_completed(waiting):
                fitted = found[waiting[done]] = done.result()
                level = fitted.log_likelihood / fitted.n_samples
                bar.update("columns", -1, fitted.n_iter, level)
        finally:
            workers.shutdown(cancel_futures=True)
    return [found[j] for j in range(len(columns))]


def _fitted(data: Data, n_components: int, options: Options, rng: np.random.Generator) -> Fit:
    """The best of EM from some starts, each by k-means and run to its end, without a race."""
    began = time.perf_counter()
    assert isinstance(data.source, Memory)
    family = data.extended(
        covariance.family_by_name("diag"), n_components, noise=False, prior=options.prior
    )
    rows = AscendingRows(data.source.X, None, data.rows(family).units)
    objective = Objective.of(rows, family, options)
    sample = Samples(data, np.random.SeedSequence(int(rng.integers(2**63)))).of(
        family, n_components
    )
    rule = em.Rule.expected_gain(options.tol, rows.precision)
    runs = []
    for labelled in STARTS["k-means++"](sample, n_components, rng.spawn(options.n_init)):
        start = labelled.parameters(family.at(sample.units), objective.bounds)
        runs.append(
            em.run(
                rows,
                objective.family,
                change_units(start, family, sample.units, rows.units),
                bounds=objective.bounds,
                rule=rule,
                max_iter=options.max_iter,
            )
        )
    best = max(range(len(runs)), key=lambda i: runs[i].trace[-1])
    restarts = tuple(
        Restart(i, run.trace[-1], run.n_iter, "chosen" if i == best else "finished", run.trace)
        for i, run in enumerate(runs)
    )
    unsettled = f"a gain above tol={options.tol:g} is still to be expected; raise max_iter or tol"
    family, bounds, sort = objective.family, objective.bounds, objective.family.exchangeable
    end = runs[best], rows, data, family, bounds, restarts, began
    return account(*end, unsettled=unsettled, sort=sort)


def _check(columns: NDArray, called: Sequence[str], n_components: int) -> None:
    """Refuse columns that no mixture can be fitted to, all together.

    Raises
    ------
    ValueError
    """
    wrong = []
    for column, name in zip(columns, called, strict=True):
        n = len(column) - int(np.isnan(column).sum())
        if np.isinf(column).any():
            wrong.append(f"column {name} holds infinity")
        elif n < n_components:
            wrong.append(f"column {name} has {n} numbers, fewer than n_components, {n_components}")
    if wrong:
        more = f", and {len(wrong) - SHOWN} more such columns" if len(wrong) > SHOWN else ""
        raise ValueError(
            f"X {', '.join(wrong[:SHOWN])}{more}; leave what is wrong out, or ask for fewer "
            f"components"
        )
