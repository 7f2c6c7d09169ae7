"""Online EM: moments of a stream of rows, of which only their sums are kept.

    s <- (1 - g) s + g batch,  then an M step from s

O. Cappe and E. Moulines, J. R. Stat. Soc. B 71 (2009) 593. The gain g of a batch of n rows, of
which n_seen were seen before, is (n / (n_seen + n))^decay: with decay 1 every row ever seen counts
the same, and with less later ones count for more, since they were looked at with better parameters.
Where the rows drift it is 1 - 2^(-n / half_life) instead.
"""

from __future__ import annotations

import math

import numpy as np

from fastem.covariance import Family, Parameters
from fastem.density import LN2, Density
from fastem.moments import Moments
from fastem.units import Units


def odds(n_rows: float, n_seen: float, decay: float, half_life: float | None) -> float:
    """(1 - g) / g: what the past weighs against a batch."""
    if half_life is not None:
        return 1.0 / math.expm1(n_rows / half_life * math.log(2.0))
    if decay == 1.0:
        return n_seen / n_rows
    return (1.0 + n_seen / n_rows) ** decay - 1.0


def joined(past: Moments, batch: Moments, odds: float) -> Moments:
    """Those of the past and a batch, about the batch's means, in multiples of its rows."""
    share = odds * batch.n_rows / past.n_rows if odds else 0.0
    return past.moved(batch.about).scaled(share) + batch


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


def deviation(density: Density, moments: Moments, n_features: int) -> float:
    """Standard deviation of the log density of one row, about: exact where components are apart.

    The log density of a Gaussian has the variance D / 2 under itself, whatever its covariance.
    """
    bits = density.log_norms - density.log_norms.max()
    shares = moments.counts / moments.counts.sum()
    levels = np.where(shares > 0, bits, 0.0) * LN2
    apart = float(shares @ (levels - shares @ levels) ** 2)
    return math.sqrt(0.5 * n_features + apart)
