"""Units: the centre and scale that rows are moved to on their way into a kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastem.lazy import lazy

#: Rows looked at to choose units; evenly spaced, so that sorted data does no harm.
LOOKED_AT = 16384


@dataclass(frozen=True, eq=False)
class Units:
    """A row x is worked on as (x - centre) * scale, column by column.

    Scales are powers of two and the centre of float64 data is 0, so nothing is rounded: results on
    data in metres and in light years agree to the bit. They keep squares inside the floating point
    range and make every tolerance relative to the data's own spread. float32 data is centred, so
    that its 24 bits are spent on the spread and not on the offset.

    Parameters
    ----------
    centre, scale : (n_features,) float64
    """

    centre: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray, *, per_column: bool = True) -> Units:
        """Units that suit X (n_samples, n_features).

        Parameters
        ----------
        X : (n_samples, n_features) float64 or float32
        per_column : bool
            False gives all columns one scale.
        """
        return cls.at(*location_and_spread(X), X.dtype, per_column=per_column)

    @classmethod
    def at(
        cls, centre: NDArray, spread: NDArray, dtype: np.dtype, *, per_column: bool = True
    ) -> Units:
        """Units that suit rows of that dtype, of that location and spread (n_features,)."""
        if not per_column:
            spread = np.full_like(spread, spread.max())
        return cls.from_spread(centre if dtype == np.float32 else np.zeros_like(centre), spread)

    @classmethod
    def from_spread(cls, centre: NDArray, spread: NDArray) -> Units:
        """Units in which that spread (n_features,) is between 1/2 and 1."""
        _, exponent = np.frexp(spread)
        return cls(centre, np.ldexp(1.0, np.minimum(np.maximum(-exponent, -1000), 1000)))

    @classmethod
    def standard(cls, X: NDArray, *, per_column: bool = True) -> Units:
        """Units in which the middle of X is 0 and its spread 1, rounded: for distances.

        Parameters
        ----------
        X : (n_samples, n_features) float64 or float32
        per_column : bool
            False gives all columns one scale.
        """
        return cls.around(*location_and_spread(X), per_column=per_column)

    @classmethod
    def around(cls, centre: NDArray, spread: NDArray, *, per_column: bool = True) -> Units:
        """As `standard`, of rows of that location and spread (n_features,)."""
        if not per_column:
            spread = np.full_like(spread, spread.max())
        return cls(centre, 1.0 / spread)

    @lazy
    def array(self) -> NDArray[np.float64]:
        """(2, n_features): centre and scale, as kernels take them."""
        array = np.stack([self.centre, self.scale])
        array.setflags(write=False)
        return array

    @lazy
    def log_jacobian(self) -> float:
        """What a log density in these units lacks to be one in the user's, in nats a row."""
        return float(np.log(self.scale).sum())

    def enter(self, means: NDArray) -> NDArray:
        """Means from the user's units into these."""
        return (means - self.centre) * self.scale

    def leave(self, means: NDArray) -> NDArray:
        """Means from these units into the user's."""
        return means / self.scale + self.centre


def location_and_spread(X: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median and robust standard deviation of each column of X, from at most `LOOKED_AT` rows.

    The spread is the interquartile range / 1.349: one row at 1e30 must not hide the others. Where
    it is 0 (many ties) the standard deviation stands in, then the magnitude, then 1. It is never
    subnormal. What is NaN does not count; every column has a number in it.
    """
    some = np.asarray(X[:: max(1, len(X) // LOOKED_AT)], dtype=np.float64)
    missing = np.isnan(some)
    if missing.any():
        columns = [column[~gaps, None] for column, gaps in zip(some.T, missing.T, strict=True)]
        each = [location_and_spread(column) for column in columns]
        centres, spreads = zip(*each, strict=True)
        return np.concatenate(centres), np.concatenate(spreads)
    ranks = [len(some) // 4, len(some) // 2, 3 * len(some) // 4]
    by_column = np.ascontiguousarray(some.T)  # to sort along rows is slow
    # NumPy sorts by vectors, which takes a third of the time of its partition by several ranks.
    low, centre, high = np.sort(by_column, axis=1)[:, ranks].T
    spread = high / 1.349 - low / 1.349
    tied = spread <= 0
    if tied.any():
        magnitude = np.abs(some[:, tied] - centre[tied]).max(axis=0)
        unit = np.where(magnitude > 0, magnitude, 1.0)
        deviation = unit * np.sqrt((((some[:, tied] - centre[tied]) / unit) ** 2).mean(axis=0))
        fallback = np.where(centre[tied] != 0, np.abs(centre[tied]), 1.0)
        spread[tied] = np.where(magnitude > 0, deviation, fallback)
    return centre, np.maximum(spread, np.finfo(np.float64).tiny)
