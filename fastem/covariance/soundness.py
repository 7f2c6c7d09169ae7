"""Which components are no finding but an accident of the likelihood, which has no upper bound.

A component on few rows, or on rows in a line, has as high a likelihood as its bounds allow (N. E.
Day, Biometrika 56 (1969) 463). Where a family ties the components' volumes, a thin one is drawn out
instead, without end. Bounds on eigenvalues at both ends part such maxima from sound ones (R. J.
Hathaway, Ann. Stat. 13 (1985) 795; L. A. Garcia-Escudero et al., Stat. Comput. 25 (2015) 619).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.compiler.options import read_only
from fastem.covariance.family import Family
from fastem.covariance.parameters import Bounds, Parameters
from fastem.eigen import eigvalsh
from fastem.kernels.floor import ROUNDING, above_floor
from fastem.kernels.wide import COLUMNS
from fastem.moments import Moments

#: How many times the scatter of all rows a component may add to it. At a maximum of families that
#: tie nothing it is less than 1; those that tie volumes draw out a thin component.
CEILING = 10.0
#: Responsibilities of a component far from all others may lack so much of a row.
LACKING = 0.5


class Unsound(NamedTuple):
    """What is wrong with components.

    Parameters
    ----------
    singular, drawn_out, few : (n_components,) bool
        On the floor of the bounds, or singular to rounding; larger than the data by far; of fewer
        rows than the family takes.
    """

    singular: NDArray[np.bool_]
    drawn_out: NDArray[np.bool_]
    few: NDArray[np.bool_]

    @property
    def found(self) -> bool:
        """Whether there is one."""
        return any(part.any() for part in self)


def unsound(
    parameters: Parameters,
    moments: Moments,
    family: Family,
    bounds: Bounds,
    n_samples: float = np.inf,
) -> Unsound:
    """What is wrong with the components that EM ended with.

    Parameters
    ----------
    parameters : Parameters
    moments : Moments
        Of the rows at those parameters.
    family : Family
    bounds : Bounds
    n_samples : float
        How many rows there are, whatever they weigh; by default so many that nobody counts.
    """
    counts, means, scatters = moments.scatter()
    shares = counts / max(counts.sum(), np.finfo(float).tiny)
    away = means - shares @ means
    total = float(shares @ (_traces(scatters) + (away * away).sum(axis=1)))
    size = _traces(family.spread(parameters.covariances, *means.shape))
    least = 0 if bounds.ridge.any() else family.least_rows(means.shape[1])
    return Unsound(
        singular(parameters, family, bounds),
        parameters.weights * size > CEILING * (total + size.min()),
        (counts > 0) & (shares < (least - LACKING) / n_samples),
    )


def singular(parameters: Parameters, family: Family, bounds: Bounds) -> NDArray[np.bool_]:
    """Which components are singular but for the bounds that hold them up, (n_components,)."""
    n_components, n_features = parameters.means.shape
    spread = family.spread(parameters.covariances, n_components, n_features)
    floor, rounding = 1.001 * bounds.floor, 2.1 * ROUNDING * n_features
    if family.diagonal:
        return ~(spread.min(axis=1) > np.maximum(floor, rounding * spread.max(axis=1)))
    passed = np.empty(n_components, np.bool_)
    # No eigenvalue is above the trace: where all pass so, none has to be looked at closely.
    largest = float(_traces(spread).max())
    matrices = read_only(np.ascontiguousarray(spread))
    above_floor(matrices, max(floor, rounding * largest), 0.0, passed)
    if n_features >= COLUMNS and rounding * largest <= floor:
        return ~passed  # eigenvalues would tell no more, and take long
    for k in np.flatnonzero(~passed):
        values = eigvalsh(spread[k])
        passed[k] = values[0] > max(floor, rounding * values[-1])
    return ~passed


def _traces(spread: NDArray) -> NDArray[np.float64]:
    """Sums of variances (n_components, n_features), or traces of matrices."""
    return spread.sum(axis=1) if spread.ndim == 2 else np.trace(spread, axis1=1, axis2=2)
