"""Rows in memory of which some lack columns, or are of known components: incomplete data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fastem.density import Density
from fastem.density.incomplete import Groups
from fastem.kernels.labelled import label_moments
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

    def limits_along(self, axes: NDArray[np.float64]) -> Limits:
        """Nothing: a row that lacks a column has no place along other axes."""
        raise NotImplementedError

    def at(self, units: Units) -> IncompleteRows:
        """The rows in the units of a fit."""
        return IncompleteRows(self.X, self.sample_weight, units, self.limits())


@dataclass(frozen=True, eq=False)
class _Uneven(MemoryRows):
    """Rows that are not all alike, and the box of the data, between whose sides noise is spread."""

    box: Limits

    @property
    def whole(self) -> Drawn | None:
        """None: there is no array of whole rows that may be of any component."""
        return None

    @lazy
    def _noise_widths(self) -> NDArray[np.float64]:
        return noise_widths(self.box, self.units)


@dataclass(frozen=True, eq=False)
class IncompleteRows(_Uneven):
    """Rows that may lack columns, and the units to work on them in.

    Parameters
    ----------
    X, sample_weight, units
        As of `MemoryRows`, with NaN for what is missing.
    box : Limits
        Smallest and largest number of each column of the data, between which noise is spread.
    """

    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows as if they were whole."""
        return self._groups.summarise(density, self.units, self._noise_widths)

    def reweighted(self, weigh: Weigh) -> IncompleteRows:
        """The same rows with the weights that a function gives them."""
        weight = weigh(0, len(self.X), self.sample_weight)
        again = replace(self, sample_weight=weight)
        again.__dict__["_groups"] = self._groups.weighted(weight)
        return again

    @lazy
    def _groups(self) -> Groups:
        return Groups.of(self.X, self.sample_weight)


@dataclass(frozen=True, eq=False)
class LabelledRows(_Uneven):
    """Rows that may come from some of the components only, and may lack columns.

    A row of the components C adds log sum_{k in C} weight_k N_k to the likelihood. Rows of one
    component that lack nothing have the same moments at every pass, but for the means that they are
    taken about.

    Parameters
    ----------
    X, sample_weight, units
        As of `IncompleteRows`.
    box : Limits
        As there.
    possible : (n_sets, n_components) bool
        Sets of components, none of them empty. Rows that may be of all may be noise too.
    set_of : (n,) intp
        The set of each row.
    """

    possible: NDArray[np.bool_]
    set_of: NDArray[np.intp]

    def summarise(self, density: Density) -> Moments:
        """One pass: the moments of all rows."""
        if self._groups is None:
            return self._settled_under(density, density.means)
        possible = self.possible
        if density.is_noisy:
            possible = np.column_stack([possible, possible.all(axis=1)])
        own = self.units, self._noise_widths
        moments = self._groups.summarise(density, *own, possible=possible)
        if not self._is_settled.any():
            return moments
        return moments + self._settled_under(density, moments.about)

    @lazy
    def _is_settled(self) -> NDArray[np.bool_]:
        """Which rows are of one component and lack nothing, (n,)."""
        single = self.possible.sum(axis=1) == 1
        return single[self.set_of] & ~np.isnan(self.X).any(axis=1)

    @lazy
    def _groups(self) -> Groups | None:
        """The others, if there are any."""
        some = ~self._is_settled
        if not some.any():
            return None
        weight = None if self.sample_weight is None else self.sample_weight[some]
        return Groups.of(self.X[some], weight, set_of=self.set_of[some])

    @lazy
    def _settled(self) -> Moments:
        """Moments of settled rows about the means of each component's."""
        some, (K, D) = self._is_settled, (self.possible.shape[1], self.X.shape[1])
        rows = (self.X[some] - self.units.centre) * self.units.scale
        weight = np.ones(len(rows)) if self.sample_weight is None else self.sample_weight[some]
        labels = self.possible.argmax(axis=1)[self.set_of[some]].astype(np.int32)
        about, first, second = np.zeros((K, D)), np.zeros((K, D)), np.zeros((K, D, D))
        for k in np.unique(labels):
            own = labels == k
            about[k] = np.average(rows[own], axis=0, weights=weight[own])
        counts = np.zeros(K)
        label_moments(np.ascontiguousarray(rows), weight, labels, about, counts, first, second)
        second += np.tril(second, -1).swapaxes(1, 2)
        return Moments(about, weight.sum(), 0.0, 0.0, counts, first, second)

    def _settled_under(self, density: Density, about: NDArray[np.float64]) -> Moments:
        """The same under a density, with what it says of those rows and their components."""
        moments = self._settled.moved(about)
        if density.factors.ndim == 2:
            squares = np.diagonal(moments.second, axis1=1, axis2=2)
            moments = replace(moments, second=np.ascontiguousarray(squares))
        level = density.expected(moments) + moments.n_rows * self.units.log_jacobian
        return replace(moments, log_likelihood=level)


def rows_of(drawn: Drawn, units: Units, box: Limits) -> MemoryRows:
    """Rows drawn, in those units; box as of `IncompleteRows`."""
    X, weight = drawn
    if np.isnan(X).any():
        return IncompleteRows(X, weight, units, box)
    return MemoryRows(X, weight, units)


def noise_widths(box: Limits, units: Units) -> NDArray[np.float64]:
    """Widths of a box in those units; 1 where it has none, which no noise can be spread over."""
    low, high = box
    with np.errstate(over="ignore"):
        widths = (high - low) * units.scale
    return np.where(widths > 0, widths, 1.0)
