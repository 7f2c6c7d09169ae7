"""Rows in memory of which some lack columns, missing at random."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fastem.density import Density
from fastem.density.incomplete import Groups
from fastem.lazy import lazy
from fastem.moments import Moments
from fastem.rows.memory import Memory, MemoryRows
from fastem.rows.source import Drawn, Limits, Weigh
from fastem.units import Units


@dataclass(frozen=True, eq=False)
class Incomplete(Memory):
    """An array of rows with NaN for what is missing.

    Parameters
    ----------
    X, sample_weight, weight_unit
        As of `Memory`, but for NaN. Every column has a number in it.
    """

    complete = False

    def limits(self) -> Limits:
        """Smallest and largest number in each column."""
        return self._limits

    def limits_along(self, axes: NDArray[np.float64]) -> Limits:
        """Nothing: a row that lacks a column has no place along other axes."""
        raise NotImplementedError

    def widened(self) -> Incomplete:
        """The same rows as float64."""
        return Incomplete(self.X.astype(np.float64), self.sample_weight, self.weight_unit)

    def at(self, units: Units) -> IncompleteRows:
        """The rows in the units of a fit."""
        return IncompleteRows(self.X, self.sample_weight, units, self.limits())

    @lazy
    def _limits(self) -> Limits:
        return observed_limits(self.X)


@dataclass(frozen=True, eq=False)
class IncompleteRows(MemoryRows):
    """Rows that may lack columns, and the units to work on them in.

    Parameters
    ----------
    X, sample_weight, units
        As of `MemoryRows`, with NaN for what is missing.
    box : Limits
        Smallest and largest number of each column of the data, between which noise is spread.
    """

    box: Limits

    @property
    def whole(self) -> Drawn | None:
        """None: there is no array of whole rows."""
        return None

    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows as if they were whole."""
        return self._groups.summarise(density, self.units, noise_widths(self.box, self.units))

    def reweighted(self, weigh: Weigh) -> IncompleteRows:
        """The same rows with the weights that a function gives them."""
        weight = weigh(0, len(self.X), self.sample_weight)
        again = replace(self, sample_weight=weight)
        again.__dict__["_groups"] = self._groups.weighted(weight)
        return again

    @lazy
    def _groups(self) -> Groups:
        return Groups.of(self.X, self.sample_weight)


def rows_of(drawn: Drawn, units: Units, box: Limits) -> MemoryRows:
    """Rows drawn, in those units; box as of `IncompleteRows`."""
    X, weight = drawn
    if np.isnan(X).any():
        return IncompleteRows(X, weight, units, box)
    return MemoryRows(X, weight, units)


def observed_limits(X: NDArray) -> Limits:
    """Smallest and largest number in each column; NaN where there is none."""
    low, high = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
    return low.astype(np.float64), high.astype(np.float64)


def noise_widths(box: Limits, units: Units) -> NDArray[np.float64]:
    """Widths of a box in those units; 1 where it has none, which no noise can be spread over."""
    low, high = box
    with np.errstate(over="ignore"):
        widths = (high - low) * units.scale
    return np.where(widths > 0, widths, 1.0)
