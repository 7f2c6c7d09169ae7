"""What EM maximises over some rows, and how far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, starmap
from typing import Generic, TypeVar

import numpy as np

from fastem import em
from fastem.covariance import Bounds, Family, Parameters, singular
from fastem.lazy import lazy
from fastem.moments import DEAD
from fastem.options import Options
from fastem.rows import MemoryRows, Rows

#: Default floor of covariances' eigenvalues, as a share of the data's own variance.
DEFAULT_FLOOR = 1e-10
#: The same where the user gives `reg_covar`: only what rounding makes of a singular matrix.
ROUNDING_FLOOR = 1e-14
#: Starts on a sample converge to within this share of what the sample's maximum is off.
RACE_SHARE = 0.02

#: What is left to gain where a search over all rows ends a run, in nats of all rows: the last run
#: of a fit goes on.
LEFT = 0.02

R = TypeVar("R", bound=Rows)


@dataclass(frozen=True, eq=False)
class Objective(Generic[R]):
    """The likelihood of rows within bounds; of a family with a prior the posterior.

    Parameters
    ----------
    rows : Rows
        A search takes rows in memory.
    family : Family
        For rows in their units, in which `bounds` and all parameters are.
    bounds : Bounds
    tol : float
        A run ends when the gain still to be expected is below this, in nats a row.
    max_iter : int
        Steps of one start, at most.
    accelerate : bool
    shortfall : float
        What the maximum over these rows is off, in nats a row, where they are a sample of more:
        levels that differ by less do not tell maxima apart.
    """

    rows: R
    family: Family
    bounds: Bounds
    tol: float
    max_iter: int
    accelerate: bool = True
    shortfall: float = 0.0

    @lazy
    def runs(self) -> em.Runs:
        """Runs over these rows."""
        return em.Runs(self.rows, self.family, self.bounds, self.accelerate)

    def rule(
        self, to_beat: float = -np.inf, tol: float | None = None, least_weight: float = 0.0
    ) -> em.Rule:
        """When a run over these rows ends; also where it cannot come up to a level."""
        tol = self.tol if tol is None else tol
        # Of a posterior a run knows no more than how high that will be.
        to_beat = -np.inf if self.family.favours_few else to_beat
        return em.Rule.expected_gain(tol, self.rows.precision, to_beat, least_weight)

    def level(self, run: em.Run) -> float:
        """What the end of a run is compared with others by, in nats a row."""
        return self._likelihood(run.trace[-1], run.parameters)

    def _likelihood(self, level: float, parameters: Parameters) -> float:
        """Without the prior, whose density may be worth more than all rows to an empty component.

        BIC takes no account of it either: C. Fraley and A. E. Raftery, J. Classif. 24 (2007) 155.
        """
        return level - self.family.log_prior(parameters) if self.family.favours_few else level

    def after(self, start: Parameters, steps: int) -> tuple[float, Parameters]:
        """Level and parameters after a few steps, which leave nothing to extrapolate from.

        The level is -inf where a component is singular or has no rows: EM cannot go on from there.
        """
        return next(self.each_after([start], steps))

    def each_after(
        self, starts: Iterable[Parameters], steps: int
    ) -> Iterator[tuple[float, Parameters]]:
        """The same from each start, in their order."""
        return starmap(self._alive, self.runs.short(starts, steps))

    def after_over(
        self, parts: Iterable[MemoryRows], start: Parameters, steps: int
    ) -> Iterator[tuple[float, Parameters]]:
        """The same over other rows, each time as many, in their order."""
        parts = iter(parts)
        for first in parts:
            runs = em.Runs(first, self.family, self.bounds, self.accelerate)
            yield from starmap(self._alive, runs.short_over(chain([first], parts), start, steps))

    def _alive(self, level: float, found: Parameters) -> tuple[float, Parameters]:
        dead = (found.weights <= DEAD).any()
        lost = dead or singular(found, self.family, self.bounds).any()
        return -np.inf if lost else self._likelihood(level, found), found

    @property
    def is_sample(self) -> bool:
        """Whether there are more rows than these."""
        return self.shortfall > 0.0

    @classmethod
    def of(
        cls, rows: R, family: Family, options: Options, shortfall: float = 0.0, least: float = 0.0
    ) -> Objective[R]:
        """That of a fit with those options, in the units of the rows.

        `least` is a gain, in nats a row, that another run is to have.
        """
        scale, reg_covar = rows.units.scale, options.reg_covar
        if reg_covar is None:
            bounds = Bounds(np.zeros_like(scale), max(DEFAULT_FLOOR, rows.precision / 8))
        else:
            bounds = Bounds(reg_covar * scale**2, ROUNDING_FLOOR)
        return cls(
            rows,
            family.at(rows.units),
            bounds,
            max(options.tol, RACE_SHARE * shortfall, least),
            options.max_iter,
            options.accelerate,
            shortfall,
        )
