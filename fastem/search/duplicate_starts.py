"""Starts that are one: k-means often leads several seeds to the same clusters, or nearly so."""

from __future__ import annotations

from functools import cache

import numpy as np

from fastem.covariance import Family, Parameters
from fastem.density import Density
from fastem.moments import Moments
from fastem.search.objective import Objective

#: Starts are not told apart by less than this share of what a sample leaves undetermined,
SHARE = 0.1
#: nor by less than so many rounding errors.
ROUNDING = 16


def firsts(starts: list[Parameters], objective: Objective) -> list[int]:
    """For each start the first one that it differs from by less than is worth a run.

    The difference is the Kullback-Leibler divergence of rows and their components, in nats a row,
    an upper bound on that of the rows alone; components may stand in another order.
    """
    least = max(objective.tol, SHARE * objective.shortfall, ROUNDING * objective.rows.precision)
    family = objective.family
    weights = np.sort([start.weights for start in starts], axis=1)
    factored = cache(lambda i: _factored(starts[i], family))
    found: list[int] = []
    for i, start in enumerate(starts):
        # By Pinsker's inequality the divergence is 2 d^2 at least for weights that differ by d.
        apart = 2.0 * np.abs(weights[:i] - weights[i]).max(axis=1, initial=0.0) ** 2
        twin = i
        for j in np.flatnonzero((apart < least) & (np.array(found) == np.arange(i))):
            own, other = factored(i), factored(int(j))
            if own is None or other is None:
                continue
            if _divergence(family.moments(start), own, other) < least:
                twin = int(j)
                break
        found.append(twin)
    return found


def _factored(start: Parameters, family: Family) -> Density | None:
    try:
        return family.factor(start)
    except np.linalg.LinAlgError:
        return None


def _divergence(moments: Moments, own: Density, other: Density) -> float:
    """KL(own || other), components of own beside those of the other that they are nearest to."""
    apart = ((other.means[:, None] - own.means) ** 2).sum(axis=2)
    order = apart.argmin(axis=1)
    if len(set(order.tolist())) < len(order):
        return np.inf
    beside = Moments(
        moments.about[order],
        moments.n_rows,
        0.0,
        0.0,
        moments.counts[order],
        moments.first[order],
        moments.second[order],
        moments.noise,
    )
    with np.errstate(over="ignore", invalid="ignore"):
        return own.expected(moments) - other.expected(beside.moved(other.means))
