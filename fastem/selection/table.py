"""The table of a selection: a row for each fit, the best of them, and how they were made."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose
from typing import Any, NamedTuple

import numpy as np

from fastem.options import Options
from fastem.results import Fit

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


def row_of(fitted: Fit) -> Row:
    """The row of a fit."""
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


def best_of(table: Sequence[Row], criterion: str) -> Row:
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
