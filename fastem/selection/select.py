"""select: how many components, of which covariance family."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

from fastem import validation
from fastem.covariance import ConjugatePrior
from fastem.data import Data
from fastem.event import Callback
from fastem.noise import Noise
from fastem.options import Options
from fastem.progress import Progress
from fastem.rows import RowsLike
from fastem.search.beginning import Starts
from fastem.selection.fits import Fits, counts_of, kinds_of
from fastem.selection.selection import Selection, chosen
from fastem.selection.table import CRITERIA, How
from fastem.validation.column_choice import Column
from fastem.words import CovarianceGroup, CovarianceType, Criterion, Missing, Seed, Start


def select(
    X: RowsLike,
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
    noise: bool | Noise | ArrayLike = False,
    prior: bool | ConjugatePrior = False,
    checkpoint: str | os.PathLike | None = None,
    checkpoint_every: int = 1,
    checkpoint_wait: bool = False,
    columns: Sequence[Column] | None = None,
    missing: Missing = "error",
    na_values: Any = None,
    labels: ArrayLike | Column | None = None,
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
        at_once = options.needs_memory
        data = Data.of(X, sample_weight, **reading, at_once=at_once, labels=labels)
        starts = Starts.of(data, options, random_state)
        plain = replace(options, callback=None, checkpoint=None, progress=False)
        how = How(plain, starts.seed, starts.is_seeded, reading, ())
        counts = counts_of(n_components, data.n_samples)
        kinds = kinds_of(covariance_type, data.n_features)
        fits = Fits(starts, len(counts) * len(kinds) > 1)
        return chosen(fits, counts, kinds, criterion, how, bar)
