"""Centre: mean and covariance of all rows together, which priors and boxes of noise are about."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastem.covariance import FAMILIES, Bounds, Parameters
from fastem.density import Ellipsoidal
from fastem.moments import Moments
from fastem.rows import Rows, Source
from fastem.units import Units

#: One component of rows that lack columns is at its maximum when a step of EM gains less than this,
#: in nats a row, or after so many steps; its covariance is held up at FLOOR.
LEAST_GAIN, MOST_STEPS, FLOOR = 1e-10, 1000, 1e-10


class Centre(NamedTuple):
    """Moments of all rows together.

    Parameters
    ----------
    n_rows : float
        Number of rows, or the sum of their weights.
    mean : (n_features,)
    covariance : (n_features, n_features)
        With the divisor n - 1.
    units : Units
        Of mean and covariance: those that suit a family.
    """

    n_rows: float
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    units: Units

    @classmethod
    def of(
        cls,
        rows: Rows,
        source: Source,
        middle: NDArray[np.float64],
        spread: NDArray[np.float64],
    ) -> Centre:
        """Of the rows of a source, of about that location and spread in the user's units."""
        about = rows.units.enter(middle)[None]
        if source.complete:
            flat = np.zeros((1, len(middle), len(middle)))
            moments = rows.summarise(Ellipsoidal(about, flat, np.zeros(1)))
        else:
            variances = (spread * rows.units.scale) ** 2
            moments = _expected(rows, Parameters(np.ones(1), about, np.diag(variances)[None]))
        n = moments.n_rows * source.weight_unit
        _, (mean,), (covariance,) = moments.scatter()
        return cls(n, mean, covariance * (n / (n - 1) if n > 1 else 1.0), rows.units)

    def joined(self, seen: Moments) -> Centre:
        """The same of other rows too, of which those of noise count and say no more.

        Where their moments have only squares, what columns have in common is left out.
        """
        about = seen.moved(np.broadcast_to(self.mean, seen.about.shape))
        n = self.n_rows + float(about.counts.sum())
        step, second = about.first.sum(axis=0) / n, about.second.sum(axis=0)
        second = np.diag(second) if second.ndim == 1 else second
        scatter = (self.n_rows - 1) * self.covariance + second - n * np.outer(step, step)
        covariance = scatter / (n - 1 if n > 1 else 1.0)
        n_rows = self.n_rows + seen.n_rows
        return Centre(n_rows, self.mean + step, covariance, self.units)


def _expected(rows: Rows, parameters: Parameters) -> Moments:
    """Of rows that lack columns, under the Gaussian of their greatest likelihood."""
    family, bounds = FAMILIES["full"], Bounds(np.zeros_like(parameters.means[0]), FLOOR)
    level = -np.inf
    for _ in range(MOST_STEPS):
        moments = rows.summarise(family.factor(parameters))
        gain = moments.log_likelihood - level
        if gain <= LEAST_GAIN * moments.n_rows:
            break
        level = moments.log_likelihood
        parameters = family.maximise(moments, bounds, parameters)
    return moments
