"""Online EM: moments of a stream of rows, of which only their sums are kept.

    s <- (1 - g) s + g batch,  then an M step from s

O. Cappe and E. Moulines, J. R. Stat. Soc. B 71 (2009) 593. The gain g of a batch of n rows, of
which n_seen were seen before, is (n / (n_seen + n))^decay: with decay 1 every row ever seen counts
the same, and with less later ones count for more, since they were looked at with better parameters.
Where the rows drift it is 1 - 2^(-n / half_life) instead.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from fastem.compiler.options import read_only
from fastem.covariance import Bounds, Family, Parameters
from fastem.density import LN2, Density
from fastem.kernels.moments import level_variance
from fastem.moments import Moments
from fastem.rows import Rows
from fastem.units import Units


class Learnt(NamedTuple):
    """What an update finds.

    Parameters
    ----------
    log_likelihood : float
        Of the batch, before it, in nats.
    deviation : float
        Standard deviation of the log density of one row, about.
    moments : Moments
        Of the past and the batch, in multiples of the batch's rows.
    parameters : Parameters
        The maximum for these moments.
    """

    log_likelihood: float
    deviation: float
    moments: Moments
    parameters: Parameters


class Batch:
    """Rows that came together, and the pass over them, for one update.

    Parameters
    ----------
    rows : Rows
    weight_unit : float
        What their weights are multiples of.
    family : Family
    parameters : Parameters
        Before the update.
    bounds : Bounds
    """

    def __init__(
        self,
        rows: Rows,
        weight_unit: float,
        family: Family,
        parameters: Parameters,
        bounds: Bounds,
    ) -> None:
        self._family, self._parameters, self._bounds = family, parameters, bounds
        self._density = family.factor(parameters)
        self._found = rows.summarise(self._density).scaled(weight_unit)
        self.n_rows = self._found.n_rows

    def learn(self, past: Moments | None, odds: float) -> Learnt:
        """Join the batch with the past, if there is one, and make an M step."""
        found = self._found
        moments = found if past is None else joined(past, found, odds)
        log_norms = read_only(self._density.log_norms)
        variance = level_variance(read_only(moments.counts), log_norms)
        parameters = self._family.maximise(moments, self._bounds, self._parameters)
        spread = deviation(variance, moments.about.shape[1])
        return Learnt(found.log_likelihood, spread, moments, parameters)


def odds(n_rows: float, n_seen: float, decay: float, half_life: float | None) -> float:
    """(1 - g) / g: what the past weighs against a batch."""
    if half_life is not None:
        return 1.0 / math.expm1(n_rows / half_life * math.log(2.0))
    if decay == 1.0:
        return n_seen / n_rows
    return (1.0 + n_seen / n_rows) ** decay - 1.0


def joined(past: Moments, batch: Moments, odds: float) -> Moments:
    """Those of the past and a batch, about the batch's means, in multiples of its rows."""
    return past.moved(batch.about).scaled(share_of(past, batch.n_rows, odds)) + batch


def share_of(past: Moments, n_rows: float, odds: float) -> float:
    """What the past is multiplied by beside so many rows."""
    return odds * n_rows / past.n_rows if odds else 0.0


def imagined(
    family: Family, parameters: Parameters, density: Density, units: Units, n_rows: float
) -> Moments:
    """Those of so many rows that follow the parameters."""
    moments = family.moments(parameters)
    level = density.expected(moments) + units.log_jacobian
    return Moments(
        moments.about,
        1.0,
        level,
        0.0,
        moments.counts,
        moments.first,
        moments.second,
        moments.noise,
    ).scaled(n_rows)


def deviation(variance: float, n_features: int) -> float:
    """Standard deviation of the log density of one row, about: exact where components are apart.

    The log density of a Gaussian has the variance D / 2 under itself, whatever its covariance.

    Parameters
    ----------
    variance : float
        As of `kernels.moments.level_variance`.
    n_features : int
    """
    return math.sqrt(0.5 * n_features + LN2 * LN2 * variance)
