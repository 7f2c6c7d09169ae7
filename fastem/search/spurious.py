"""Components that a sample's chance made up, told by other rows and put where these need them.

The likelihood of a sample has maxima in which a component holds a few rows that happen to lie in a
line or a heap (G. McLachlan and D. Peel, Finite Mixture Models, 2000, section 3.10, on spurious
maxima). Over more rows such a component shrinks for hundreds of passes, and in the end collapses.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fastem import em
from fastem.covariance import LACKING, Family, Parameters, unsound
from fastem.eigen import eigh, eigvalsh
from fastem.rows import MemoryRows
from fastem.search.objective import Objective
from fastem.search.splitting import replaced

#: Maxima with an unsound component; with one that chance may have made up; and others.
COLLAPSED, DOUBTFUL, SOUND = range(3)
#: Rows of the sample, for each column and one more, from which no component is suspected; and up to
#: which one is not to be had, whatever the likelihood.
MANY = 50
FEW = 2
#: Up to so many a component is not to be had either where it is so thin: its variance along some
#: axis as a share of that of all rows. Of many columns nobody looks, for that takes long.
SEVERAL, THIN, MOST_COLUMNS = 10, 1e-6, 64
#: Under a prior no component has too few rows that has this share of an even part of them.
LEAST_OF_EVEN = 0.25
#: A component is not validated whose share of other rows is less than this one of its weight.
LEAST_SHARE = 0.8
#: Replacements, at most.
ROUNDS = 4


def judged(run: em.Run, objective: Objective, n_samples: int) -> tuple[int, NDArray[np.bool_]]:
    """How far the end of a run is to be trusted, and which components make it less than sound.

    Parameters
    ----------
    run : em.Run
    objective : Objective
    n_samples : int
        Rows of the objective.

    Returns
    -------
    soundness : {COLLAPSED, DOUBTFUL, SOUND}
    poor : (n_components,) bool
    """
    family, bounds = objective.family, objective.bounds
    wrong = unsound(run.parameters, run.moments, family, bounds, n_samples)
    few = _few(run.parameters, objective, n_samples)
    dead = run.parameters.weights == 0.0
    if wrong.found or dead.any():
        return COLLAPSED, wrong.singular | wrong.drawn_out | wrong.few | few | dead
    return (DOUBTFUL if few.any() else SOUND), few


def fewest(family: Family, n_features: int) -> float:
    """Rows below which a component is not to be had, and over all rows is put elsewhere.

    So few may lie in a line, or in a heap, by chance; where all share their covariance that is no
    gain. Under a prior it is no collapse, and they may stay.
    """
    least = family.least_rows(n_features)
    return max(least - LACKING, 0.0) if least <= 1 else _rows_of_chance(family, n_features)


def _rows_of_chance(family: Family, n_features: int) -> int:
    # Rows in a line have next to no volume, also where components share a shape.
    in_a_line = n_features == 1 or not family.diagonal
    return (FEW if in_a_line else 1) * (n_features + 1)


def _few(parameters: Parameters, objective: Objective, n_samples: int) -> NDArray[np.bool_]:
    """Which components hold so few rows that these may lie in a line, or in a heap, by chance."""
    n_features, family = parameters.means.shape[1], objective.family
    least = fewest(family, n_features)
    if objective.bounds.ridge.any():
        return np.zeros(len(parameters.weights), bool)
    rows = parameters.weights * n_samples
    if family.favours_few:
        return rows < min(
            _rows_of_chance(family, n_features), LEAST_OF_EVEN * n_samples / len(rows)
        )
    few = rows < least
    if least > 1 and n_features <= MOST_COLUMNS:
        suspects = np.flatnonzero(~few & (rows < SEVERAL * (n_features + 1)))
        few[suspects] = _thinnest(parameters, suspects, family) < THIN
    return few


def _thinnest(
    parameters: Parameters, which: NDArray[np.intp], family: Family
) -> NDArray[np.float64]:
    """Least variance of components along any axis, as a share of that of all rows."""
    weights, means, covariances = parameters
    if not which.size:
        return np.zeros(0)
    spread = family.spread(covariances, *means.shape)
    share = weights / weights.sum()
    away = means - share @ means
    if spread.ndim == 2:
        return (spread[which] / (share @ (spread + away * away))).min(axis=1)
    total = np.einsum("k,kij->ij", share, spread) + np.einsum("k,ki,kj->ij", share, away, away)
    scale = np.sqrt(total.diagonal())
    values, axes = eigh(total / scale / scale[:, None])
    whiten = axes / np.sqrt(np.maximum(values, np.finfo(float).tiny)) / scale[:, None]
    return eigvalsh(whiten.T @ spread[which] @ whiten)[:, 0]


def validated(
    objective: Objective,
    parameters: Parameters,
    holdout: Callable[[int], MemoryRows],
    again: Callable[[Parameters], Parameters | None],
) -> Parameters:
    """Replace components that other rows do not bear out, while those are the likelier for it.

    Parameters
    ----------
    objective : Objective
        Over the sample.
    parameters : Parameters
        Where EM converged.
    holdout : callable
        Gives so many other rows; not called where all components have many rows of the sample.
    again : callable
        Runs EM over the sample from given parameters; None where that comes to nothing.
    """
    row = (parameters.means.shape[1] + 1) / objective.rows.n_samples
    if not (parameters.weights < MANY * row).any():
        return parameters
    rows = holdout(objective.rows.n_samples)
    level, shares = _judged(parameters, objective.family, rows)
    at_once = len(shares)
    for _ in range(ROUNDS):
        weights = parameters.weights
        doubtful = _doubtful(weights, shares, MANY * row)[:at_once]
        if not 0 < len(doubtful) < len(shares):
            break
        tried = again(replaced(parameters, doubtful, objective.family, objective.bounds))
        at_once = len(doubtful) // 2
        if tried is None:
            continue
        reached, found = _judged(tried, objective.family, rows)
        if reached > level or (weights[doubtful] < FEW * row).all():
            parameters, level, shares, at_once = tried, reached, found, len(shares)
    return parameters


def _doubtful(weights: NDArray, shares: NDArray, suspect: float) -> NDArray[np.intp]:
    """Components that are not validated, the most doubtful first."""
    ratio = shares / np.maximum(weights, np.finfo(float).tiny)
    order = np.argsort(ratio, kind="stable")
    return order[(weights[order] < suspect) & (ratio[order] < LEAST_SHARE)]


def _judged(
    parameters: Parameters, family: Family, rows: MemoryRows
) -> tuple[float, NDArray[np.float64]]:
    """Mean log-likelihood of rows, and the components' shares of them."""
    moments = rows.summarise(family.factor(parameters))
    return moments.log_likelihood / moments.n_rows, moments.counts / moments.n_rows
